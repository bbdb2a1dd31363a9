/**
 * One op for each position of an axis → one op for all positions at once: operands that vary along the axis have it as
 * their axis 0, and so has the result. A contraction gets one more axis, axes of other ops move up by one.
 */
import { type Dim, multiply, zero } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import type { GraphBuilder } from './builder.ts'
import type { Access } from './contract.ts'
import { lowerOf } from './registry.ts'

/** An operand: with the axis if it varies along it, as it stands if it does not. */
export interface Batched {
  readonly node: Node
  readonly varies: boolean
}

/**
 * Whether `batch` has a rule for the node. Inner scans stay where they are, random bits count along their own shape, and what
 * a step is to compute again would be kept if it were computed for all steps at once.
 */
export function canBatch(node: Node): boolean {
  const { kind } = lowerOf(node)
  return kind !== 'scan' && kind !== 'project' && kind !== 'leaf' && node.op !== 'random_bits' && node.op !== 'again'
}

/** The node for all positions; at least one operand varies. */
export function batch(b: GraphBuilder, node: Node, operands: readonly Batched[], length: Dim): Node {
  const all = (index: number): Node => repeated(b, operands[index]!, length)
  const first = () => all(0)
  const up = (axes: readonly number[]) => axes.map((axis) => axis + 1)
  if (lowerOf(node).kind === 'map')
    return b.node(
      node.op,
      operands.map((operand) => repeated(b, operand, length)),
      node.attributes as never,
    )
  switch (node.op) {
    case 'reshape':
      return b.reshape(first(), [length, ...node.attributes.shape])
    case 'permute':
      return b.permute(first(), [0, ...up(node.attributes.order)])
    case 'broadcast':
      return b.broadcast(first(), [length, ...node.attributes.shape], [0, ...up(node.attributes.axes)])
    case 'slice': {
      const { starts, sizes, steps } = node.attributes
      return b.slice(first(), [zero, ...starts], [length, ...sizes], [1, ...steps])
    }
    case 'pad': {
      const { low, high, value } = node.attributes
      return b.pad(first(), [zero, ...low], [zero, ...high], value)
    }
    case 'concat':
      return b.concat(
        operands.map((_, index) => all(index)),
        node.attributes.axis + 1,
      )
    case 'window':
      return b.window(first(), { ...node.attributes, axis: node.attributes.axis + 1 })
    case 'fold':
      return b.fold(first(), { ...node.attributes, axis: node.attributes.axis + 1 })
    case 'reduce_sum':
    case 'reduce_max':
    case 'reduce_min':
    case 'argmax':
    case 'argmin':
      return b.node(node.op, [first()], { axes: up(node.attributes.axes) })
    case 'cumsum':
      return b.node('cumsum', [first()], { ...node.attributes, axis: node.attributes.axis + 1 })
    case 'gather':
      // A table of no rows has nothing to choose, and nothing is chosen.
      if (length === zero) return b.full([length, ...node.shape], 0, node.dtype)
      return batchGather(b, node, operands, length)
    case 'scatter_add':
      return batchScatter(b, node, operands, length)
    case 'contract':
      return batchContract(b, node, operands, length, true)
    default:
      throw new Error(`no batching rule for ${node.op}`)
  }
}

/** The sum of a contraction over all positions: their axis is summed over with the others. */
export function sumOfContract(
  b: GraphBuilder,
  node: Node<'contract'>,
  operands: readonly Batched[],
  length: Dim,
): Node {
  return batchContract(b, node, operands, length, false)
}

/** The sum of a scatter over all positions: as many more updates of one result. */
export function sumOfScatter(
  b: GraphBuilder,
  node: Node<'scatter_add'>,
  operands: readonly Batched[],
  length: Dim,
): Node {
  const { axis, size } = node.attributes
  const [updates, indices] = [repeated(b, operands[0]!, length), repeated(b, operands[1]!, length)]
  return b.scatterAdd(b.permute(updates, movedTo(0, axis, updates.shape.length)), indices, axis, size)
}

function batchContract(
  b: GraphBuilder,
  node: Node<'contract'>,
  operands: readonly Batched[],
  length: Dim,
  keep: boolean,
): Node {
  const { axes, left, right, output } = node.attributes
  const name = freshName(axes.map((axis) => axis.name))
  const own: Access = { terms: [{ axis: name, stride: 1 }], offset: 0, divisor: 1 }
  const side = (accesses: readonly Access[], index: number) => (operands[index]!.varies ? [own, ...accesses] : accesses)
  return b.contract(operands[0]!.node, operands[1]!.node, {
    axes: [{ name, size: length }, ...axes],
    left: side(left, 0),
    right: side(right, 1),
    output: keep ? [name, ...output] : output,
  })
}

function batchGather(b: GraphBuilder, node: Node<'gather'>, [data, indices]: readonly Batched[], length: Dim): Node {
  const { axis } = node.attributes
  if (!indices!.varies) return b.gather(data!.node, indices!.node, axis + 1)
  const rank = indices!.node.shape.length
  if (!data!.varies) {
    const found = b.gather(data!.node, indices!.node, axis)
    return b.permute(found, movedTo(axis, 0, found.shape.length))
  }
  // Both vary: one table of all positions' rows, in which position t's begin at t · n.
  const rows = axis + 1
  const size = data!.node.shape[rows]!
  const upFront = b.permute(data!.node, movedTo(rows, 1, data!.node.shape.length))
  const table = b.reshape(upFront, [multiply(length, size), ...upFront.shape.slice(2)])
  const found = b.gather(table, rowOf(b, indices!.node, size), 0)
  // [t, indices…, before…, after…] → [t, before…, indices…, after…]
  return b.permute(found, exchanged(1, rank - 1, axis, found.shape.length))
}

function batchScatter(b: GraphBuilder, node: Node<'scatter_add'>, operands: readonly Batched[], length: Dim): Node {
  const { axis, size } = node.attributes
  const updates = repeated(b, operands[0]!, length)
  const indices = operands[1]!
  if (!indices.varies) return b.scatterAdd(updates, indices.node, axis + 1, size)
  const rank = indices.node.shape.length - 1
  // [t, before…, indices…, after…] → [t, indices…, before…, after…]
  const upFront = b.permute(updates, exchanged(1, axis, rank, updates.shape.length))
  const sums = b.scatterAdd(upFront, rowOf(b, indices.node, size), 0, multiply(length, size))
  const apart = b.reshape(sums, [length, size, ...sums.shape.slice(1)])
  return b.permute(apart, exchanged(1, 1, axis, apart.shape.length))
}

/** Indices within a position's `size` rows, clamped → indices in the table of all. */
function rowOf(b: GraphBuilder, indices: Node, size: Dim): Node {
  const count = b.cast(b.size(size), 'int')
  const clamped = b.minimum(b.maximum(indices, 0), b.sub(count, 1))
  return b.add(clamped, b.mul(b.iota(indices.shape, 0), count))
}

/** The operand with the axis, repeated along it where it does not vary. */
export function repeated(b: GraphBuilder, { node, varies }: Batched, length: Dim): Node {
  return varies
    ? node
    : b.broadcast(
        node,
        [length, ...node.shape],
        node.shape.map((_, axis) => axis + 1),
      )
}

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

/** The order that brings an axis to another place. */
function movedTo(from: number, to: number, rank: number): number[] {
  return range(rank).toSpliced(from, 1).toSpliced(to, 0, from)
}

/** The order that exchanges two neighbouring groups of axes, the first of which starts at `start`. */
function exchanged(start: number, first: number, second: number, rank: number): number[] {
  const all = range(rank)
  const middle = start + first
  return [
    ...all.slice(0, start),
    ...all.slice(middle, middle + second),
    ...all.slice(start, middle),
    ...all.slice(middle + second),
  ]
}

function freshName(taken: readonly string[]): string {
  for (let suffix = 0; ; suffix++) {
    const name = suffix === 0 ? 't' : `t${suffix}`
    if (!taken.includes(name)) return name
  }
}
