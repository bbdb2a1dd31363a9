/** Copies the nodes behind some roots into another builder, putting given nodes in the place of others. */
import type { Node, Origin } from '../ir/graph.ts'
import { nodesOf } from '../ir/graph.ts'
import type { GraphBuilder } from './builder.ts'

/** Maps every node reached to its copy; origins go along. */
export function transplant(
  builder: GraphBuilder,
  roots: readonly Node[],
  origins: ReadonlyMap<Node, readonly Origin[]>,
  replacements: ReadonlyMap<Node, Node> = new Map(),
): ReadonlyMap<Node, Node> {
  const copies = new Map(replacements)
  for (const node of nodesOf(roots.map((root) => ({ node: root })))) {
    if (copies.has(node)) continue
    const operands = node.operands.map((operand) => copies.get(operand)!)
    copies.set(
      node,
      builder.withOrigin(origins.get(node)?.[0], () => builder.node(node.op, operands, node.attributes as never)),
    )
  }
  return copies
}
