/**
 * A dataset → batches filled by a worker thread, two ahead: for large examples, whose conversion would take the host longer
 * than the device takes for a step. The batches are those of `datasetBatches`, bit for bit.
 */
import { Worker } from 'node:worker_threads'
import {
  type Batch,
  type BatchOptions,
  type BatchSource,
  batchArrays,
  batchCount,
  datasetBatches,
  fieldFor,
  typedArray,
  type WantedField,
} from '../data/batches.ts'
import { bucketsOf } from '../data/buckets.ts'
import type { Dataset } from '../data/dataset.ts'
import { elementCount } from '../data/field.ts'
import type { FillRequest, FillSetup } from './fill-worker.ts'

/** Elements of a batch from which a thread of its own pays: filling takes about three nanoseconds each. */
const worthwhile = 1 << 20
const ahead = 2

/** The thread or none, whichever suits the batches' size. */
export function nodeBatches(dataset: Dataset, wanted: readonly WantedField[], options: BatchOptions): BatchSource {
  // Batches of several lengths are of tokens, which are filled in no time.
  if (bucketsOf(dataset, wanted)) return datasetBatches(dataset, wanted, options)
  const elements = options.batch * wanted.reduce((total, { shape }) => total + elementCount(shape), 0)
  return elements >= worthwhile ? workerBatches(dataset, wanted, options) : datasetBatches(dataset, wanted, options)
}

export function workerBatches(dataset: Dataset, wanted: readonly WantedField[], options: BatchOptions): BatchSource {
  // Node 20 runs no TypeScript, so there is a thread only where this module was built.
  if (import.meta.url.endsWith('.ts')) return datasetBatches(dataset, wanted, options)
  const count = batchCount(dataset, options)
  // Faults of the fields are told here and now, not from the thread.
  for (const want of wanted) fieldFor(dataset, want)
  const free: ArrayBuffer[][] = Array.from({ length: ahead + 1 }, () =>
    batchArrays(wanted, options.batch).map(({ buffer }) => buffer as ArrayBuffer),
  )
  let worker: Worker | undefined

  const start = (): Worker => {
    const setup: FillSetup = { dataset, wanted, options }
    // The process's own options (--input-type, --inspect-brk) are not for this thread.
    const started = new Worker(new URL('./fill-worker.js', import.meta.url), { workerData: setup, execArgv: [] })
    // An idle thread keeps no process alive; a batch that is waited for does.
    started.unref()
    return started
  }
  return {
    name: dataset.name,
    examples: dataset.examples,
    batchesPerEpoch: count,
    async *epoch(epoch, skip) {
      worker ??= start()
      const thread = worker
      const pending: Promise<Filled>[] = []
      let next = skip
      const ask = () => {
        const buffers = next < count ? free.pop() : undefined
        if (buffers === undefined) return
        const request: FillRequest = { epoch, index: next++, buffers }
        const answer = reply(thread)
        answer.catch(() => {})
        pending.push(answer)
        thread.postMessage(request, buffers)
      }
      try {
        for (let i = 0; i < ahead; i++) ask()
        while (pending.length > 0) {
          const { examples, buffers } = await pending.shift()!
          ask()
          yield batchOf(wanted, examples, buffers)
          free.push(buffers)
          ask()
        }
      } finally {
        // Left early: what was asked for comes back, so that the next epoch gets only its own.
        for (const answer of pending) free.push((await answer).buffers)
      }
    },
    async close() {
      await worker?.terminate()
      worker = undefined
    },
  }
}

interface Filled {
  readonly examples: number
  readonly buffers: ArrayBuffer[]
}

/** Answers come in the order of the requests, so each waits for the first one that no other took. */
function reply(thread: Worker): Promise<Filled> {
  const waiting = queues.get(thread) ?? listen(thread)
  thread.ref()
  return new Promise((resolve, reject) => waiting.push({ resolve, reject }))
}

interface Waiting {
  readonly resolve: (filled: Filled) => void
  readonly reject: (error: unknown) => void
}
const queues = new WeakMap<Worker, Waiting[]>()

function listen(thread: Worker): Waiting[] {
  const waiting: Waiting[] = []
  queues.set(thread, waiting)
  thread.on('message', (filled: Filled) => {
    waiting.shift()?.resolve(filled)
    if (waiting.length === 0) thread.unref()
  })
  const fail = (error: unknown) => {
    for (const { reject } of waiting.splice(0)) reject(error)
  }
  thread.on('error', fail)
  thread.on('exit', () => fail(new Error('the thread that fills batches ended')))
  return waiting
}

function batchOf(wanted: readonly WantedField[], examples: number, buffers: readonly ArrayBuffer[]): Batch {
  const fields = wanted.map(
    ({ name, dtype, shape }, k) =>
      [name, typedArray(dtype, buffers[k]!).subarray(0, examples * elementCount(shape))] as const,
  )
  return { examples, fields: new Map(fields) }
}
