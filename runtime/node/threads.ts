/** What wasm sessions need of Node: worker threads, how many make sense, and relaxed SIMD. */
import { availableParallelism, freemem } from 'node:os'
import { setFlagsFromString } from 'node:v8'
import { Worker } from 'node:worker_threads'
import { hasRelaxedSimd } from '../wasm/specialize.ts'
import type { StartWorker } from '../wasm/workers.ts'

/** Node 20 has relaxed SIMD behind a flag, which later versions do not know; with it, products take half the time. */
export function enableRelaxedSimd(): void {
  if (!hasRelaxedSimd() && process.versions.node.startsWith('20.'))
    setFlagsFromString('--experimental-wasm-relaxed-simd')
}

/** `DLM_THREADS`, where it is a number of threads: exactly so many are wanted. */
export function askedThreads(): number | undefined {
  const asked = Number(process.env['DLM_THREADS'])
  return Number.isInteger(asked) && asked > 0 ? asked : undefined
}

/** What was asked for, or a thread for each core. */
export const coreCount = (): number => askedThreads() ?? availableParallelism()

export const startWorker: StartWorker = (program, onMessage, onError) => {
  const text = `const { parentPort } = require('node:worker_threads')
;(${program})((begin) => parentPort.once('message', begin), (message) => parentPort.postMessage(message))`
  // The process's own options (--input-type, --inspect-brk) are not for this thread.
  const worker = new Worker(text, { eval: true, execArgv: [] })
  worker.on('message', onMessage)
  worker.on('error', onError)
  return {
    post: (message) => worker.postMessage(message),
    terminate: () => void worker.terminate(),
    hold: (held) => {
      if (held) worker.ref()
      else worker.unref()
    },
  }
}

/** A process that takes all memory is ended by the system, and a driver in software crashes: a fifth of what is free is left alone. */
export function usableMemory(): number {
  const { availableMemory } = process as { availableMemory?: () => number }
  return Math.floor(0.8 * Math.min(freemem(), availableMemory?.call(process) ?? Number.POSITIVE_INFINITY))
}
