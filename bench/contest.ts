/**
 * One workload, several peers → their times. All processes live at once and take turns, so that what the machine does
 * meanwhile meets them alike; only one works at a time. First each does its first step with an empty shader cache, then some
 * to warm up, then some rounds of timed blocks. Whoever gives a wrong answer is not timed.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Child } from './child.ts'
import { type Expectation, expectationOf } from './expectations.ts'
import { writeJob } from './job-files.ts'
import type { BlockReply, EndReply } from './peers/serve.ts'
import { type PeerEntry, python, torchScript } from './peers.ts'
import { busyCores, type Spread, spreadOf } from './statistics.ts'
import type { Workload } from './workloads.ts'

export interface Row {
  readonly workload: string
  readonly title: string
  readonly kind: Workload['kind']
  readonly peer: string
  readonly version: string
  readonly adapter: string
  /** Milliseconds a run. */
  readonly time: Spread
  /** Model, compilation and first run, with its result, in milliseconds. */
  readonly first: number
  readonly peakBytes: number
  readonly losses: readonly number[]
  /** A run's, as counted at WebGPU's interface. */
  readonly dispatches: number
  readonly buffers: number
  /** Cores it kept busy, and cores that others kept busy meanwhile. */
  readonly cores: number
  readonly othersCores: number
  readonly facts: EndReply['facts']
}
export interface Failure {
  readonly workload: string
  readonly peer: string
  readonly reason: string
}

interface Contestant {
  readonly peer: PeerEntry
  readonly child: Child
  readonly version: string
  first: number
  steps: number
  /** Milliseconds a run at the end of the warm-up. */
  pace: number
  readonly losses: number[]
  readonly blocks: { reply: BlockReply; wall: number; busy: number }[]
}

export interface Contest {
  readonly workload: Workload
  readonly peers: readonly PeerEntry[]
  readonly device: string
  readonly rounds: number
  readonly tell: (line: string) => void
}

export async function contest(request: Contest): Promise<{ rows: Row[]; failures: Failure[] }> {
  const { workload, peers, device, rounds, tell } = request
  const folder = mkdtempSync(join(tmpdir(), 'dlm-bench-'))
  const failures: Failure[] = []
  const fail = (peer: PeerEntry, reason: string) => {
    failures.push({ workload: workload.id, peer: peer.name, reason })
    tell(`${workload.id} ${peer.name}: ${reason}`)
  }
  let contestants: Contestant[] = []
  /** Whoever fails is out. */
  const attempt = async (contestant: Contestant, action: () => Promise<string | undefined>): Promise<void> => {
    const reason = await action().catch((error: Error) => error.message)
    if (reason === undefined) return
    fail(contestant.peer, reason)
    contestant.child.kill()
    contestants = contestants.filter((c) => c !== contestant)
  }
  try {
    await writeJob(workload, folder)
    if (peers.some(({ name }) => name === 'onnxruntime')) exportModel(workload, folder)
    const expectation = await expectationOf(workload)
    for (const peer of peers) {
      const contestant = await start(peer, workload, device, folder).catch((error: Error) => fail(peer, error.message))
      if (!contestant) continue
      contestants.push(contestant)
      await attempt(contestant, () => firstRun(contestant, workload, expectation, folder))
      if (contestants.includes(contestant))
        tell(`${workload.id} ${peer.name}: first ${(contestant.first / 1000).toFixed(2)} s`)
    }
    for (const contestant of [...contestants])
      await attempt(contestant, () => warmUp(contestant, workload, expectation))
    for (let round = 0; round < rounds; round++)
      for (const contestant of inTurn(contestants, round))
        await attempt(contestant, () => turn(contestant, runsOf(workload, contestant), expectation, true))
    const rows: Row[] = []
    for (const contestant of [...contestants])
      await attempt(contestant, async () => {
        const row = rowOf(workload, contestant, await contestant.child.end())
        rows.push(row)
        tell(`${workload.id} ${row.peer}: ${row.time.median.toPrecision(4)} ms`)
        return undefined
      })
    return { rows, failures }
  } finally {
    for (const { child } of contestants) child.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * An engine compiles code anew while it runs, better each time it finds that the code is used much: until it has, steps take
 * several times as long (jax-js on WebAssembly, W1: 98 ms, then 21). So everyone runs for a while, and at least twice; a training
 * not so often that no loss is left to check: W2's are those of the reference until float32 rounds a tie of max pooling
 * another way, from step 27 on by up to a hundredth of the first.
 */
const warm = { least: 2, most: 12, milliseconds: 2000 } as const

async function warmUp(contestant: Contestant, workload: Workload, expectation: Expectation) {
  const start = performance.now()
  let [runs, chunk] = [0, warm.least as number]
  while (true) {
    const began = performance.now()
    const fault = await turn(contestant, chunk, expectation, false)
    if (fault !== undefined) return fault
    contestant.pace = (performance.now() - began) / chunk
    runs += chunk
    if (performance.now() - start > warm.milliseconds) return undefined
    if (workload.kind !== 'train') chunk *= 2
    else if (runs >= warm.most) return undefined
  }
}

/** Another one begins each round. */
const inTurn = <T>(list: readonly T[], round: number): T[] => list.map((_, i) => list[(i + round) % list.length]!)

/** Blocks long enough to be measured; of a training whose steps take seconds five steps, else ten. */
function runsOf(workload: Workload, { pace }: Contestant): number {
  switch (workload.kind) {
    case 'train':
      return pace > 2000 ? 5 : 10
    case 'infer':
      return 10
    case 'product':
      return Math.max(3, (Math.round(2048 / workload.n) ** 2) >> 1)
    default:
      return workload satisfies never
  }
}

async function start(peer: PeerEntry, { id }: Workload, device: string, folder: string): Promise<Contestant> {
  const cache = join(folder, `cache-${peer.name}`)
  mkdirSync(cache)
  const child = new Child([...peer.command(), id, device, folder], {
    MESA_SHADER_CACHE_DIR: cache,
    __GL_SHADER_DISK_CACHE_PATH: cache,
  })
  try {
    const { version } = await child.ready()
    return { peer, child, version, first: 0, steps: 0, pace: 0, losses: [], blocks: [] }
  } catch (error) {
    child.kill()
    throw error
  }
}

async function firstRun(contestant: Contestant, workload: Workload, expectation: Expectation, folder: string) {
  const { ms, loss } = await contestant.child.first()
  contestant.first = ms
  contestant.steps = 1
  if (loss !== undefined) contestant.losses.push(loss)
  return workload.kind === 'train'
    ? expectation.loss(1, loss!)
    : expectation.output(join(folder, `${contestant.child.pid}.output`))
}

async function turn(contestant: Contestant, runs: number, expectation: Expectation, timed: boolean) {
  const busy = busyCores()
  const start = performance.now()
  const reply = await contestant.child.block(runs)
  const block = { reply, wall: performance.now() - start, busy: busy() }
  contestant.steps += runs
  if (timed) contestant.blocks.push(block)
  if (reply.loss === undefined) return undefined
  contestant.losses.push(reply.loss)
  return expectation.loss(contestant.steps, reply.loss)
}

function rowOf(workload: Workload, { peer, version, first, losses, blocks }: Contestant, end: EndReply): Row {
  if (end.faults.length > 0) throw new Error(`the device reported: ${end.faults[0]}`)
  const sum = (of: (block: Contestant['blocks'][number]) => number) => blocks.reduce((total, b) => total + of(b), 0)
  const wall = sum((b) => b.wall)
  const own = sum((b) => b.reply.processor)
  return {
    workload: workload.id,
    title: workload.title,
    kind: workload.kind,
    peer: peer.name,
    version,
    adapter: end.adapter,
    time: spreadOf(blocks.flatMap(({ reply }) => reply.each)),
    first,
    peakBytes: end.peakBytes,
    losses,
    dispatches: blocks[0]!.reply.dispatches,
    buffers: blocks[0]!.reply.buffers,
    cores: own / wall,
    othersCores: Math.max(0, (sum((b) => b.busy) - own) / wall),
    facts: end.facts,
  }
}

function exportModel({ id }: Workload, folder: string): void {
  spawnSync(python()!, [torchScript, 'export', id, folder], { stdio: 'ignore' })
}
