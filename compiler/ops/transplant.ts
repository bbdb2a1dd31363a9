/** Copies the nodes behind some roots into another builder, putting given nodes in the place of others. */
import type { Node, Origins } from '../ir/graph.ts'
import type { GraphBuilder } from './builder.ts'

/** Maps every node reached, down to the replaced ones, to its copy; origins go along. */
export function transplant(
  builder: GraphBuilder,
  roots: readonly Node[],
  origins: Origins,
  replacements: ReadonlyMap<Node, Node> = new Map(),
): ReadonlyMap<Node, Node> {
  const copies = new Map(replacements)
  transplantInto(copies, builder, roots, origins)
  return copies
}

/** The same, where what was copied before is known, and what is copied now is added to it. */
export function transplantInto(
  copies: Map<Node, Node>,
  builder: GraphBuilder,
  roots: readonly Node[],
  origins: Origins,
): void {
  const reached = new Set<Node>()
  const pending = [...roots]
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (reached.has(node) || copies.has(node)) continue
    reached.add(node)
    const { operands } = node
    for (let at = 0; at < operands.length; at++) pending.push(operands[at]!)
  }
  const nodes = reached.size > 1 ? [...reached].sort((a, b) => a.id - b.id) : reached
  for (const node of nodes) {
    const operands = node.operands.map((operand) => copies.get(operand)!)
    copies.set(node, builder.copyFrom(origins.get(node), node, operands))
  }
}
