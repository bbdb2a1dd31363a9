/**
 * Events of a run of any length → those that its curves need, at bounded memory: of the steps every one at first, then every
 * second, every fourth … so that no more than `limit` are kept; of the rest all, for they are few. Norms of carries are left
 * out: they are as many as their sequences are long.
 */
import type { TrainEvent } from './train-event.ts'

export interface ThinnedEvents {
  add(event: TrainEvent): void
  /** In their order. */
  all(): readonly TrainEvent[]
}

export function thinnedEvents(limit = 8192): ThinnedEvents {
  let kept: TrainEvent[] = []
  let steps = 0
  let stride = 1
  return {
    all: () => kept,
    add(event) {
      if (event.kind === 'step' && event.step % stride !== 0) return
      if (event.kind === 'step' && event.carries) {
        const { carries: _, ...scalars } = event
        kept.push(scalars)
      } else kept.push(event)
      if (event.kind !== 'step' || ++steps <= limit) return
      stride *= 2
      kept = kept.filter((one) => one.kind !== 'step' || one.step % stride === 0)
      steps = kept.filter(({ kind }) => kind === 'step').length
    },
  }
}
