/** A graph as fusion asks about it: what stays the same in every round of the search. */
import { type Graph, type Node, nodesIn } from '../ir/graph.ts'
import { isContraction } from '../ops/structure.ts'
import { readRepeatedly } from './crossing.ts'
import { type Softmax, softmaxBefore } from './softmax.ts'

export interface Subject {
  readonly graph: Graph
  /** Operands first. */
  readonly nodes: readonly Node[]
  readonly position: ReadonlyMap<Node, number>
  readonly consumers: ReadonlyMap<Node, readonly Node[]>
  readonly results: ReadonlySet<Node>
  /** Nodes that contractions read, each element many times. */
  readonly repeated: ReadonlySet<Node>
  /** The softmax whose weights a contraction sums with. */
  readonly softmax: ReadonlyMap<Node, Softmax>
}

export function subjectOf(graph: Graph): Subject {
  const nodes = nodesIn(graph)
  const position = new Map<Node, number>()
  const consumers = new Map<Node, Node[]>()
  for (let at = 0; at < nodes.length; at++) {
    const node = nodes[at]!
    position.set(node, at)
    consumers.set(node, [])
    for (const operand of node.operands) {
      const readers = consumers.get(operand)!
      if (readers.at(-1) !== node) readers.push(node)
    }
  }
  const softmax = new Map<Node, Softmax>()
  for (const node of nodes) {
    const found = isContraction(node) ? softmaxBefore(node, consumers) : undefined
    if (found) softmax.set(node, found)
  }
  const results = new Set(graph.results.map(({ node }) => node))
  return { graph, nodes, position, consumers, results, repeated: readRepeatedly(nodes, consumers), softmax }
}
