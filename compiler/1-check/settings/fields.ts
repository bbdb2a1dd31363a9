/** `idx("images") |> scale(1 / 255)` → where a field's numbers come from and what is done to them. One row per source and stage. */
import type { Expression } from '../../../grammar/ast.ts'
import type { Span } from '../../../grammar/source.ts'
import type { SourceDescription, StageDescription } from '../../../runtime/abi.ts'
import { report } from '../../diagnostics/catalogue.ts'
import * as data from '../../diagnostics/data.ts'
import { nearest } from '../../diagnostics/near.ts'
import type { Environment } from '../static.ts'
import { kinds, type NamedCall, namedCall, optional, readArguments, required } from './kind.ts'
import { tokenizer } from './tokenizers.ts'

export interface FieldParts {
  readonly source: SourceDescription
  readonly stages: readonly StageDescription[]
  /** Where each stage is written. */
  readonly spans: readonly Span[]
}
type Reader<T> = (call: NamedCall, environment: Environment) => T | undefined

export const sources: ReadonlyMap<string, Reader<SourceDescription>> = new Map<string, Reader<SourceDescription>>([
  [
    'idx',
    (call, environment) => {
      const read = readArguments(call, { path: required(kinds.path) }, environment)
      return read && { kind: 'idx', ...read }
    },
  ],
  [
    'csv',
    (call, environment) => {
      const rows = {
        path: required(kinds.path),
        columns: optional(kinds.columns, []),
        header: optional(kinds.flag, true),
      }
      const read = readArguments(call, rows, environment)
      return read && { kind: 'csv', ...read }
    },
  ],
  [
    'text',
    (call, environment) => {
      const read = readArguments(call, { path: required(kinds.path) }, environment)
      return read && { kind: 'text', ...read }
    },
  ],
  [
    'lines',
    (call, environment) => {
      const read = readArguments(call, { path: required(kinds.path) }, environment)
      return read && { kind: 'lines', ...read }
    },
  ],
  [
    'jsonl',
    (call, environment) => {
      const read = readArguments(call, { path: required(kinds.path), field: required(kinds.text) }, environment)
      return read && { kind: 'jsonl', ...read }
    },
  ],
])

export const stages: ReadonlyMap<string, Reader<StageDescription>> = new Map<string, Reader<StageDescription>>([
  [
    'scale',
    (call, environment) => {
      const read = readArguments(call, { by: required(kinds.real) }, environment)
      return read && { kind: 'scale', ...read }
    },
  ],
  [
    'shift',
    (call, environment) => {
      const read = readArguments(call, { by: required(kinds.real) }, environment)
      return read && { kind: 'shift', ...read }
    },
  ],
  [
    'normalize',
    (call, environment) => {
      const read = readArguments(call, { mean: required(kinds.real), deviation: required(kinds.positive) }, environment)
      return read && { kind: 'normalize', ...read }
    },
  ],
  [
    'reshape',
    (call, environment) => {
      const read = readArguments(call, { shape: required(kinds.sizes) }, environment)
      return read && { kind: 'reshape', ...read }
    },
  ],
  [
    'one_hot',
    (call, environment) => {
      const read = readArguments(call, { classes: required(kinds.count) }, environment)
      return read && { kind: 'one_hot', ...read }
    },
  ],
  ['lowercase', bare('lowercase')],
  [
    'categories',
    (call, environment) => {
      const read = readArguments(call, { names: required(kinds.words) }, environment)
      return read && { kind: 'categories', ...read }
    },
  ],
  [
    'tokenize',
    (call, environment) => {
      const read = readArguments(call, { tokenizer: required(tokenizer) }, environment)
      return read && { kind: 'tokenize', ...read }
    },
  ],
  ['begin', bare('begin')],
  ['end', bare('end')],
  [
    'truncate',
    (call, environment) => {
      const read = readArguments(call, { length: required(kinds.count) }, environment)
      return read && { kind: 'truncate', ...read }
    },
  ],
  [
    'pad',
    (call, environment) => {
      const read = readArguments(call, { length: required(kinds.sizes) }, environment)
      if (!read) return undefined
      const buckets = [...new Set(read.length)].sort((a, b) => a - b)
      return { kind: 'pad', length: buckets.at(-1)!, ...(buckets.length > 1 && { buckets }) }
    },
  ],
  [
    'window',
    (call, environment) => {
      const rows = {
        length: required(kinds.count),
        stride: optional(kinds.count, 0),
        ahead: optional(kinds.zeroOrOne, 0),
      }
      const read = readArguments(call, rows, environment)
      // Side by side, unless said otherwise.
      return read && { kind: 'window', ...read, stride: read.stride === 0 ? read.length : read.stride }
    },
  ],
  ['mask', bare('mask')],
])

/** A stage without arguments. */
function bare(kind: 'lowercase' | 'begin' | 'end' | 'mask'): Reader<StageDescription> {
  return (call, environment) => readArguments(call, {}, environment) && { kind }
}

/** Bindings of the block that are fields on their own, under their names. */
export type Bindings = ReadonlyMap<string, FieldParts | undefined>

export function readField(
  expression: Expression,
  what: string,
  bindings: Bindings,
  environment: Environment,
): FieldParts | undefined {
  if (expression.kind === 'error') return undefined
  if (expression.kind === 'pipeline') {
    const start = readField(expression.input, what, bindings, environment)
    const later = expression.stages.map(({ value }) => readStage(value, environment))
    if (!start || later.some((stage) => stage === undefined)) return undefined
    const spans = expression.stages.map(({ value }) => value.span)
    return {
      source: start.source,
      stages: [...start.stages, ...(later as StageDescription[])],
      spans: [...start.spans, ...spans],
    }
  }
  const call = namedCall(expression)
  if (expression.kind === 'name' && bindings.has(expression.name)) return bindings.get(expression.name)
  const reader = call && sources.get(call.name)
  if (reader) {
    const source = reader(call, environment)
    return source && { source, stages: [], spans: [] }
  }
  if (call) {
    const known = [...sources.keys()]
    const suggestion = nearest(call.name, [...known, ...(expression.kind === 'name' ? bindings.keys() : [])])
    environment.sink.add(report(data.unknownSource, { span: call.nameSpan, name: call.name, known, suggestion }))
  } else
    environment.sink.add(
      report(data.notASource, { span: expression.span, what, expected: 'a source of data with its stages' }),
    )
  return undefined
}

function readStage(expression: Expression, environment: Environment): StageDescription | undefined {
  if (expression.kind === 'error') return undefined
  const call = namedCall(expression)
  const reader = call && stages.get(call.name)
  if (reader) return reader(call, environment)
  const known = [...stages.keys()]
  if (call)
    environment.sink.add(
      report(data.unknownStage, { span: call.nameSpan, name: call.name, known, suggestion: nearest(call.name, known) }),
    )
  else
    environment.sink.add(
      report(data.notASource, { span: expression.span, what: 'a stage', expected: `one of ${known.join(', ')}` }),
    )
  return undefined
}
