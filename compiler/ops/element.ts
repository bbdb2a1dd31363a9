/**
 * One element of a node as a scalar: before, a node and a multi-index; after, an expression over stored values.
 *
 * Elementwise ops apply at the same index, views transform it, generated values become functions of it, lookups read it
 * from data. Where expansion ends (stored values, results of the kernel itself) is the reader's decision.
 */
import { type Dim, dim, product, subtract } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import { axisIndex, dataIndex, dimIndex, flattenIndex, insideGuard, sameIndices, zeroIndex } from '../ir/index.ts'
import type { Axis, Index, Scalar } from '../ir/kernel.ts'
import type { Scalars } from '../ir/scalars.ts'
import { folded } from './element-fold.ts'
import { viewed } from './element-view.ts'
import { dependsOnAxes } from './independence.ts'
import { lowerOf } from './registry.ts'
import { reducedAxes } from './structure.ts'

export interface Reader {
  readonly scalars: Scalars
  /** The element where it is not to be computed here; `undefined` to expand the node. */
  readonly read: (node: Node, index: readonly Index[]) => Scalar | undefined
  /** Called for each element expanded, once; may throw to give up. */
  readonly expanding?: (node: Node, index: readonly Index[]) => void
  readonly memo: Elements
}

/** Elements that were made, by node: never at many indices. */
export type Elements = Map<Node, { readonly index: readonly Index[]; readonly scalar: Scalar }[]>

export function elementAt(reader: Reader, node: Node, index: readonly Index[]): Scalar {
  const known = reader.memo.get(node)
  if (known)
    for (let at = 0; at < known.length; at++) if (sameIndices(known[at]!.index, index)) return known[at]!.scalar
  const scalar = reader.read(node, index) ?? expand(reader, node, index)
  const made = { index, scalar }
  const all = known ?? reader.memo.get(node)
  if (all) all.push(made)
  else reader.memo.set(node, [made])
  return scalar
}

function expand(reader: Reader, node: Node, index: readonly Index[]): Scalar {
  reader.expanding?.(node, index)
  const lowering = lowerOf(node)
  const { scalars } = reader
  switch (lowering.kind) {
    case 'map':
      return scalars.apply(
        lowering.scalar,
        node.operands.map((operand) => elementAt(reader, operand, index)),
        node.dtype,
      )
    case 'index':
      return generated(reader, node, index)
    case 'view':
      return viewed(reader, node, index)
    case 'lookup':
      return gathered(reader, node as Node<'gather'>, index)
    case 'reduce':
      return reducedAxes(node) ? reduced(reader, node, index) : folded(reader, node as Node<'fold'>, index)
    case 'leaf':
    case 'contract':
    case 'scatter':
    case 'running':
    case 'scan':
    case 'project':
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
      const [, layer] = node.operands
      const { site } = node.attributes
      const added = layer && elementAt({ scalars, ...reader }, layer, [])
      const stream =
        added && site !== 0
          ? scalars.apply('add', [added, scalars.number(site, 'int')], 'int')
          : (added ?? scalars.number(site, 'uint'))
      return scalars.apply('threefry', [word(0), word(1), counter, stream], 'uint')
    }
    default:
      throw new Error(`no element rule for the generated op ${node.op}`)
  }
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
  const axes = reducedAxes(node)!
  const sizes = axes.map((axis) => operand.shape[axis]!)
  const { scalars } = reader
  if (lowering.combine === 'sum' && !dependsOnAxes(operand, axes)) {
    // Equal elements: the first one, as often as there are any.
    const count = product(sizes)
    const first = elementAt(
      reader,
      operand,
      insertIndices(
        index,
        axes,
        axes.map(() => zeroIndex),
      ),
    )
    const times = node.dtype === 'float' ? scalars.size(count) : scalars.position(dimIndex(count), 'int')
    return scalars.guarded(
      [insideGuard(zeroIndex, count)],
      scalars.apply('mul', [first, times], node.dtype),
      scalars.number(0, node.dtype),
    )
  }
  const own = sizes.map((extent): Axis => ({ name: 'w', extent }))
  const value = elementAt(reader, operand, insertIndices(index, axes, own.map(axisIndex)))
  const looped = own.filter(({ extent }) => extent.constant !== 1)
  if (looped.length > 0) return scalars.reduce(lowering.combine, looped, value, node.dtype)
  return lowering.combine.startsWith('arg') ? scalars.number(0, 'int') : value
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
