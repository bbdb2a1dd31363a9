/**
 * The half that all peers have in common: a process that opens a workload and then runs it as often as it is told, so that
 * several peers' processes can take turns on one machine. A line of JSON comes in, a line of JSON goes out.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { counts } from './counts.ts'
import { type Job, readJob } from './job.ts'
import { peakBytes } from './peak.ts'

export interface Peer {
  readonly version: string
  readonly adapter: string
  /** Faults that the device reported. */
  readonly faults: readonly string[]
  open(job: Job): Promise<Subject>
}

export interface Subject {
  /** Uploads the inputs and issues one run, which need not be over when this returns. */
  run(): unknown
  /** Of the last step of a training. */
  loss?(): Promise<number>
  /** Of the last forward or product. */
  output?(): Promise<Float32Array>
  /** Waits until everything issued is done. */
  settle?(): unknown
  /** What the peer knows of itself: bytes, counts. */
  facts?(): Readonly<Record<string, unknown>>
}

export type Order = { readonly do: 'first' } | { readonly do: 'block'; readonly runs: number } | { readonly do: 'end' }

export interface ReadyReply {
  readonly version: string
}
export interface BlockReply {
  /** Milliseconds of each run, or of a run on average where they are only waited for together. */
  readonly each: readonly number[]
  readonly loss?: number
  /** Processor time of this process, all threads, in milliseconds. */
  readonly processor: number
  readonly dispatches: number
  readonly buffers: number
}
export interface FirstReply {
  readonly ms: number
  readonly loss?: number
}
export interface EndReply {
  readonly peakBytes: number
  readonly adapter: string
  readonly faults: readonly string[]
  readonly facts: Readonly<Record<string, unknown>>
}

export async function serve(start: (job: Job) => Promise<Peer>): Promise<void> {
  const job = readJob(process.argv.slice(2))
  const say = (reply: unknown) => process.stdout.write(`${JSON.stringify(reply)}\n`)
  const peer = await start(job)
  say({ version: peer.version } satisfies ReadyReply)
  let subject: Subject | undefined
  for await (const line of createInterface({ input: process.stdin })) {
    const order = JSON.parse(line) as Order
    switch (order.do) {
      case 'first': {
        const start = performance.now()
        subject = await peer.open(job)
        await subject.run()
        const loss = await finish(subject, job)
        say({ ms: performance.now() - start, ...(loss !== undefined && { loss }) } satisfies FirstReply)
        break
      }
      case 'block':
        say(await block(subject!, job, order.runs))
        break
      case 'end':
        say({
          peakBytes: peakBytes(),
          adapter: peer.adapter,
          faults: peer.faults,
          facts: subject?.facts?.() ?? {},
        } satisfies EndReply)
        await new Promise<void>((done) => process.stdout.write('', () => done()))
        process.exit(0)
    }
  }
}

/** Waits for what was run; the output of a forward or product is left in a file for whoever checks it. */
async function finish(subject: Subject, { workload, folder }: Job): Promise<number | undefined> {
  if (workload.kind === 'train') return subject.loss!()
  const output = await subject.output!()
  writeFileSync(join(folder, `${process.pid}.output`), output)
  return undefined
}

async function block(subject: Subject, { workload }: Job, runs: number): Promise<BlockReply> {
  const before = process.cpuUsage()
  const counted = { ...counts }
  const each: number[] = []
  let loss: number | undefined
  const start = performance.now()
  for (let run = 0; run < runs; run++) {
    const began = performance.now()
    await subject.run()
    if (workload.kind !== 'infer') continue
    await subject.output!()
    each.push(performance.now() - began)
  }
  if (workload.kind === 'train') loss = await subject.loss!()
  else await subject.settle?.()
  if (workload.kind !== 'infer') each.push((performance.now() - start) / runs)
  const { user, system } = process.cpuUsage(before)
  return {
    each,
    ...(loss !== undefined && { loss }),
    processor: (user + system) / 1000,
    dispatches: (counts.dispatches - counted.dispatches) / runs,
    buffers: (counts.buffers - counted.buffers) / runs,
  }
}
