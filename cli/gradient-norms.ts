/** Norms of single parameters' gradients, which `--record gradients` puts among a step's values → a table at the end of the run. */
import type { TrainEvent } from '../runtime/train-event.ts'

const prefix = 'gradient_norm.'

export interface GradientNorms {
  /** The event without them, for the terminal: there may be hundreds. */
  told(event: TrainEvent): TrainEvent
  /** The least, the mean and the last norm of each parameter; nothing where none were recorded. */
  table(): string[]
}

export function gradientNorms(): GradientNorms {
  const seen = new Map<string, { least: number; sum: number; count: number; last: number }>()
  return {
    told(event) {
      if (event.kind !== 'step' && event.kind !== 'epoch') return event
      const others = Object.entries(event.values).filter(([name]) => !name.startsWith(prefix))
      if (event.kind === 'step')
        for (const [name, value] of Object.entries(event.values)) {
          if (!name.startsWith(prefix)) continue
          const { least, sum, count } = seen.get(name) ?? { least: Infinity, sum: 0, count: 0 }
          seen.set(name, { least: Math.min(least, value), sum: sum + value, count: count + 1, last: value })
        }
      return { ...event, values: Object.fromEntries(others) }
    },
    table() {
      if (seen.size === 0) return []
      const width = Math.max(...[...seen.keys()].map((name) => name.length - prefix.length), 'gradient norm'.length)
      const row = (name: string, ...cells: readonly string[]) =>
        `${name.padEnd(width)}  ${cells.map((cell) => cell.padStart(9)).join('  ')}`
      return [
        row('gradient norm', 'least', 'mean', 'last'),
        ...[...seen].map(([name, { least, sum, count, last }]) =>
          row(name.slice(prefix.length), ...[least, sum / count, last].map((value) => value.toExponential(2))),
        ),
      ]
    },
  }
}
