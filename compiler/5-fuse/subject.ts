/** A graph as fusion asks about it: what stays the same in every round of the search. */
import { type Graph, type Node, nodesIn } from '../ir/graph.ts'
import type { Lowering } from '../ops/op.ts'
import { isContraction } from '../ops/structure.ts'
import { readRepeatedly } from './crossing.ts'
import type { NodeKinds } from './node-kinds.ts'
import { NodeSet } from './node-set.ts'
import { type Softmax, softmaxBefore } from './softmax.ts'

/** Who reads each node, by its id, in the order of the graph. */
export type Consumers = readonly (readonly Node[] | undefined)[]

export interface Subject {
  readonly graph: Graph
  /** Operands first. */
  readonly nodes: readonly Node[]
  /** More than the greatest id: the length of lists by id. */
  readonly length: number
  readonly consumers: Consumers
  /** By id. */
  readonly lowerings: readonly Lowering[]
  /** How many elements each node has, estimated, by id. */
  readonly elements: readonly number[]
  readonly results: NodeSet
  /** Nodes that contractions read, each element many times. */
  readonly repeated: NodeSet
  /** The softmax whose weights a contraction sums with. */
  readonly softmax: ReadonlyMap<Node, Softmax>
}

export function subjectOf(graph: Graph, kinds: NodeKinds): Subject {
  const nodes = nodesIn(graph)
  const length = nodes.length === 0 ? 0 : nodes[nodes.length - 1]!.id + 1
  const consumers = new Array<Node[] | undefined>(length)
  const lowerings = new Array<Lowering>(length)
  const elements = new Array<number>(length)
  for (let at = 0; at < nodes.length; at++) {
    const node = nodes[at]!
    const { id, operands } = node
    consumers[id] = []
    lowerings[id] = kinds.loweringOf(node)
    elements[id] = kinds.elementsOf(node)
    for (let o = 0; o < operands.length; o++) {
      const readers = consumers[operands[o]!.id]!
      if (readers[readers.length - 1] !== node) readers.push(node)
    }
  }
  const softmax = new Map<Node, Softmax>()
  for (const node of nodes) {
    const found = isContraction(node) ? softmaxBefore(node, consumers) : undefined
    if (found) softmax.set(node, found)
  }
  const results = new NodeSet(length)
  for (const { node } of graph.results) results.add(node)
  const repeated = readRepeatedly(nodes, length, consumers, lowerings)
  return { graph, nodes, length, consumers, lowerings, elements, results, repeated, softmax }
}
