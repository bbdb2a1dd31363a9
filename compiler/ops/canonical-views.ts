/** Views in their shortest form, where that is exact: identities vanish, a view of the same view is one view. */
import { add, type Dim, one, sameDims, scale, zero } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import type { GraphBuilder } from './builder.ts'

export function reshapeNode(b: GraphBuilder, x: Node, shape: readonly Dim[]): Node {
  if (sameDims(x.shape, shape)) return x
  if (x.op === 'reshape') return reshapeNode(b, x.operands[0]!, shape)
  return b.node('reshape', [x], { shape })
}

export function permuteNode(b: GraphBuilder, x: Node, order: readonly number[]): Node {
  if (order.length === x.shape.length && order.every((axis, at) => axis === at)) return x
  if (x.op === 'permute') {
    const first = x.attributes.order
    return permuteNode(
      b,
      x.operands[0]!,
      order.map((axis) => first[axis]!),
    )
  }
  return b.node('permute', [x], { order })
}

export function broadcastNode(b: GraphBuilder, x: Node, shape: readonly Dim[], axes: readonly number[]): Node {
  if (axes.length === shape.length && sameDims(x.shape, shape)) return x
  if (x.op === 'broadcast')
    return broadcastNode(
      b,
      x.operands[0]!,
      shape,
      x.attributes.axes.map((axis) => axes[axis]!),
    )
  return b.node('broadcast', [x], { shape, axes })
}

export function sliceNode(
  b: GraphBuilder,
  x: Node,
  starts: readonly Dim[],
  sizes: readonly Dim[],
  steps: readonly number[],
): Node {
  if (sameDims(x.shape, sizes) && starts.every((start) => start === zero) && steps.every((step) => step === 1)) return x
  if (x.op === 'slice' && sizes.every((size) => size !== zero)) {
    const outer = x.attributes
    return sliceNode(
      b,
      x.operands[0]!,
      starts.map((start, axis) => add(outer.starts[axis]!, scale(start, outer.steps[axis]!))),
      sizes,
      steps.map((step, axis) => step * outer.steps[axis]!),
    )
  }
  // A single element has no step, so equal slices look equal.
  return b.node('slice', [x], { starts, sizes, steps: steps.map((step, axis) => (sizes[axis] === one ? 1 : step)) })
}
