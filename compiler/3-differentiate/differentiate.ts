/**
 * A loss → its gradients, as further nodes of the same graph: reverse mode, each op's row giving the cotangents of its
 * operands. The result is an ordinary graph, so it can be differentiated again.
 */
import type { Node } from '../ir/graph.ts'
import type { GraphBuilder } from '../ops/builder.ts'
import type { CarryTarget } from '../ops/carry-target.ts'
import { asGradient, type PullbackOptions, pullback } from '../ops/pullback.ts'

/**
 * The gradient of the loss (the sum of its elements) with respect to each node, and to each carry after every step of its
 * recurrence; zeros where it does not depend on it.
 */
export function differentiate(
  builder: GraphBuilder,
  loss: Node,
  wrt: readonly (Node | CarryTarget)[],
  options: PullbackOptions = {},
): Node[] {
  const seed = builder.withOrigin(asGradient(builder.origins.get(loss)), () => builder.full(loss.shape, 1))
  const found = pullback(builder, new Map([[loss, seed]]), wrt, options)
  return wrt.map(({ shape }, i) => found[i] ?? builder.full(shape, 0))
}
