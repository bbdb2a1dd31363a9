/** Reductions that are no more than a few operations at each element, and are repeated like elementwise work. */
import { ceilQuotient, dim } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import { lowerOf } from '../ops/registry.ts'
import { reducedAxes } from './element.ts'
import { dependsOnAxes } from './independence.ts'

/** A sum of equal elements is a multiplication; a fold of windows that overlap little, a sum of two or three. */
export function isLooseReduction(node: Node): boolean {
  const lowering = lowerOf(node)
  if (lowering.kind !== 'reduce') return false
  if (node.op === 'fold') return foldTries(node) <= 3
  return lowering.combine === 'sum' && !dependsOnAxes(node.operands[0]!, reducedAxes(node))
}

/** Windows that cover one element. */
export function foldTries(node: Node<'fold'>): number {
  const { axis, stride, dilation } = node.attributes
  const size = node.operands[0]!.shape[axis + 1]!
  return (dilation === 1 ? ceilQuotient(size, dim(stride)) : size).constant ?? Number.POSITIVE_INFINITY
}
