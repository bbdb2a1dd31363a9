/** `--set key=value`: a train block with some of its settings replaced. */
import { nearest } from '../compiler/diagnostics/near.ts'
import type { TrainDescription } from '../compiler/program.ts'
import { UsageError } from './failure.ts'

type Change = (train: TrainDescription, value: number) => TrainDescription

const whole = (key: string, value: number, least: number): number => {
  if (!Number.isSafeInteger(value) || value < least)
    throw new UsageError(`--set ${key} takes a whole number of at least ${least}; this is ${value}`)
  return value
}
const positive = (key: string, value: number): number => {
  if (!(value > 0)) throw new UsageError(`--set ${key} takes a positive number; this is ${value}`)
  return value
}

const changes = new Map<string, Change>([
  ['batch', (t, v) => ({ ...t, batch: whole('batch', v, 1) })],
  // The one that is set decides how long the run is; the other no longer ends it.
  ['epochs', (t, v) => ({ ...t, epochs: whole('epochs', v, 1), steps: undefined })],
  ['steps', (t, v) => ({ ...t, steps: whole('steps', v, 1), epochs: undefined })],
  ['seed', (t, v) => ({ ...t, seed: whole('seed', v, 0) })],
  ['clip_norm', (t, v) => ({ ...t, clipNorm: positive('clip_norm', v) })],
  ['lr', (t, v) => ({ ...t, optimizer: { ...t.optimizer, rate: { kind: 'constant', rate: positive('lr', v) } } })],
  ['average_last', (t, v) => ({ ...t, averageLast: whole('average_last', v, 1) })],
])

export function applySettings(train: TrainDescription, texts: readonly string[]): TrainDescription {
  return texts.reduce((changed, text) => {
    const at = text.indexOf('=')
    const key = text.slice(0, at)
    const change = changes.get(key)
    if (at < 1) throw new UsageError(`--set takes KEY=VALUE; this is "${text}"`)
    if (!change) {
      const near = nearest(key, [...changes.keys()])
      throw new UsageError(
        `there is no setting "${key}" to --set${near ? `; did you mean "${near}"?` : `; there are ${[...changes.keys()].join(', ')}`}`,
      )
    }
    const value = Number(text.slice(at + 1))
    if (text.slice(at + 1).trim() === '' || Number.isNaN(value))
      throw new UsageError(`--set ${key} takes a number; this is "${text.slice(at + 1)}"`)
    return change(changed, value)
  }, train)
}
