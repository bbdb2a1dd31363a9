/**
 * A join of many parts becomes a tree of joins of few: a kernel that read them all at once would bind too many tensors.
 * `concat(a, …, z)` → `concat(concat(a, …, f), …)`.
 */
import type { Graph, Node } from '../ir/graph.ts'
import { rebuild, type Rebuilt } from './rebuild.ts'

export function narrowJoins(graph: Graph, most: number): Rebuilt {
  const isWide = (node: Node): node is Node<'concat'> => node.op === 'concat' && node.operands.length > most
  return rebuild(graph, isWide, (builder, node, operands) => {
    let parts = operands
    while (parts.length > most) {
      const joined: Node[] = []
      for (let at = 0; at < parts.length; at += most) joined.push(builder.concat(parts.slice(at, at + most), (node as Node<'concat'>).attributes.axis))
      parts = joined
    }
    return builder.concat(parts, (node as Node<'concat'>).attributes.axis)
  })
}
