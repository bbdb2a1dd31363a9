/** Comparisons and logic: decided while compiling where both sides are static, else elementwise. */
import type { Span } from '../../grammar/source.ts'
import * as statics from '../diagnostics/static.ts'
import * as D from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import { canBeTensor, isLiteral, isNumeric, toTensor } from './coerce.ts'
import { type Elaboration, fail } from './elaboration.ts'
import { elementwise, type Placed, promote, sizeOf } from './emit.ts'
import { type BinaryExpression, pair, verbs } from './operands.ts'
import { asDim, bool, describe, tensor, type Value } from './value.ts'

type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>='

export function compare(e: Elaboration, operator: Comparison, at: BinaryExpression, left: Value, right: Value): Value {
  const equality = operator === '==' || operator === '!='
  if (equality) {
    const same = sameStatic(left, right)
    if (same !== undefined) return bool(same === (operator === '=='))
  }
  if (isNumeric(left) && isNumeric(right)) {
    const order = difference(left, right)
    if (order !== undefined) return bool(decide(operator, order))
    return tensor(compareNodes(e, operator, at, sizes(e, left, at.left.span), sizes(e, right, at.right.span)))
  }
  if (!canBeTensor(left) || !canBeTensor(right))
    return fail(e, statics.badOperands, {
      span: at.operatorSpan,
      operator,
      left: { span: at.left.span, given: describe(left) },
      right: { span: at.right.span, given: describe(right) },
    })
  return tensor(compareNodes(e, operator, at, ...pair(e, left, at.left.span, right, at.right.span)))
}

function sizes(e: Elaboration, value: Value, span: Span): Placed {
  return { span, node: value.kind === 'dim' ? sizeOf(e, value.dim) : toTensor(e, value, span, 'float') }
}

function compareNodes(e: Elaboration, operator: Comparison, at: BinaryExpression, left: Placed, right: Placed): Node {
  const truths = left.node.dtype === 'bool' && right.node.dtype === 'bool' && (operator === '==' || operator === '!=')
  const sides = truths ? [left, right] : promote(e, verbs[operator], [left, right])
  const forward = { '==': 'eq', '!=': 'ne', '<': 'lt', '<=': 'le', '>': 'lt', '>=': 'le' } as const
  const swapped = operator === '>' || operator === '>=' ? [...sides].reverse() : sides
  return elementwise(e, forward[operator], verbs[operator], at.operatorSpan, swapped)
}

/** The sign of `a − b`, where it is known for all values of the dims. */
function difference(a: Value, b: Value): number | undefined {
  if (a.kind === 'number' && b.kind === 'number')
    return a.value === b.value ? 0 : a.value < b.value ? -1 : a.value > b.value ? 1 : Number.NaN
  const x = asDim(a)
  const y = asDim(b)
  if (!x || !y) return undefined
  const constant = D.subtract(x, y).constant
  return constant === undefined ? undefined : Math.sign(constant)
}

function decide(operator: Comparison, order: number): boolean {
  switch (operator) {
    case '==':
      return order === 0
    case '!=':
      return order !== 0
    case '<':
      return order < 0
    case '<=':
      return order <= 0
    case '>':
      return order > 0
    case '>=':
      return order >= 0
    default:
      return operator satisfies never
  }
}

/** Equality of static values; `undefined` where a tensor or an open dim has to decide. */
export function sameStatic(a: Value, b: Value): boolean | undefined {
  if (a.kind === 'none' || b.kind === 'none') return a.kind === b.kind
  if (a.kind === 'tensor' || b.kind === 'tensor') return undefined
  if (isNumeric(a) && isNumeric(b)) {
    const order = difference(a, b)
    return order === undefined ? undefined : order === 0
  }
  if (a.kind === 'list' && b.kind === 'list') {
    if (a.items.length !== b.items.length) return false
    let all: boolean | undefined = true
    for (const [i, item] of a.items.entries()) {
      const same = sameStatic(item, b.items[i]!)
      if (same === false) return false
      if (same === undefined) all = undefined
    }
    return all
  }
  if (a.kind === 'string' && b.kind === 'string') return a.value === b.value
  if (a.kind === 'bool' && b.kind === 'bool') return a.value === b.value
  if (a.kind === 'builtin' && b.kind === 'builtin') return a.builtin === b.builtin
  if ((a.kind === 'function' && b.kind === 'function') || (a.kind === 'module' && b.kind === 'module'))
    return a.declaration === b.declaration
  return canBeTensor(a) && canBeTensor(b) ? undefined : false
}

export function logic(e: Elaboration, operator: 'and' | 'or', at: BinaryExpression, left: Value, right: Value): Value {
  const truth = (v: Value) => v.kind === 'bool' || (v.kind === 'tensor' && v.node.dtype === 'bool') || isLiteral(v)
  if (!truth(left) || !truth(right))
    return fail(e, statics.badOperands, {
      span: at.operatorSpan,
      operator,
      left: { span: at.left.span, given: describe(left) },
      right: { span: at.right.span, given: describe(right) },
    })
  // A static side that reached this place does not decide: `true and x` and `false or x` are x.
  if (left.kind === 'bool') return right
  if (right.kind === 'bool' && right.value === (operator === 'and')) return left
  return tensor(
    elementwise(e, operator, verbs[operator], at.operatorSpan, pair(e, left, at.left.span, right, at.right.span)),
  )
}
