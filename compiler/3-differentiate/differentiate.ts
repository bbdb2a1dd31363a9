/**
 * A loss → its gradients, as further nodes of the same graph: reverse mode, each op's row giving the cotangents of its
 * operands. The result is an ordinary graph, so it can be differentiated again.
 *
 * Only nodes between `wrt` and the loss are visited, and a cotangent that is zero is never written down.
 */
import { type Node, nodesOf, type Origin } from '../ir/graph.ts'
import type { GraphBuilder } from '../ops/builder.ts'
import { opOf } from '../ops/registry.ts'

/** The gradient of the loss (the sum of its elements) with respect to each node; zeros where it does not depend on it. */
export function differentiate(builder: GraphBuilder, loss: Node, wrt: readonly Node[]): Node[] {
  const path = between(wrt, loss)
  const wanted = new Set(wrt)
  const found = new Map<Node, Node>()
  const cotangents = new Map<Node, Node>()
  const seed = () => builder.full(loss.shape, 1)
  if (path.has(loss)) cotangents.set(loss, builder.withOrigin(asGradient(builder.origins.get(loss)), seed))

  // Descending ids: when a node's turn comes, all its consumers have added to its cotangent.
  for (const node of [...path].sort((a, b) => b.id - a.id)) {
    const cotangent = cotangents.get(node)
    cotangents.delete(node)
    if (!cotangent) continue
    if (wanted.has(node)) found.set(node, cotangent)
    const { gradient } = opOf(node)
    if (!gradient) continue
    builder.withOrigin(asGradient(builder.origins.get(node)), () => {
      const parts = gradient(builder, node, cotangent, node.attributes as never)
      for (const [index, operand] of node.operands.entries()) {
        const part = parts[index]
        if (!part || !path.has(operand)) continue
        const sum = cotangents.get(operand)
        cotangents.set(operand, sum ? builder.add(sum, part) : part)
      }
    })
  }
  return wrt.map((node) => found.get(node) ?? builder.full(node.shape, 0))
}

/** The float nodes that depend on one of `wrt` and that the loss depends on. */
function between(wrt: readonly Node[], loss: Node): Set<Node> {
  const found = new Set<Node>()
  const starts = new Set(wrt)
  for (const node of nodesOf([{ node: loss }]))
    if (node.dtype === 'float' && (starts.has(node) || node.operands.some((operand) => found.has(operand))))
      found.add(node)
  return found
}

const asGradient = (origins: readonly Origin[] | undefined): readonly Origin[] =>
  (origins ?? []).map((origin) => ({ ...origin, role: 'gradient' }))
