/** `cosine(1e-3, steps: 1000)` → the description of a schedule; a plain number is a constant one. One row per schedule. */
import type { ScheduleDescription } from '../../../runtime/abi.ts'
import { report } from '../../diagnostics/catalogue.ts'
import { nearest } from '../../diagnostics/near.ts'
import * as training from '../../diagnostics/training.ts'
import type { Environment } from '../static.ts'
import { type Kind, kinds, type NamedCall, namedCall, optional, readArguments, required } from './kind.ts'

type Reader = (call: NamedCall, environment: Environment) => ScheduleDescription | undefined

/** A number or a schedule. */
export const rate: Kind<ScheduleDescription> = {
  expects: 'a number of at least 0 or a schedule',
  read(expression, environment, what) {
    const call = namedCall(expression)
    const reader = call && schedules.get(call.name)
    if (reader) return reader(call, environment)
    // A constant of the file is a number under a name; a call of anything unknown was meant as a schedule.
    if (expression.kind === 'call' && call && !environment.scope.find(call.name)) return unknown(call, environment)
    const value = kinds.notNegative.read(expression, environment, what)
    return value === undefined ? undefined : { kind: 'constant', rate: value }
  },
}

export const schedules: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  [
    'constant',
    (call, environment) => {
      const read = readArguments(call, { rate: required(kinds.notNegative) }, environment)
      return read && { kind: 'constant', ...read }
    },
  ],
  [
    'linear',
    (call, environment) => {
      const read = readArguments(
        call,
        { from: required(kinds.notNegative), to: required(kinds.notNegative), steps: required(kinds.count) },
        environment,
      )
      return read && { kind: 'linear', ...read }
    },
  ],
  [
    'cosine',
    (call, environment) => {
      const rows = {
        peak: required(kinds.notNegative),
        steps: required(kinds.count),
        floor: optional(kinds.notNegative, 0),
        warmup: optional(kinds.wholeOrNone, 0),
      }
      const read = readArguments(call, rows, environment)
      return read && { kind: 'cosine', ...read }
    },
  ],
  [
    'warmup',
    (call, environment) => {
      const read = readArguments(call, { schedule: required(rate), steps: required(kinds.count) }, environment)
      // biome-ignore lint/suspicious/noThenProperty: the schedule that follows the warm-up; nothing awaits it
      return read && { kind: 'warmup', steps: read.steps, then: read.schedule }
    },
  ],
  [
    'noam',
    (call, environment) => {
      const read = readArguments(
        call,
        { dim: required(kinds.count), warmup: required(kinds.count), factor: optional(kinds.positive, 1) },
        environment,
      )
      return read && { kind: 'noam', ...read }
    },
  ],
])

function unknown(call: NamedCall, environment: Environment): undefined {
  const known = [...schedules.keys()]
  const { name, nameSpan: span } = call
  environment.sink.add(report(training.unknownSchedule, { span, name, known, suggestion: nearest(name, known) }))
  return undefined
}
