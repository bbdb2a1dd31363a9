/** Reductions that are no more than a few operations at each element, and are repeated like elementwise work. */
import type { Node } from '../ir/graph.ts'
import { dependsOnAxes } from '../ops/independence.ts'
import { lowerOf } from '../ops/registry.ts'
import { coveringWindows, reducedAxes } from '../ops/structure.ts'

/** A sum of equal elements is a multiplication; a fold of windows that overlap little, a sum of two or three. */
export function isLooseReduction(node: Node): boolean {
  const lowering = lowerOf(node)
  if (lowering.kind !== 'reduce') return false
  const axes = reducedAxes(node)
  return axes ? lowering.combine === 'sum' && !dependsOnAxes(node.operands[0]!, axes) : coveringWindows(node) <= 3
}
