/**
 * A schedule's description → the learning rate as a function of the step. Steps count from 1, as in the formula of
 * "Attention is all you need"; everything is float64 and rounded once, when it enters the step block.
 */
import type { ScheduleDescription } from './abi.ts'

export type Schedule = (step: number) => number

export function schedule(description: ScheduleDescription): Schedule {
  switch (description.kind) {
    case 'constant':
      return () => description.rate
    case 'linear': {
      // Step 1 has `from`; step `steps` and all after it have `to`.
      const { from, to, steps } = description
      return (step) => from + (to - from) * progress(step, 1, steps)
    }
    case 'cosine': {
      // Rises in a line to the peak, which step `warmup` reaches; falls in half a cosine to the floor at step `steps`.
      const { peak, floor, steps, warmup } = description
      const top = Math.max(1, warmup)
      return (step) => {
        if (step < top) return (peak * step) / top
        return floor + ((peak - floor) * (1 + Math.cos(Math.PI * progress(step, top, steps)))) / 2
      }
    }
    case 'warmup': {
      // Rises in a line to the first rate of what follows, whose step 1 is step `steps` here.
      const then = schedule(description.then)
      const steps = Math.max(1, description.steps)
      return (step) => (step < steps ? (then(1) * step) / steps : then(step - steps + 1))
    }
    case 'noam': {
      const { dim, warmup, factor } = description
      const scale = factor * dim ** -0.5
      return (step) => scale * Math.min(step ** -0.5, step * warmup ** -1.5)
    }
    default:
      return description satisfies never
  }
}

/** 0 at `first` and before, 1 at `last` and after. */
function progress(step: number, first: number, last: number): number {
  if (step >= last) return 1
  return step <= first ? 0 : (step - first) / (last - first)
}
