/**
 * Runs of an entry → their losses and metrics, in order, some steps later: the read-back is asked for and not waited for,
 * so the device never stands still for it. A loss that is no number is an error that names its step.
 */
import type { CompiledProgram } from './abi.ts'
import { NotANumberError } from './errors.ts'
import type { Executor } from './executor.ts'

/** Reads back no less often than this while steps are slow. */
const slowest = 200

export interface Collector<T> {
  /** Notes that a run was enqueued; from time to time asks for what has come since. */
  add(ticket: number, what: T): void
  /** What has arrived. */
  take(): readonly Collected<T>[]
  /** Waits for all that was added. */
  flush(): Promise<readonly Collected<T>[]>
}
export interface Collected<T> {
  readonly what: T
  readonly values: ReadonlyMap<string, number>
}

/**
 * A model's own metrics may be undefined for a batch (no case of a class): nothing is learned from one. All else must be a
 * number: the loss, and what a step alone gives, as the norm of its gradients.
 */
function mayBeUndefined({ tensors, entries, moments }: CompiledProgram): ReadonlySet<string> {
  const evaluated = new Set(entries.find(({ name }) => name === 'evaluate')?.outputs)
  // In mixed precision a step whose gradients overflow is skipped by the program itself, which then halves its scale.
  if (moments.some(({ name }) => name.startsWith('moment.loss_scale.'))) evaluated.add('gradient_norm')
  return new Set(tensors.filter(({ role, name }) => role === 'metric' && evaluated.has(name)).map(({ name }) => name))
}

export function collectScalars<T>(executor: Executor, every: number, stepOf: (what: T) => number): Collector<T> {
  const free = mayBeUndefined(executor.program)
  const waiting = new Map<number, T>()
  let arrived: Collected<T>[] = []
  let failure: { readonly error: unknown } | undefined
  let asked: Promise<void> | undefined
  let since = 0
  let last = performance.now()

  const ask = (): Promise<void> => {
    since = 0
    last = performance.now()
    const answer = executor.scalars().then(
      (rows) => {
        for (const { ticket, values } of rows) {
          const what = waiting.get(ticket)
          if (what === undefined) continue
          waiting.delete(ticket)
          const row = new Map(Object.entries(values))
          for (const [name, value] of row) {
            if (!Number.isFinite(value) && !free.has(name))
              failure ??= { error: new NotANumberError(name, value, stepOf(what)) }
          }
          arrived.push({ what, values: row })
        }
      },
      (error: unknown) => {
        failure ??= { error }
      },
    )
    asked = answer.then(() => {
      asked = undefined
    })
    return asked
  }
  const take = (): readonly Collected<T>[] => {
    if (failure !== undefined) throw failure.error
    const taken = arrived
    arrived = []
    return taken
  }
  return {
    take,
    add(ticket, what) {
      waiting.set(ticket, what)
      since += 1
      if (asked === undefined && (since >= every || performance.now() - last >= slowest)) void ask()
    },
    async flush() {
      await asked
      if (waiting.size > 0) await ask()
      return take()
    },
  }
}
