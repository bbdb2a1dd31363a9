/**
 * Values of hyperparameters and settings: expressions evaluated without a graph, and static values going in and out of
 * descriptions.
 */
import type { Argument, Expression, Parameter } from '../../grammar/ast.ts'
import type { Span } from '../../grammar/source.ts'
import type { StaticValue } from '../program.ts'
import { bindArguments } from './call.ts'
import { Abandoned, type Elaboration, Reported, type Sink, startElaboration } from './elaboration.ts'
import { evaluate, givens } from './expression.ts'
import { Scope } from './scope.ts'
import { startUnifier } from './signature.ts'
import { bool, list, none, number, poison, string, type Value } from './value.ts'

/** Where a setting is read: what is visible, and who hears of faults. */
export interface Environment {
  readonly sink: Sink
  readonly scope: Scope
  readonly isStandard: (span: Span) => boolean
}

const staticElaboration = ({ sink, isStandard }: Environment, span: Span): Elaboration =>
  startElaboration({ sink, builder: undefined, training: false, isStandard, kind: 'static', span })

/** A fault has been reported to the sink and gives poison. */
export function evaluateStatic(expression: Expression, environment: Environment): Value {
  const e = staticElaboration(environment, expression.span)
  try {
    return evaluate(e, expression, environment.scope)
  } catch (thrown) {
    if (thrown instanceof Reported || thrown instanceof Abandoned) return poison
    throw thrown
  }
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
  { label, declared, span }: Called,
): ReadonlyMap<string, StaticValue> | undefined {
  const e = staticElaboration(environment, span)
  try {
    const given = givens(e, args, environment.scope)
    if (given.some((g) => g.value.kind === 'poison')) return undefined
    const bound = bindArguments(e, { label, declared, parameters }, given, span, startUnifier(new Scope(environment.scope)))
    const values = new Map<string, StaticValue>()
    for (const [name, { value }] of bound) {
      const plain = toStaticValue(value)
      if (plain !== undefined) values.set(name, plain)
    }
    return values
  } catch (thrown) {
    if (thrown instanceof Reported || thrown instanceof Abandoned) return undefined
    throw thrown
  }
}

/** `undefined` for what cannot stand in a description: a module, a function. */
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
