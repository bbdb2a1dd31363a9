/**
 * A node → how its elements are read: for each operand axis the result axis that its index comes from, and by how much
 * the two differ. `y[t] = Σ_k x[t + k - 2] · w[k]` links axis 0 of x to axis 0 of y, 2 to 0 places before.
 */
import { add, type Dim, dim, multiply, one, product, scale, subtract, zero } from '../../ir/dim.ts'
import type { Node } from '../../ir/graph.ts'
import type { Access, ContractAxis } from '../contract.ts'
import { lowerOf } from '../registry.ts'

export interface Link {
  readonly operand: number
  readonly axis: number
  /** `undefined`: every element along the axis may be read. */
  readonly result: number | undefined
  /** Index of the operand = index of the result + s, low ≤ s ≤ high. */
  readonly low: Dim
  readonly high: Dim
  /** The axis of a contraction that is summed over here, and what must be added to it for the operand's index. */
  readonly summed?: { readonly name: string; readonly offset: number }
}

export function linksOf(node: Node): readonly Link[] {
  const { operands } = node
  const all = (operand: number) => operands[operand]!.shape.map((_, axis) => axis)
  const to = (operand: number, axis: number, result: number | undefined, low = zero, high = low): Link => ({
    operand,
    axis,
    result,
    low,
    high,
  })
  const same = (operand: number) => all(operand).map((axis) => to(operand, axis, axis))
  const kind = lowerOf(node).kind
  if (kind === 'map') return operands.flatMap((_, operand) => same(operand))
  switch (node.op) {
    case 'reshape':
      return all(0).map((axis) => to(0, axis, axisAfterReshape(operands[0]!.shape, node.shape, axis)))
    case 'permute':
      return all(0).map((axis) => to(0, axis, node.attributes.order.indexOf(axis)))
    case 'broadcast':
      return all(0).map((axis) => to(0, axis, node.attributes.axes[axis]))
    case 'slice': {
      const { starts, steps } = node.attributes
      return all(0).map((axis) => (steps[axis] === 1 ? to(0, axis, axis, starts[axis]) : to(0, axis, undefined)))
    }
    case 'pad':
      return all(0).map((axis) => to(0, axis, axis, negative(node.attributes.low[axis]!)))
    case 'concat': {
      let start = zero
      return operands.flatMap((part, operand) => {
        const shift = negative(start)
        start = add(start, part.shape[node.attributes.axis]!)
        return all(operand).map((axis) => to(operand, axis, axis, axis === node.attributes.axis ? shift : zero))
      })
    }
    case 'window': {
      const { axis: along, size, stride, dilation, low } = node.attributes
      return all(0).map((axis) => {
        if (axis !== along) return to(0, axis, axis > along ? axis + 1 : axis)
        return stride === 1 ? to(0, axis, axis, dim(-low), dim((size - 1) * dilation - low)) : to(0, axis, undefined)
      })
    }
    case 'fold': {
      const along = node.attributes.axis
      return all(0).map((axis) =>
        to(0, axis, axis === along || axis === along + 1 ? undefined : axis > along ? axis - 1 : axis),
      )
    }
    case 'reduce_sum':
    case 'reduce_max':
    case 'reduce_min':
    case 'argmax':
    case 'argmin': {
      const kept = all(0).filter((axis) => !node.attributes.axes.includes(axis))
      return all(0).map((axis) => to(0, axis, kept.includes(axis) ? kept.indexOf(axis) : undefined))
    }
    case 'cumsum':
      // An element reads those before it along the axis: that is known by the op, not by a link.
      return all(0).map((axis) =>
        to(0, axis, axis === node.attributes.axis && node.attributes.reverse ? undefined : axis),
      )
    case 'gather': {
      const { axis: along } = node.attributes
      const rank = operands[1]!.shape.length
      return [
        ...all(0).map((axis) => to(0, axis, axis === along ? undefined : axis > along ? axis + rank - 1 : axis)),
        ...all(1).map((axis) => to(1, axis, along + axis)),
      ]
    }
    case 'scatter_add': {
      const { axis: along } = node.attributes
      const rank = operands[1]!.shape.length
      return [
        ...all(0).map((axis) => to(0, axis, axis < along ? axis : axis >= along + rank ? axis - rank + 1 : undefined)),
        ...all(1).map((axis) => to(1, axis, undefined)),
      ]
    }
    case 'contract': {
      const { axes, left, right, output } = node.attributes
      return [left, right].flatMap((accesses, operand) =>
        accesses.map((access, axis) => ({ ...to(operand, axis, undefined), ...accessLink(access, axes, output) })),
      )
    }
    default:
      return operands.flatMap((_, operand) => all(operand).map((axis) => to(operand, axis, undefined)))
  }
}

export const negative = (d: Dim): Dim => scale(d, -1)

/** Where an axis goes that a reshape leaves whole. */
function axisAfterReshape(from: readonly Dim[], to: readonly Dim[], axis: number): number | undefined {
  if (from[axis] === one) return undefined
  const before = product(from.slice(0, axis))
  const at = to.findIndex((size, i) => size === from[axis] && product(to.slice(0, i)) === before)
  return at === -1 ? undefined : at
}

/** One axis of the result, read at every place or at a few beside it; or one that is summed over. */
function accessLink(
  { terms, offset, divisor }: Access,
  axes: readonly ContractAxis[],
  output: readonly string[],
): Partial<Link> {
  if (divisor !== 1) return {}
  const [only] = terms
  if (terms.length === 1 && only!.stride === 1 && !output.includes(only!.axis))
    return { summed: { name: only!.axis, offset } }
  const kept = terms.filter(({ axis, stride }) => stride === 1 && output.includes(axis))
  const sizeOf = (name: string) => axes.find((axis) => axis.name === name)!.size
  const [main] = kept.filter(({ axis }) => terms.every((t) => t.axis === axis || sizeOf(t.axis).constant !== undefined))
  if (!main) return {}
  let low = dim(offset)
  let high = dim(offset)
  for (const { axis, stride } of terms) {
    if (axis === main.axis) continue
    const reach = multiply(dim(stride), subtract(sizeOf(axis), one))
    if (stride > 0) high = add(high, reach)
    else low = add(low, reach)
  }
  return { result: output.indexOf(main.axis), low, high }
}
