/** One element of a view: an element of an operand at another index, or a fill value. */
import { add, type Dim, dim, scale, zero } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import { flattenIndex, insideGuard, offsetIndex, sumIndex, unflattenIndex } from '../ir/index.ts'
import type { Index, Scalar } from '../ir/kernel.ts'
import { elementAt, type Reader } from './element.ts'

/** A view's element: the operand's element at another index, or a fill value. */
export function viewed(reader: Reader, node: Node, index: readonly Index[]): Scalar {
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
      const along = sumIndex(
        [
          { factor: dim(stride), index: index[axis]! },
          { factor: dim(dilation), index: index[axis + 1]! },
        ],
        dim(-low),
      )
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
function sourceIndex(node: Node, index: readonly Index[]): Index[] {
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
      return index.map((i, axis) =>
        sumIndex([{ factor: dim(node.attributes.steps[axis]!), index: i }], node.attributes.starts[axis]!),
      )
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

/**
 * The index at which a view that only renames its operand's elements shows the one at `index`; `undefined` for views
 * that drop, repeat or add elements.
 */
export function renamedIndex(node: Node, index: readonly Index[]): readonly Index[] | undefined {
  switch (node.op) {
    case 'reshape':
      return reshapeIndex(index, node.operands[0]!.shape, node.shape)
    case 'permute':
      return node.attributes.order.map((axis) => index[axis]!)
    default:
      return undefined
  }
}
