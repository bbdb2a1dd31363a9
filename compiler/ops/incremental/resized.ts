/**
 * An op of whole tensors → the same of a range of positions: the operands have come as the links of the op ask for them,
 * one axis of the result is `count` long and begins at position `low` from where the session stands.
 */
import { add, type Dim, dim, subtract, zero } from '../../ir/dim.ts'
import type { Node } from '../../ir/graph.ts'
import type { GraphBuilder } from '../builder.ts'
import type { Link } from '../causality/links.ts'
import type { Access, ContractAxis } from '../contract.ts'
import { lowerOf } from '../registry.ts'

/** A range of positions along one axis, relative to the position at which the session stands. */
export interface Range {
  readonly axis: number
  readonly low: Dim
  readonly count: Dim
}

export interface Places {
  /** The indices of a range, int[count]. */
  readonly indices: (range: Range) => Node
}

/** `undefined`: this op has no such form. */
export function resized(
  b: GraphBuilder,
  node: Node,
  operands: readonly Node[],
  range: Range,
  links: readonly Link[],
  places: Places,
): Node | undefined {
  const { axis, count } = range
  const shape = node.shape.with(axis, count)
  const [first] = operands
  if (lowerOf(node).kind === 'map') return b.node(node.op, operands, node.attributes as never)
  switch (node.op) {
    case 'iota':
      if (node.attributes.axis !== axis) return b.iota(shape, node.attributes.axis)
      return b.broadcast(places.indices(range), shape, [axis])
    case 'reshape':
      return links.some(({ result }) => result === axis) ? b.reshape(first!, shape) : undefined
    case 'permute':
      return b.permute(first!, node.attributes.order)
    case 'broadcast':
      return b.broadcast(first!, shape, node.attributes.axes)
    case 'slice': {
      const { starts, steps } = node.attributes
      return steps[axis] === 1 ? b.slice(first!, starts.with(axis, zero), shape, steps) : undefined
    }
    case 'pad': {
      const { low, high, value } = node.attributes
      const inside = within(
        b,
        first!,
        node.operands[0]!,
        { ...range, low: subtract(range.low, low[axis]!) },
        value,
        places,
      )
      return b.pad(inside, low.with(axis, zero), high.with(axis, zero), value)
    }
    case 'concat':
      return node.attributes.axis === axis
        ? joined(b, node, operands, range, places)
        : b.concat(operands, node.attributes.axis)
    case 'window': {
      const { axis: along, low, fill } = node.attributes
      if (along !== axis) return axis === along + 1 ? undefined : b.window(first!, node.attributes)
      const from = { axis, low: add(range.low, dim(-low)), count: first!.shape[axis]! }
      const inside = within(b, first!, node.operands[0]!, from, fill, places)
      return b.window(inside, { ...node.attributes, low: 0, high: zero })
    }
    case 'fold':
    case 'reduce_sum':
    case 'reduce_max':
    case 'reduce_min':
    case 'argmax':
    case 'argmin':
      return links.some(({ result }) => result === axis)
        ? b.node(node.op, [first!], node.attributes as never)
        : undefined
    case 'cumsum':
      return node.attributes.axis === axis ? undefined : b.node('cumsum', [first!], node.attributes)
    case 'gather':
      return b.node('gather', operands, node.attributes)
    case 'scatter_add':
      return node.attributes.axis === axis ? undefined : b.node('scatter_add', operands, node.attributes)
    case 'contract':
      return contracted(b, node, operands, range, links, places)
    default:
      return undefined
  }
}

/** Elements of a range that lie outside the axis they were taken from are a number instead. */
export function within(b: GraphBuilder, part: Node, whole: Node, range: Range, fill: number, places: Places): Node {
  const size = whole.shape[range.axis]!
  const index = places.indices(range)
  const inside = b.and(b.ge(index, 0), b.lt(index, sizeOf(b, size)))
  return b.select(b.broadcast(inside, part.shape, [range.axis]), part, b.constant(fill, part.dtype))
}

export const sizeOf = (b: GraphBuilder, size: Dim): Node =>
  size.constant === undefined ? b.cast(b.size(size), 'int') : b.constant(size.constant, 'int')

/** Each position is taken from the part in which it lies. */
function joined(b: GraphBuilder, node: Node, operands: readonly Node[], range: Range, places: Places): Node {
  const { axis } = range
  let end = zero
  let result: Node | undefined
  for (const [i, part] of operands.entries()) {
    const start = end
    end = add(end, node.operands[i]!.shape[axis]!)
    if (!result) result = part
    else {
      const later = b.ge(places.indices(range), sizeOf(b, start))
      result = b.select(b.broadcast(later, part.shape, [axis]), part, result)
    }
  }
  return result!
}

function contracted(
  b: GraphBuilder,
  node: Node<'contract'>,
  operands: readonly Node[],
  { axis, low, count }: Range,
  links: readonly Link[],
  places: Places,
): Node {
  const { axes, left, right, output } = node.attributes
  const name = output[axis]!
  const parts: Node[] = []
  const sides = [left, right].map((accesses, operand) => {
    let part = operands[operand]!
    const moved = accesses.map((access, at): Access => {
      const link = links.find((l) => l.operand === operand && l.axis === at)!
      if (link.result !== axis) return access
      const whole = node.operands[operand]!
      const from = { axis: at, low: add(low, link.low), count: part.shape[at]! }
      const plain = link.low === zero && link.high === zero && whole.shape[at] === axisSize(axes, name)
      // What is read outside of an operand counts as 0.
      if (!plain) part = within(b, part, whole, from, 0, places)
      return { ...access, offset: access.offset - link.low.constant! }
    })
    parts.push(part)
    return moved
  })
  return b.contract(parts[0]!, parts[1]!, {
    axes: axes.map((a): ContractAxis => (a.name === name ? { name, size: count } : a)),
    left: sides[0]!,
    right: sides[1]!,
    output,
  })
}

const axisSize = (axes: readonly ContractAxis[], name: string): Dim => axes.find((a) => a.name === name)!.size
