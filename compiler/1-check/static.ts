/**
 * Values of hyperparameters and settings: expressions evaluated without a graph, and static values going in and out of
 * descriptions.
 */
import type { Argument, Expression, Parameter } from '../../grammar/ast.ts'
import type { Span } from '../../grammar/source.ts'
import * as statics from '../diagnostics/static.ts'
import type { StaticValue } from '../program.ts'
import { bindArguments } from './call.ts'
import { Abandoned, type Elaboration, fault, Reported, type Sink, startElaboration } from './elaboration.ts'
import { evaluate, givens, recover } from './expression.ts'
import { Scope } from './scope.ts'
import { startUnifier } from './signature.ts'
import { bool, list, none, number, poison, string, type Value } from './value.ts'

/** Where a setting is read: what is visible, and who hears of faults. */
export interface Environment {
  readonly sink: Sink
  /** The file's scope. */
  readonly scope: Scope
  readonly isStandard: (span: Span) => boolean
}

/** A fault has been reported when this gives `poison`. */
export function evaluateStatic(expression: Expression, environment: Environment): Value {
  return statically(environment, expression.span, (e) => evaluate(e, expression, environment.scope)) ?? poison
}

/** What a call is of, for messages about its arguments. */
export interface Called {
  readonly label: string
  readonly declared: Span
  readonly span: Span
}

/** Hyperparameters of a module or model as given, the others left to their defaults; `undefined` when a fault was reported. */
export function moduleArguments(
  parameters: readonly Parameter[],
  args: readonly Argument[],
  environment: Environment,
  called: Called,
): ReadonlyMap<string, StaticValue> | undefined {
  return statically(environment, called.span, (e) => {
    const given = givens(e, args, environment.scope)
    const bound = bindArguments(
      e,
      { ...called, parameters },
      given,
      called.span,
      startUnifier(new Scope(environment.scope)),
    )
    const values = new Map<string, StaticValue>()
    for (const [name, { value, span }] of bound) {
      const plain = toStaticValue(value)
      if (plain !== undefined) values.set(name, plain)
      else if (span !== parameters.find((p) => p.name.name === name)?.default?.span) {
        fault(e, statics.notStatic, { span, what: `the hyperparameter \`${name}\`` })
        return undefined
      }
    }
    return values
  })
}

function statically<Result>(environment: Environment, span: Span, run: (e: Elaboration) => Result): Result | undefined {
  const e = startElaboration({ ...environment, builder: undefined, training: false, kind: 'static', span })
  try {
    return run(e)
  } catch (thrown) {
    if (thrown instanceof Abandoned || thrown instanceof Reported) return undefined
    if (thrown instanceof RangeError) fault(e, statics.tooDeep, { span, depth: e.calls.length, calls: [] })
    else recover(e, thrown, span)
    return undefined
  }
}

/** A value as plain data; `undefined` for what has no such form (a tensor, a function, a module). */
export function toStaticValue(value: Value): StaticValue | undefined {
  switch (value.kind) {
    case 'number':
    case 'bool':
    case 'string':
      return value.value
    case 'none':
      return null
    case 'list': {
      const items = value.items.map(toStaticValue)
      return items.every((item) => item !== undefined) ? (items as StaticValue[]) : undefined
    }
    default:
      return undefined
  }
}

export function fromStaticValue(value: StaticValue): Value {
  if (value === null) return none
  if (typeof value === 'number') return number(value)
  if (typeof value === 'boolean') return bool(value)
  if (typeof value === 'string') return string(value)
  return list(value.map(fromStaticValue))
}
