/**
 * What a setting or an argument can be: how its expression is read, and how a diagnostic names it. Rows of these make the
 * tables of sources, stages, schedules and settings.
 */
import type { Argument, Expression } from '../../../grammar/ast.ts'
import type { Span } from '../../../grammar/source.ts'
import { report } from '../../diagnostics/catalogue.ts'
import * as names from '../../diagnostics/names.ts'
import { nearest } from '../../diagnostics/near.ts'
import * as training from '../../diagnostics/training.ts'
import { type Environment, evaluateStatic } from '../static.ts'
import { describe, type Value } from '../value.ts'

export interface Kind<T> {
  /** `a whole number of at least 1`. */
  readonly expects: string
  /** `undefined`: a fault, which has been reported. */
  readonly read: (expression: Expression, environment: Environment, what: string) => T | undefined
}

/** A kind that is decided by the expression's value. */
function valued<T>(expects: string, accept: (value: Value) => T | undefined): Kind<T> {
  return {
    expects,
    read(expression, environment, what) {
      const value = evaluateStatic(expression, environment)
      if (value.kind === 'poison') return undefined
      const accepted = accept(value)
      if (accepted === undefined) refuse(environment, expression.span, what, expects, describe(value))
      return accepted
    },
  }
}

export function refuse(environment: Environment, span: Span, what: string, expects: string, given: string): undefined {
  environment.sink.add(report(training.settingValue, { span, what, expects, given }))
  return undefined
}

function number(expects: string, fits: (value: number) => boolean): Kind<number> {
  return valued(expects, (value) =>
    value.kind === 'number' && Number.isFinite(value.value) && fits(value.value) ? value.value : undefined,
  )
}
const whole = (expects: string, least: number, most = Number.MAX_SAFE_INTEGER): Kind<number> =>
  number(expects, (value) => Number.isSafeInteger(value) && value >= least && value <= most)

/** A list, or a single value as a list of one. */
function listOf<T>(expects: string, accept: (value: Value) => T | undefined): Kind<readonly T[]> {
  return valued(expects, (value) => {
    const items = (value.kind === 'list' ? value.items : [value]).map(accept)
    return items.every((item) => item !== undefined) && items.length > 0 ? (items as T[]) : undefined
  })
}

export const kinds = {
  real: number('a number', () => true),
  positive: number('a positive number', (value) => value > 0),
  notNegative: number('a number of at least 0', (value) => value >= 0),
  fraction: number('a number between 0 and 1', (value) => value > 0 && value < 1),
  count: whole('a whole number of at least 1', 1),
  wholeOrNone: whole('a whole number of at least 0', 0),
  zeroOrOne: whole('0 or 1', 0, 1),
  seed: whole('a whole number from 0 to 4294967295', 0, 2 ** 32 - 1),
  flag: valued('true or false', (value) => (value.kind === 'bool' ? value.value : undefined)),
  path: valued('the path of a file as a string', (value) =>
    value.kind === 'string' && value.value !== '' ? value.value : undefined,
  ),
  text: valued('a string', (value) => (value.kind === 'string' ? value.value : undefined)),
  sizes: listOf('a list of whole numbers of at least 1', (value) =>
    value.kind === 'number' && Number.isSafeInteger(value.value) && value.value > 0 ? value.value : undefined,
  ),
  words: listOf('a list of strings', (value) => (value.kind === 'string' ? value.value : undefined)),
  columns: listOf('a list of columns, by name or by number from 0', (value) => {
    if (value.kind === 'string') return value.value
    return value.kind === 'number' && Number.isSafeInteger(value.value) && value.value >= 0
      ? String(value.value)
      : undefined
  }),
} as const

/** One of a few words, written as a bare name or as a string. */
export function oneOf<T extends string>(...words: readonly T[]): Kind<T> {
  const expects = words.map((word) => `\`${word}\``).join(' or ')
  return {
    expects,
    read(expression, environment, what) {
      const given =
        expression.kind === 'name' ? expression.name : expression.kind === 'string' ? expression.value : undefined
      const word = words.find((candidate) => candidate === given)
      return (
        word ??
        refuse(environment, expression.span, what, expects, given === undefined ? 'something else' : `\`${given}\``)
      )
    },
  }
}

/** A bare name, and where it stands. */
export function nameOf(expression: Expression): { readonly name: string; readonly span: Span } | undefined {
  return expression.kind === 'name' ? expression : undefined
}

/** A call of a bare name, or a bare name as a call without arguments. */
export interface NamedCall {
  readonly name: string
  readonly nameSpan: Span
  readonly span: Span
  readonly arguments: readonly Argument[]
}
export function namedCall(expression: Expression): NamedCall | undefined {
  if (expression.kind === 'name')
    return { name: expression.name, nameSpan: expression.span, span: expression.span, arguments: [] }
  if (expression.kind !== 'call' || expression.callee.kind !== 'name') return undefined
  return {
    name: expression.callee.name,
    nameSpan: expression.callee.span,
    span: expression.span,
    arguments: expression.arguments,
  }
}

// ---------------------------------------------------------------- arguments

export interface Row<T> {
  readonly kind: Kind<T>
  /** Absent: the argument must be given. */
  readonly default?: T
}
type Rows = Readonly<Record<string, Row<unknown>>>
type Read<R extends Rows> = { readonly [K in keyof R]: R[K] extends Row<infer T> ? T : never }

export const required = <T>(kind: Kind<T>): Row<T> => ({ kind })
export const optional = <T>(kind: Kind<T>, fallback: T): Row<T> => ({ kind, default: fallback })

/** Binds a call's arguments to rows, by position and name; `undefined` when a fault was reported. */
export function readArguments<R extends Rows>(call: NamedCall, rows: R, environment: Environment): Read<R> | undefined {
  const known = Object.keys(rows)
  const label = call.name
  const assigned = new Map<string, Expression>()
  let faulty = false
  const fault = (diagnostic: Parameters<Environment['sink']['add']>[0]) => {
    environment.sink.add(diagnostic)
    faulty = true
  }
  for (const { name, value } of call.arguments) {
    if (!name) continue
    if (!known.includes(name.name))
      fault(
        report(names.unknownArgument, {
          span: name.span,
          name: name.name,
          label,
          declared: undefined,
          known,
          suggestion: nearest(name.name, known),
        }),
      )
    else if (assigned.has(name.name))
      fault(
        report(names.argumentTwice, { span: name.span, name: name.name, label, first: assigned.get(name.name)!.span }),
      )
    else assigned.set(name.name, value)
  }
  for (const { name, value } of call.arguments) {
    if (name) continue
    const open = known.find((candidate) => !assigned.has(candidate))
    if (open === undefined) {
      fault(
        report(names.tooManyArguments, {
          span: value.span,
          label,
          declared: undefined,
          takes: known.length,
          given: call.arguments.length,
        }),
      )
      break
    }
    assigned.set(open, value)
  }
  const read = new Map<string, unknown>()
  for (const [name, row] of Object.entries(rows)) {
    const given = assigned.get(name)
    if (given) {
      const value = row.kind.read(given, environment, `\`${name}\` of \`${label}\``)
      if (value === undefined) faulty = true
      else read.set(name, value)
    } else if ('default' in row) read.set(name, row.default)
    else if (!faulty)
      fault(
        report(names.missingArgument, {
          span: call.span,
          label,
          name,
          declared: undefined,
          signature: `${label}(${known.join(', ')})`,
        }),
      )
  }
  return faulty ? undefined : (Object.fromEntries(read) as Read<R>)
}
