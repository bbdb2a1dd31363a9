/** Laws of reductions: what does not vary along the reduced axes is taken out of them. */
import { one, product } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import { any, range, rule, splat } from './rule.ts'
import type { Rule } from './rules.ts'

const extrema = ['reduce_max', 'reduce_min'] as const
const combining = ['reduce_sum', ...extrema] as const

/** For kept axes of an operand with `rank` axes: operand axis → result axis. */
const keptAxes = (rank: number, axes: readonly number[]): number[] => range(rank).filter((axis) => !axes.includes(axis))

export const reductions: readonly Rule[] = [
  // Σ over an axis of size 1 = the operand without it; likewise max and min
  ...combining.map((op) =>
    rule(`${op}-of-unit-axes`, op, any, (node, b) => {
      const [x] = node.operands
      const rest = node.attributes.axes.filter((axis) => x!.shape[axis] !== one)
      if (rest.length === node.attributes.axes.length) return undefined
      if (rest.length === 0) return b.reshape(x!, node.shape)
      return b.reshape(b.node(op, [x!], { axes: rest }), node.shape)
    }),
  ),
  // Σᵢ Σⱼ x = Σᵢⱼ x; likewise max and min
  ...combining.map((op) =>
    rule(`${op}-of-${op}`, op, [op], (node, b) => {
      const [x] = node.operands
      if (x!.op !== op) return undefined
      const inner = x!.operands[0]!
      const kept = keptAxes(inner.shape.length, x!.attributes.axes)
      return b.node(op, [inner], {
        axes: [...x!.attributes.axes, ...node.attributes.axes.map((axis) => kept[axis]!)].sort((i, j) => i - j),
      })
    }),
  ),
  // Σ permute(x) = permute(Σ x); likewise max and min
  ...combining.map((op) =>
    rule(`${op}-of-permute`, op, ['permute'], (node, b) => {
      const [x] = node.operands
      if (x!.op !== 'permute') return undefined
      const { order } = x!.attributes
      const axes = node.attributes.axes.map((axis) => order[axis]!).sort((i, j) => i - j)
      const kept = keptAxes(order.length, axes)
      const wanted = keptAxes(order.length, node.attributes.axes).map((axis) => order[axis]!)
      return b.permute(
        b.node(op, [x!.operands[0]!], { axes }),
        wanted.map((axis) => kept.indexOf(axis)),
      )
    }),
  ),
  // Σ broadcast(x) over n repetitions = n · Σ x
  rule('sum-of-broadcast', 'reduce_sum', ['broadcast'], (node, b) => {
    const found = withoutRepeated(node)
    if (!found || node.dtype !== 'float') return undefined
    const { inner, axes, repeated, place } = found
    const sum = b.broadcast(b.sum(inner, axes), node.shape, place)
    return b.mul(sum, b.size(product(repeated)))
  }),
  // max broadcast(x) = max x; likewise min
  ...extrema.map((op) =>
    rule(`${op}-of-broadcast`, op, ['broadcast'], (node, b) => {
      const found = withoutRepeated(node)
      if (!found || found.repeated.some((size) => size.constant === undefined || size.constant === 0)) return undefined
      const { inner, axes, place } = found
      return b.broadcast(axes.length === 0 ? inner : b.node(op, [inner], { axes }), node.shape, place)
    }),
  ),
  // Σ -x = -Σ x
  rule('sum-of-negation', 'reduce_sum', ['neg'], (node, b) =>
    node.operands[0]!.op === 'neg' ? b.neg(b.sum(node.operands[0]!.operands[0]!, node.attributes.axes)) : undefined,
  ),
  // Σⱼ xᵢⱼ · yᵢ = yᵢ · Σⱼ xᵢⱼ
  rule('factor-out-of-sum', 'reduce_sum', ['mul'], (node, b) => {
    const [x] = node.operands
    if (x!.op !== 'mul' || node.dtype !== 'float') return undefined
    for (const [factor, other] of [
      [x!.operands[1]!, x!.operands[0]!],
      [x!.operands[0]!, x!.operands[1]!],
    ] as const) {
      const outside = alongKept(factor, node.attributes.axes)
      if (outside)
        return b.mul(b.sum(other, node.attributes.axes), b.broadcast(outside.inner, node.shape, outside.place))
    }
    return undefined
  }),
  // Σⱼ xᵢⱼ / yᵢ = (Σⱼ xᵢⱼ) / yᵢ
  rule('divisor-out-of-sum', 'reduce_sum', ['div'], (node, b) => {
    const [x] = node.operands
    if (x!.op !== 'div') return undefined
    const outside = alongKept(x!.operands[1]!, node.attributes.axes)
    return (
      outside &&
      b.div(b.sum(x!.operands[0]!, node.attributes.axes), b.broadcast(outside.inner, node.shape, outside.place))
    )
  }),
]

/** A reduction of a broadcast, split into the axes that its operand has and those along which it was repeated. */
function withoutRepeated(node: Node<'reduce_sum' | 'reduce_max' | 'reduce_min'>) {
  const [x] = node.operands
  if (x!.op !== 'broadcast') return undefined
  const { axes: own } = x!.attributes
  const repeated = node.attributes.axes.filter((axis) => !own.includes(axis)).map((axis) => x!.shape[axis]!)
  if (repeated.length === 0) return undefined
  const inner = x!.operands[0]!
  const axes = range(own.length).filter((i) => node.attributes.axes.includes(own[i]!))
  const kept = keptAxes(x!.shape.length, node.attributes.axes)
  const place = own.filter((axis) => !node.attributes.axes.includes(axis)).map((axis) => kept.indexOf(axis))
  return { inner, axes, repeated, place }
}

/** The operand of a broadcast that repeats it along all reduced axes, with its axes' places among the kept ones. */
function alongKept(factor: Node, reduced: readonly number[]): { inner: Node; place: number[] } | undefined {
  if (factor.op !== 'broadcast' || factor.attributes.axes.some((axis) => reduced.includes(axis))) return undefined
  const kept = keptAxes(factor.shape.length, reduced)
  // Nothing but numbers may vary with a size: an empty sum times an infinite number would not be 0.
  if (splat(factor) !== undefined && !Number.isFinite(splat(factor))) return undefined
  return { inner: factor.operands[0]!, place: factor.attributes.axes.map((axis) => kept.indexOf(axis)) }
}
