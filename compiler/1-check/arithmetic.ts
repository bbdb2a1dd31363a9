/** Operators: exact on static numbers and dims, nodes of the graph as soon as a tensor takes part. */
import type { Expression } from '../../grammar/ast.ts'
import type { Span } from '../../grammar/source.ts'
import * as shapes from '../diagnostics/shapes.ts'
import * as statics from '../diagnostics/static.ts'
import * as D from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import { configure } from './call.ts'
import { canBeTensor, isNumeric, toTensor } from './coerce.ts'
import { compare, logic } from './comparison.ts'
import { matrixProduct } from './contraction.ts'
import { type Elaboration, fail, limits } from './elaboration.ts'
import { cast, elementwise, emit, type Placed, promote } from './emit.ts'
import { type BinaryExpression, pair, placed, verbs } from './operands.ts'
import { asDim, bool, describe, dimValue, list, listSize, number, poison, string, tensor, type Value } from './value.ts'

/** The right operand is evaluated only when `and` and `or` have not decided without it. */
export function binary(e: Elaboration, at: BinaryExpression, left: Value, evaluateRight: () => Value): Value {
  const { operator } = at
  if (left.kind === 'bool' && operator === 'and' && !left.value) return left
  if (left.kind === 'bool' && operator === 'or' && left.value) return left
  const right = evaluateRight()
  if (left.kind === 'poison' || right.kind === 'poison') return poison
  switch (operator) {
    case '+':
    case '-':
    case '*':
    case '/':
    case '//':
    case '%':
    case '**':
      return arithmetic(e, operator, at, left, right)
    case '@':
      return tensor(matrixProduct(e, at.operatorSpan, placed(e, left, at.left.span), placed(e, right, at.right.span)))
    case '==':
    case '!=':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return compare(e, operator, at, left, right)
    case '~=':
      return fail(e, statics.closeOutsideExpect, { span: at.operatorSpan })
    case 'and':
    case 'or':
      return logic(e, operator, at, left, right)
    default:
      return operator satisfies never
  }
}

export type Arithmetic = '+' | '-' | '*' | '/' | '//' | '%' | '**'
const graphOps = {
  '+': 'add',
  '-': 'sub',
  '*': 'mul',
  '/': 'div',
  '//': 'floor_div',
  '%': 'modulo',
  '**': 'pow',
} as const

function arithmetic(e: Elaboration, operator: Arithmetic, at: BinaryExpression, left: Value, right: Value): Value {
  if (isNumeric(left) && isNumeric(right)) {
    const known = staticArithmetic(e, operator, at, left, right)
    if (known) return known
  }
  const other = structural(e, operator, at, left, right)
  if (other) return other
  if (!canBeTensor(left) || !canBeTensor(right) || (left.kind === 'bool' && right.kind === 'bool'))
    return fail(e, statics.badOperands, {
      span: at.operatorSpan,
      operator,
      left: { span: at.left.span, given: describe(left) },
      right: { span: at.right.span, given: describe(right) },
    })
  return tensor(arithmeticNode(e, operator, at.operatorSpan, ...pair(e, left, at.left.span, right, at.right.span)))
}

export function arithmeticNode(e: Elaboration, operator: Arithmetic, span: Span, left: Placed, right: Placed): Node {
  const sides = promote(e, verbs[operator], [left, right])
  // Division and powers of ints are numbers with a fraction.
  const float =
    operator === '/' || operator === '**' ? sides.map((s) => ({ ...s, node: cast(e, s.node, 'float') })) : sides
  return elementwise(e, graphOps[operator], verbs[operator], span, float)
}

/** `undefined` where the result is not a static number: `T / 2` with a `T` that 2 does not divide. */
function staticArithmetic(
  e: Elaboration,
  operator: Arithmetic,
  at: BinaryExpression,
  left: Value,
  right: Value,
): Value | undefined {
  if (left.kind === 'number' && right.kind === 'number')
    return numbers(e, operator, at, left.value, right.value, left.integer && right.integer)
  const a = asDim(left)
  const b = asDim(right)
  if (!a || !b) return undefined
  if ((operator === '/' || operator === '//' || operator === '%') && b === D.zero)
    return fail(e, statics.divisionByZero, { span: at.span })
  switch (operator) {
    case '+':
      return dimValue(bounded(D.add(a, b)))
    case '-':
      return dimValue(bounded(D.subtract(a, b)))
    case '*':
      return dimValue(product(a, b))
    case '/': {
      const quotient = D.exactQuotient(a, b)
      return quotient && dimValue(quotient)
    }
    case '//':
      return dimValue(bounded(D.floorQuotient(a, b)))
    case '%':
      return dimValue(bounded(D.remainder(a, b)))
    case '**': {
      if (b.constant === undefined || b.constant < 0) return undefined
      let power = D.one
      for (let i = 0; i < b.constant; i++) power = product(power, a)
      return dimValue(power)
    }
    default:
      return operator satisfies never
  }
}

/** Polynomials grow fast under multiplication; past this they are no longer sizes anyone meant. */
const longest = { terms: 500, factors: 32 }
function product(a: D.Dim, b: D.Dim): D.Dim {
  if (a.terms.length * b.terms.length > 20 * longest.terms) throw new D.DimOverflow('a size has more than 500 terms')
  return bounded(D.multiply(a, b))
}
function bounded(d: D.Dim): D.Dim {
  if (d.terms.length > longest.terms) throw new D.DimOverflow('a size has more than 500 terms')
  if (d.terms.some((t) => t.atoms.length > longest.factors))
    throw new D.DimOverflow('a size multiplies more than 32 dims')
  if (d.key.length > 20_000) throw new D.DimOverflow('a size is too long to write down')
  return d
}

function numbers(
  e: Elaboration,
  operator: Arithmetic,
  at: BinaryExpression,
  a: number,
  b: number,
  integers: boolean,
): Value {
  if ((operator === '/' || operator === '//' || operator === '%') && b === 0)
    return fail(e, statics.divisionByZero, { span: at.span })
  const value = ofNumbers[operator](a, b)
  if (integers && !Number.isFinite(value))
    return fail(e, shapes.dimOverflow, { span: at.span, reason: 'a whole number exceeds 2^53' })
  const whole = integers && (operator === '/' || operator === '**' ? Number.isInteger(value) : true)
  if (whole && !Number.isSafeInteger(value))
    return fail(e, shapes.dimOverflow, { span: at.span, reason: 'a whole number exceeds 2^53' })
  return number(value, whole)
}

export const ofNumbers: { readonly [Operator in Arithmetic]: (a: number, b: number) => number } = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '//': (a, b) => Math.floor(a / b),
  '%': (a, b) => a - b * Math.floor(a / b),
  '**': (a, b) => a ** b,
}

/** Operators on what is no number: lists and strings are joined, a layer is stacked. */
function structural(
  e: Elaboration,
  operator: Arithmetic,
  at: BinaryExpression,
  left: Value,
  right: Value,
): Value | undefined {
  if (operator === '+' && left.kind === 'list' && right.kind === 'list') {
    // Lists grow by one in loops: their items are not counted again.
    const size = left.size + right.size
    limited(e, at.span, size)
    return { kind: 'list', items: left.items.concat(right.items), size }
  }
  if (operator === '+' && left.kind === 'string' && right.kind === 'string') {
    limited(e, at.span, left.value.length + right.value.length)
    return string(left.value + right.value)
  }
  if (operator !== '*') return undefined
  if (left.kind === 'list' && right.kind === 'number' && right.integer && right.value >= 0) {
    limited(e, at.span, listSize(left) * right.value)
    return list(Array.from({ length: right.value }, () => left.items).flat())
  }
  if (left.kind === 'blueprint' || left.kind === 'module') {
    if (right.kind !== 'number' || !right.integer || right.value < 0 || right.value > stackLimit)
      return fail(e, statics.badStack, { span: at.right.span, given: describe(right), limit: stackLimit })
    const of = left.kind === 'blueprint' ? left.blueprint : configure(e, left, [], at.left.span)
    return { kind: 'blueprint', blueprint: { kind: 'stack', label: of.label, span: at.span, of, count: right.value } }
  }
  return undefined
}

const stackLimit = 100_000

function limited(e: Elaboration, span: Span, items: number): true {
  if (items > limits.items) fail(e, statics.listTooLong, { span, limit: limits.items })
  return true
}

export function unary(
  e: Elaboration,
  operator: '-' | '+' | 'not',
  value: Value,
  at: Expression & { kind: 'unary' },
): Value {
  if (value.kind === 'poison') return poison
  const bad = () => fail(e, statics.badOperand, { span: at.operand.span, operator, given: describe(value) })
  if (operator === 'not') {
    if (value.kind === 'bool') return bool(!value.value)
    return value.kind === 'tensor' && value.node.dtype === 'bool' ? tensor(emit(e, 'not', [value.node], {})) : bad()
  }
  if (value.kind === 'number') return operator === '-' ? number(-value.value || 0, value.integer) : value
  if (value.kind === 'dim') return operator === '-' ? dimValue(D.scale(value.dim, -1)) : value
  if (!canBeTensor(value)) return bad()
  const node = toTensor(e, value, at.operand.span)
  if (node.dtype === 'bool') return bad()
  return tensor(operator === '-' ? emit(e, 'neg', [node], {}) : node)
}
