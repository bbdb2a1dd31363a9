/** Rewrites of a graph before it is grouped: some nodes are replaced, everything else stays the same node. */
import { type Graph, type Node, nodesIn } from '../ir/graph.ts'
import { GraphBuilder } from '../ops/builder.ts'

export interface Rebuilt {
  readonly graph: Graph
  /** For each node that took another's place, the one it stands for. */
  readonly originals: ReadonlyMap<Node, Node>
}

/** `replace` gets each node with its operands already rewritten, and gives what stands in its place. */
export function rebuild(
  graph: Graph,
  wanted: (node: Node) => boolean,
  replace: (builder: GraphBuilder, node: Node, operands: readonly Node[]) => Node,
): Rebuilt {
  const nodes = nodesIn(graph)
  if (!nodes.some(wanted)) return { graph, originals: new Map() }
  const builder = GraphBuilder.continuing(graph.results, graph.origins)
  const copies = new Map<Node, Node>()
  for (const node of nodes) {
    const operands = node.operands.map((operand) => copies.get(operand)!)
    const changed = operands.some((operand, at) => operand !== node.operands[at])
    if (!wanted(node) && !changed) {
      copies.set(node, node)
      continue
    }
    const make = () => (wanted(node) ? replace(builder, node, operands) : builder.copy(node, operands))
    copies.set(node, builder.withOrigin(graph.origins.get(node), make as () => Node))
  }
  const results = graph.results.map((result) => ({ ...result, node: copies.get(result.node)! }))
  const originals = new Map(
    [...copies].filter(([before, after]) => before !== after).map(([before, after]) => [after, before]),
  )
  return { graph: { ...graph, results, origins: builder.origins }, originals }
}
