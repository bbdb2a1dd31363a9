/** A recurrence of a fixed number of turns → its turns one after another, each a copy of the body. */
import { dim, one, zero } from '../../ir/dim.ts'
import type { Graph, Node } from '../../ir/graph.ts'
import { nodesOf } from '../../ir/graph.ts'
import { GraphBuilder } from '../builder.ts'
import { lowerOf } from '../registry.ts'
import { scanOperands } from '../scan.ts'
import { transplant } from '../transplant.ts'

export function unrolled(graph: Graph, scan: Node<'scan'>): Graph {
  const b = new GraphBuilder()
  const { body, length, reverse } = scan.attributes
  const turns = length.constant!
  const copies = transplant(b, scan.operands, graph.origins)
  const { stacks, initials, captures } = scanOperands(
    scan.operands.map((operand) => copies.get(operand)!),
    body,
  )
  let carries = initials
  const yields: Node[][] = body.yields.map(() => [])
  for (let turn = 0; turn < turns; turn++) {
    const at = reverse ? turns - 1 - turn : turn
    const leaves = new Map<Node, Node>([
      ...body.elements.map((leaf, i) => [leaf, elementAt(b, stacks[i]!, at, leaf)] as const),
      ...body.carries.map((leaf, i) => [leaf, carries[i]!] as const),
      ...body.captures.map((leaf, i) => [leaf, captures[i]!] as const),
    ])
    const made = transplant(b, [...body.next, ...body.yields], body.origins, leaves)
    carries = body.next.map((node) => made.get(node)!)
    for (const [i, node] of body.yields.entries()) yields[i]![at] = b.reshape(made.get(node)!, [one, ...node.shape])
  }
  const results = new Map<Node, Node>()
  for (const node of nodesOf(graph.results))
    if (lowerOf(node).kind === 'project' && node.operands[0] === scan) {
      const { index } = node.attributes as { readonly index: number }
      const stacked = yields[index - carries.length]
      results.set(
        node,
        stacked ? (turns === 0 ? b.full(node.shape, 0, node.dtype) : b.concat(stacked, 0)) : carries[index]!,
      )
    }
  const moved = transplant(
    b,
    graph.results.map(({ node }) => node),
    graph.origins,
    results,
  )
  return b.graph(
    graph.name,
    graph.results.map((result) => ({ ...result, node: moved.get(result.node)! })),
  )
}

function elementAt(b: GraphBuilder, stack: Node, at: number, leaf: Node): Node {
  const starts = stack.shape.map((_, axis) => (axis === 0 ? dim(at) : zero))
  return b.reshape(b.slice(stack, starts, stack.shape.with(0, one)), leaf.shape)
}
