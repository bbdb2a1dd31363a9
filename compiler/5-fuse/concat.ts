/**
 * A join of many parts becomes a tree of joins of few: a kernel that read them all at once would bind too many tensors.
 * `concat(a, …, z)` → `concat(concat(a, …, f), …)`.
 */
import { type Graph, type Node, nodesOf } from '../ir/graph.ts'
import { GraphBuilder } from '../ops/builder.ts'
import { transplant } from '../ops/transplant.ts'

export function narrowJoins(graph: Graph, most: number): Graph {
  const wide = nodesOf(graph.results).filter((node): node is Node<'concat'> => node.op === 'concat' && node.operands.length > most)
  if (wide.length === 0) return graph
  const builder = GraphBuilder.continuing(graph.results, graph.origins)
  let replacements = new Map<Node, Node>()
  let roots = graph.results.map(({ node }) => node)
  for (const node of wide) {
    // Earlier replacements may lie behind this join's parts.
    const parts = [...transplantAll(builder, node.operands, graph, replacements)]
    let row = parts
    const { axis } = node.attributes
    while (row.length > most) {
      const next: Node[] = []
      for (let at = 0; at < row.length; at += most) {
        const some = row.slice(at, at + most)
        next.push(some.length === 1 ? some[0]! : builder.node('concat', some, { axis }))
      }
      row = next
    }
    replacements = new Map([...replacements, [node, builder.withOrigin(graph.origins.get(node), () => builder.node('concat', row, { axis }))]])
  }
  roots = [...transplantAll(builder, roots, graph, replacements)]
  return { ...graph, results: graph.results.map((result, at) => ({ ...result, node: roots[at]! })), origins: builder.origins }
}

function transplantAll(builder: GraphBuilder, nodes: readonly Node[], graph: Graph, replacements: ReadonlyMap<Node, Node>): Node[] {
  const copies = transplant(builder, nodes, graph.origins, replacements)
  return nodes.map((node) => copies.get(node)!)
}
