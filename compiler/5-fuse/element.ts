/**
 * One element of a node as a scalar: before, a node and a multi-index; after, an expression over stored values.
 *
 * Elementwise ops apply at the same index, views transform it, generated values become functions of it, lookups read it
 * from data. Where expansion ends (stored values, results of the kernel itself) is the reader's decision.
 */
import { add, type Dim, dim, ceilQuotient, product, scale, subtract, zero } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import {
  addIndex, axisIndex, dataIndex, dimIndex, divisibleGuard, flattenIndex, insideGuard, offsetIndex, quotientIndex, remainderIndex,
  scaleIndex, sumIndex, unflattenIndex, keyOfIndex, zeroIndex,
} from '../ir/index.ts'
import type { Axis, Guard, Index, Scalar } from '../ir/kernel.ts'
import { lowerOf } from '../ops/registry.ts'
import { dependsOnAxes } from './independence.ts'
import type { Scalars } from './scalars.ts'

export interface Reader {
  readonly scalars: Scalars
  /** The element where it is not to be computed here; `undefined` to expand the node. */
  readonly read: (node: Node, index: readonly Index[]) => Scalar | undefined
  /** Called for each element expanded, once; may throw to give up. */
  readonly expanding?: (node: Node, index: readonly Index[]) => void
  readonly memo: Map<string, Scalar>
}

export function elementAt(reader: Reader, node: Node, index: readonly Index[]): Scalar {
  const key = `${node.id}@${index.map(keyOfIndex).join(';')}`
  const known = reader.memo.get(key)
  if (known) return known
  const scalar = reader.read(node, index) ?? expand(reader, node, index)
  reader.memo.set(key, scalar)
  return scalar
}

function expand(reader: Reader, node: Node, index: readonly Index[]): Scalar {
  reader.expanding?.(node, index)
  const lowering = lowerOf(node)
  const { scalars } = reader
  switch (lowering.kind) {
    case 'map':
      return scalars.apply(lowering.scalar, node.operands.map((operand) => elementAt(reader, operand, index)), node.dtype)
    case 'index':
      return generated(reader, node, index)
    case 'view':
      return viewed(reader, node, index)
    case 'lookup':
      return gathered(reader, node as Node<'gather'>, index)
    case 'reduce':
      return node.op === 'fold' ? folded(reader, node, index) : reduced(reader, node, index)
    case 'leaf':
    case 'contract':
    case 'scatter':
    case 'running':
      throw new Error(`%${node.id} ${node.op} is needed as an expression, but only its kernel can compute it`)
    default:
      return lowering satisfies never
  }
}

function generated({ scalars, ...reader }: Reader, node: Node, index: readonly Index[]): Scalar {
  switch (node.op) {
    case 'constant':
      return scalars.number(node.attributes.value, node.attributes.dtype)
    case 'size':
      return scalars.size(node.attributes.dim)
    case 'iota':
      return scalars.position(index[node.attributes.axis]!, 'int')
    case 'random_bits': {
      const word = (n: number) => elementAt({ scalars, ...reader }, node.operands[0]!, [dimIndex(dim(n))])
      const counter = scalars.position(flattenIndex(index, node.shape), 'uint')
      return scalars.apply('threefry', [word(0), word(1), counter, scalars.number(node.attributes.site, 'uint')], 'uint')
    }
    default:
      throw new Error(`no element rule for the generated op ${node.op}`)
  }
}

/** A view's element: the operand's element at another index, or a fill value. */
function viewed(reader: Reader, node: Node, index: readonly Index[]): Scalar {
  const { scalars } = reader
  const [operand] = node.operands
  switch (node.op) {
    case 'reshape':
    case 'permute':
    case 'broadcast':
    case 'slice':
      return elementAt(reader, operand!, sourceIndex(node, index))
    case 'pad': {
      const { low, value } = node.attributes
      const source = index.map((i, axis) => offsetIndex(i, scale(low[axis]!, -1)))
      const guards = source.map((i, axis) => insideGuard(i, operand!.shape[axis]!))
      return scalars.guarded(guards, elementAt(reader, operand!, source), scalars.number(value, node.dtype))
    }
    case 'window': {
      const { axis, stride, dilation, low, fill } = node.attributes
      const along = sumIndex([{ factor: dim(stride), index: index[axis]! }, { factor: dim(dilation), index: index[axis + 1]! }], dim(-low))
      const source = index.toSpliced(axis, 2, along)
      const guard = insideGuard(along, operand!.shape[axis]!)
      return scalars.guarded([guard], elementAt(reader, operand!, source), scalars.number(fill, node.dtype))
    }
    case 'concat':
      return concatenated(reader, node, index)
    default:
      throw new Error(`no element rule for the view ${node.op}`)
  }
}

/** Views that lose nothing on the way: the operand's index alone says which element it is. */
export function sourceIndex(node: Node, index: readonly Index[]): Index[] {
  const operand = node.operands[0]!
  switch (node.op) {
    case 'reshape':
      return reshapeIndex(index, node.shape, operand.shape)
    case 'permute': {
      const source = new Array<Index>(index.length)
      for (const [axis, from] of node.attributes.order.entries()) source[from] = index[axis]!
      return source
    }
    case 'broadcast':
      return node.attributes.axes.map((axis) => index[axis]!)
    case 'slice':
      return index.map((i, axis) => sumIndex([{ factor: dim(node.attributes.steps[axis]!), index: i }], node.attributes.starts[axis]!))
    default:
      throw new Error(`${node.op} does not read exactly one element`)
  }
}

export function reshapeIndex(index: readonly Index[], from: readonly Dim[], to: readonly Dim[]): Index[] {
  return unflattenIndex(flattenIndex(index, from), to)
}

function concatenated(reader: Reader, node: Node<'concat'>, index: readonly Index[]): Scalar {
  const { axis } = node.attributes
  const { scalars } = reader
  const starts: Dim[] = []
  let start = zero
  for (const { shape } of node.operands) {
    starts.push(start)
    start = add(start, shape[axis]!)
  }
  const part = (n: number): Scalar => {
    const at = offsetIndex(index[axis]!, scale(starts[n]!, -1))
    const value = elementAt(reader, node.operands[n]!, index.with(axis, at))
    if (n === node.operands.length - 1) return value
    return scalars.guarded([insideGuard(at, node.operands[n]!.shape[axis]!)], value, part(n + 1))
  }
  return part(0)
}

/** The data at an index that is itself an element, clamped as the op says. */
function gathered(reader: Reader, node: Node<'gather'>, index: readonly Index[]): Scalar {
  const { axis } = node.attributes
  const [data, indices] = node.operands as readonly [Node, Node]
  const rank = indices.shape.length
  const size = data.shape[axis]!
  const chosen = dataIndex(clampedPosition(reader, indices, index.slice(axis, axis + rank), size), size)
  return elementAt(reader, data, index.toSpliced(axis, rank, chosen))
}

/** An element of an int node, clamped to `[0, size)`. */
export function clampedPosition(reader: Reader, indices: Node, index: readonly Index[], size: Dim): Scalar {
  const { scalars } = reader
  const last = scalars.position(dimIndex(subtract(size, dim(1))), 'int')
  const least = scalars.apply('max', [elementAt(reader, indices, index), scalars.number(0, 'int')], 'int')
  return scalars.apply('min', [least, last], 'int')
}

/** A reduction inside one lane. */
function reduced(reader: Reader, node: Node, index: readonly Index[]): Scalar {
  const lowering = lowerOf(node)
  if (lowering.kind !== 'reduce') throw new Error('not a reduction')
  const operand = node.operands[0]!
  const axes = reducedAxes(node)
  const sizes = axes.map((axis) => operand.shape[axis]!)
  const { scalars } = reader
  if (lowering.combine === 'sum' && !dependsOnAxes(operand, axes)) {
    // Equal elements: the first one, as often as there are any.
    const count = product(sizes)
    const first = elementAt(reader, operand, insertIndices(index, axes, axes.map(() => zeroIndex)))
    const times = node.dtype === 'float' ? scalars.size(count) : scalars.position(dimIndex(count), 'int')
    return scalars.guarded([insideGuard(zeroIndex, count)], scalars.apply('mul', [first, times], node.dtype), scalars.number(0, node.dtype))
  }
  const own = sizes.map((extent): Axis => ({ name: 'w', extent }))
  const value = elementAt(reader, operand, insertIndices(index, axes, own.map(axisIndex)))
  const looped = own.filter(({ extent }) => extent.constant !== 1)
  if (looped.length > 0) return scalars.reduce(lowering.combine, looped, value, node.dtype)
  return lowering.combine.startsWith('arg') ? scalars.number(0, 'int') : value
}

export function reducedAxes(node: Node): readonly number[] {
  if (!('axes' in node.attributes) || lowerOf(node).kind !== 'reduce') throw new Error(`${node.op} reduces no axes`)
  return node.attributes.axes as readonly number[]
}

/** The operand's index: the reduced axes at their own indices, the others at those of the result. */
export function insertIndices(index: readonly Index[], axes: readonly number[], own: readonly Index[]): Index[] {
  const full: Index[] = []
  let kept = 0
  for (let axis = 0; axis < index.length + axes.length; axis++) {
    const at = axes.indexOf(axis)
    full.push(at >= 0 ? own[at]! : index[kept++]!)
  }
  return full
}

/**
 * The windows that cover an element: those `o`, `k` with `o·stride + k·dilation - low = h`. Undilated, `k` is known
 * modulo the stride, so only `⌈K / stride⌉` of the pairs are tried: none in vain, and no loop where windows do not overlap.
 */
function folded(reader: Reader, node: Node<'fold'>, index: readonly Index[]): Scalar {
  const { axis, stride, dilation, low } = node.attributes
  const operand = node.operands[0]!
  const [windows, size] = [operand.shape[axis]!, operand.shape[axis + 1]!]
  const { scalars } = reader
  const at = offsetIndex(index[axis]!, dim(low))
  const nothing = scalars.number(0, node.dtype)
  const element = (o: Index, k: Index, guards: readonly (Guard | undefined)[]): Scalar =>
    scalars.guarded(
      [...guards, insideGuard(o, windows), insideGuard(k, size)],
      elementAt(reader, operand, index.toSpliced(axis, 1, o, k)),
      nothing,
    )
  if (dilation === 1) {
    const tries = { name: 'w', extent: ceilQuotient(size, dim(stride)) }
    const step = axisIndex(tries)
    const k = sumIndex([{ factor: dim(stride), index: step }, { factor: dim(1), index: remainderIndex(at, dim(stride)) }])
    const o = addIndex(quotientIndex(at, dim(stride)), scaleIndex(step, dim(-1)))
    const value = element(o, k, [])
    return step.kind === 'dim' ? value : scalars.reduce('sum', [tries], value, node.dtype)
  }
  const tries = { name: 'w', extent: size }
  const k = axisIndex(tries)
  const distance = addIndex(at, scaleIndex(k, dim(-dilation)))
  const value = element(quotientIndex(distance, dim(stride)), k, [divisibleGuard(distance, dim(stride))])
  return k.kind === 'dim' ? value : scalars.reduce('sum', [tries], value, node.dtype)
}

