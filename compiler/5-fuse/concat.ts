/**
 * A join of many parts becomes a tree of joins of few: a kernel that read them all at once would bind too many tensors.
 * `concat(a, …, z)` → `concat(concat(a, …, f), …)`.
 */
import type { Graph, Node } from '../ir/graph.ts'
import { lowerOf } from '../ops/registry.ts'
import { type Rebuilt, rebuild } from './rebuild.ts'

export function narrowJoins(graph: Graph, most: number): Rebuilt {
  const isWide = (node: Node) => lowerOf(node).kind === 'view' && node.operands.length > most
  return rebuild(graph, isWide, (builder, node, operands) => {
    const join = (some: readonly Node[]): Node =>
      some.length === 1 ? some[0]! : builder.node(node.op, some, node.attributes as never)
    let parts = operands
    while (parts.length > most) {
      const joined: Node[] = []
      for (let at = 0; at < parts.length; at += most) joined.push(join(parts.slice(at, at + most)))
      parts = joined
    }
    return join(parts)
  })
}
