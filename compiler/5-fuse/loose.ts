/** Reductions that are no more than a few operations at each element, and are repeated like elementwise work. */
import type { Node } from '../ir/graph.ts'
import { dependsOnAxes } from '../ops/independence.ts'
import type { Combine } from '../ops/op.ts'
import { lowerOf } from '../ops/registry.ts'
import { coveringWindows, reducedAxes } from '../ops/structure.ts'

/** A sum of equal elements is a multiplication; a fold of windows that overlap little, a sum of two or three. */
export function isLooseReduction(node: Node): boolean {
  const lowering = lowerOf(node)
  if (lowering.kind !== 'reduce') return false
  let loose = known.get(node)
  if (loose === undefined) {
    loose = isLoose(node, lowering.combine)
    known.set(node, loose)
  }
  return loose
}
const known = new WeakMap<Node, boolean>()

function isLoose(node: Node, combine: Combine): boolean {
  const axes = reducedAxes(node)
  return axes ? combine === 'sum' && !dependsOnAxes(node.operands[0]!, axes) : coveringWindows(node) <= 3
}
