/** Laws of arithmetic. Numbers are kept on the right, negations are drawn outwards, and finite values are not assumed. */
import type { Node } from '../ir/graph.ts'
import type { GraphBuilder } from '../ops/builder.ts'
import { alwaysFinite, binaryRule, number, splat, unaryRule } from './rule.ts'
import type { Rule } from './rules.ts'

const negated = (node: Node): Node | undefined => (node.op === 'neg' ? node.operands[0] : undefined)
const sameAs = (b: GraphBuilder, node: Node, value: number): Node => b.full(node.shape, value, node.dtype)

/** `x op c` split into x and the number c. */
function withNumber(node: Node, op: Node['op']): readonly [Node, number] | undefined {
  if (node.op !== op) return undefined
  const value = splat(node.operands[1]!)
  return value === undefined ? undefined : [node.operands[0]!, value]
}

/** Whether 1 / c is exact, so that a product by it rounds as the quotient does. */
const isPowerOfTwo = (value: number): boolean =>
  value !== 0 && Number.isInteger(Math.log2(Math.abs(value))) && Math.abs(Math.log2(Math.abs(value))) < 64

export const algebra: readonly Rule[] = [
  // c + x = x + c
  binaryRule('number-right-of-sum', 'add', number, (b, x, y) =>
    splat(x) !== undefined && splat(y) === undefined ? b.add(y, x) : undefined,
  ),
  // c · x = x · c
  binaryRule('number-right-of-product', 'mul', number, (b, x, y) =>
    splat(x) !== undefined && splat(y) === undefined ? b.mul(y, x) : undefined,
  ),
  // x + 0 = x
  binaryRule('add-zero', 'add', number, (_b, x, y) => (splat(y) === 0 ? x : undefined)),
  // x - 0 = x
  binaryRule('subtract-zero', 'sub', number, (_b, x, y) => (splat(y) === 0 ? x : undefined)),
  // 0 - x = -x
  binaryRule('subtract-from-zero', 'sub', number, (b, x, y) => (splat(x) === 0 ? b.neg(y) : undefined)),
  // x · 1 = x
  binaryRule('multiply-by-one', 'mul', number, (_b, x, y) => (splat(y) === 1 ? x : undefined)),
  // x · -1 = -x
  binaryRule('multiply-by-minus-one', 'mul', number, (b, x, y) => (splat(y) === -1 ? b.neg(x) : undefined)),
  // x · 0 = 0, where x is finite
  binaryRule('multiply-by-zero', 'mul', number, (b, x, y) =>
    splat(y) === 0 && alwaysFinite(x) ? sameAs(b, x, 0) : undefined,
  ),
  // x / 1 = x
  binaryRule('divide-by-one', 'div', number, (_b, x, y) => (splat(y) === 1 ? x : undefined)),
  // x / 2ⁿ = x · 2⁻ⁿ
  binaryRule('divide-by-power-of-two', 'div', number, (b, x, y) => {
    const c = splat(y)
    return c !== undefined && isPowerOfTwo(c) ? b.mul(x, 1 / c) : undefined
  }),
  // 0 / c = 0, where c ≠ 0 is a number
  binaryRule('zero-divided', 'div', number, (_b, x, y) =>
    splat(x) === 0 && Number.isFinite(splat(y) ?? NaN) && splat(y) !== 0 ? x : undefined,
  ),
  // (x + c) + d = x + (c + d)
  binaryRule('sum-of-numbers', 'add', number, (b, x, y) =>
    combine(
      x,
      y,
      'add',
      (c, d) => c + d,
      (z, sum) => b.add(z, sum),
    ),
  ),
  // (x · c) · d = x · (c · d)
  binaryRule('product-of-numbers', 'mul', number, (b, x, y) =>
    combine(
      x,
      y,
      'mul',
      (c, d) => c * d,
      (z, product) => b.mul(z, product),
    ),
  ),
  // x - c = x + (-c)
  binaryRule('subtract-number', 'sub', number, (b, x, y) => {
    const c = splat(y)
    return c !== undefined && c !== 0 && splat(x) === undefined ? b.add(x, -c) : undefined
  }),
  // -(-x) = x
  unaryRule('double-negation', 'neg', ['neg'], (_b, x) => negated(x)),
  // -(x · c) = x · -c
  unaryRule('negated-product', 'neg', ['mul'], (b, x) => {
    const parts = withNumber(x, 'mul')
    return parts && b.mul(parts[0], -parts[1])
  }),
  // -(c / x) = -c / x
  unaryRule('negated-quotient', 'neg', ['div'], (b, x) => {
    const c = x.op === 'div' ? splat(x.operands[0]!) : undefined
    return c === undefined ? undefined : b.div(sameAs(b, x, -c), x.operands[1]!)
  }),
  // -(x - y) = y - x
  unaryRule('negated-difference', 'neg', ['sub'], (b, x) =>
    x.op === 'sub' ? b.sub(x.operands[1]!, x.operands[0]!) : undefined,
  ),
  // x + -y = x - y
  binaryRule('add-negation', 'add', ['neg'], (b, x, y) => (negated(y) ? b.sub(x, negated(y)!) : undefined)),
  // -x + y = y - x
  binaryRule('negation-first', 'add', ['neg'], (b, x, y) => (negated(x) ? b.sub(y, negated(x)!) : undefined)),
  // x - -y = x + y
  binaryRule('subtract-negation', 'sub', ['neg'], (b, x, y) => (negated(y) ? b.add(x, negated(y)!) : undefined)),
  // -x · c = x · -c
  binaryRule('negation-into-number', 'mul', ['neg'], (b, x, y) =>
    negated(x) && splat(y) !== undefined ? b.mul(negated(x)!, -splat(y)!) : undefined,
  ),
  // -x · y = -(x · y)
  binaryRule('negation-out-of-left', 'mul', ['neg'], (b, x, y) =>
    negated(x) && splat(y) === undefined ? b.neg(b.mul(negated(x)!, y)) : undefined,
  ),
  // x · -y = -(x · y)
  binaryRule('negation-out-of-right', 'mul', ['neg'], (b, x, y) =>
    negated(y) ? b.neg(b.mul(x, negated(y)!)) : undefined,
  ),
  // -x / y = -(x / y)
  binaryRule('negation-out-of-numerator', 'div', ['neg'], (b, x, y) =>
    negated(x) ? b.neg(b.div(negated(x)!, y)) : undefined,
  ),
  // x / -y = -(x / y)
  binaryRule('negation-out-of-divisor', 'div', ['neg'], (b, x, y) =>
    negated(y) ? b.neg(b.div(x, negated(y)!)) : undefined,
  ),
  // |-x| = |x|
  unaryRule('absolute-negation', 'abs', ['neg'], (b, x) => (negated(x) ? b.abs(negated(x)!) : undefined)),
  // x⁰ = 1, x¹ = x, xⁿ = x · x · …, x⁻ⁿ = 1 / xⁿ, √x: of these powers a negative x has one, which `pow` would not give
  binaryRule('whole-power', 'pow', number, (b, x, y) => {
    const n = splat(y)
    if (n === 0.5) return b.sqrt(x)
    if (n === undefined || !Number.isInteger(n) || Math.abs(n) > 16) return undefined
    if (n === 0) return sameAs(b, x, 1)
    return n > 0 ? power(b, x, n) : b.div(sameAs(b, x, 1), power(b, x, -n))
  }),
]

function combine(
  x: Node,
  y: Node,
  op: Node['op'],
  fold: (c: number, d: number) => number,
  make: (x: Node, value: number) => Node,
): Node | undefined {
  const parts = withNumber(x, op)
  const d = splat(y)
  if (!parts || d === undefined) return undefined
  const value = fold(parts[1], d)
  // Where the product leaves float32's range the order of the factors matters.
  const size = Math.abs(value)
  return value === 0 || (size < 1e30 && size > 1e-30)
    ? value === 0 && op === 'mul'
      ? undefined
      : make(parts[0], value)
    : undefined
}

/** By squaring: x⁵ = (x²)² · x. */
function power(b: GraphBuilder, x: Node, n: number): Node {
  if (n === 1) return x
  const half = power(b, x, Math.floor(n / 2))
  const square = b.mul(half, half)
  return n % 2 === 0 ? square : b.mul(square, x)
}
