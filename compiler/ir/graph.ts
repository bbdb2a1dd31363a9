/**
 * The tensor graph: an SSA graph of primitives over tensors with symbolic dims.
 *
 * *Invariant:* nodes are immutable and interned per builder: equal (op, operands, attributes) are one node, so common
 * subexpressions are `===`. *Invariant:* `id`s grow along every edge, so ascending id is a topological order.
 * *Invariant:* provenance lives beside the graph, never in a node, so that interning cannot be defeated by spans.
 */
import type { Span } from '../../grammar/source.ts'
import type { OpAttributes, OpName } from '../ops/registry.ts'
import type { Dim } from './dim.ts'

/**
 * `float` is the model's number (its storage is the precision policy's business); `int` is a 32-bit signed integer;
 * `uint` carries random bits and keys; `bool` is a truth value.
 */
export type DType = 'float' | 'int' | 'uint' | 'bool'

/** Where a node came from: the source that made it, the module path, and which derivation added it. */
export interface Origin {
  readonly span: Span
  /** `encoder.block[3].attention`; empty at the top of a model. */
  readonly path: string
  readonly role: 'forward' | 'gradient' | 'update'
}

/** The origins of nodes; none is known of nodes that are not of the graph. */
export interface Origins {
  readonly get: (node: Node) => readonly Origin[] | undefined
}

export type Node<Op extends OpName = OpName> = { [P in Op]: NodeOf<P> }[Op]

interface NodeOf<P extends OpName> {
  readonly id: number
  readonly op: P
  readonly operands: readonly Node[]
  readonly attributes: OpAttributes[P]
  readonly shape: readonly Dim[]
  readonly dtype: DType
  /** A number that nodes of the same op and equal attributes have in common, and few others. */
  readonly likeness: number
}

/** A named value at the boundary of a graph. */
export interface Port {
  readonly name: string
  readonly node: Node
}

/**
 * One compiled function: a graph with named results. Inputs are its `input`, `parameter` and `state` leaves, which
 * carry their own names. A result with `replaces` is written over the storage of that leaf (a new parameter, a state).
 */
export interface Graph {
  readonly name: string
  readonly results: readonly Result[]
  readonly origins: Origins
}

export interface Result extends Port {
  /** `cut`: a value for another part of the same graph. `half`: the parameters once more, in 16 bits. */
  readonly role:
    | 'output'
    | 'exposed'
    | 'loss'
    | 'metric'
    | 'gradient'
    | 'parameter'
    | 'state'
    | 'moment'
    | 'half'
    | 'cut'
    | 'carried'
  /** The leaf whose storage takes the value, for `parameter`, `state`, `moment`, `carried`, and the carries of a loop. */
  readonly replaces?: Node
}

/** All nodes reachable from the results, operands first. */
export function nodesOf(results: Iterable<{ readonly node: Node }>): Node[] {
  const roots: Node[] = []
  let last = -1
  for (const { node } of results) {
    roots.push(node)
    if (node.id > last) last = node.id
  }
  // No operand has a greater id.
  const byId = new Array<Node | undefined>(last + 1)
  const pending = roots.slice()
  while (pending.length > 0) {
    const node = pending.pop()!
    const known = byId[node.id]
    if (known === node) continue
    // Nodes that stand beside a graph may share an id.
    if (known !== undefined || node.id < 0) return nodesBehind(roots)
    byId[node.id] = node
    const { operands } = node
    for (let at = 0; at < operands.length; at++) pending.push(operands[at]!)
  }
  const nodes: Node[] = []
  for (let id = 0; id <= last; id++) {
    const node = byId[id]
    if (node !== undefined) nodes.push(node)
  }
  return nodes
}

function nodesBehind(roots: readonly Node[]): Node[] {
  const seen = new Set<Node>()
  const pending = roots.slice()
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (seen.has(node)) continue
    seen.add(node)
    for (const operand of node.operands) pending.push(operand)
  }
  return [...seen].sort((a, b) => a.id - b.id)
}

/** The same of a graph, found once for all passes that ask. */
export function nodesIn(graph: Graph): readonly Node[] {
  let nodes = nodeLists.get(graph)
  if (!nodes) {
    nodes = nodesOf(graph.results)
    nodeLists.set(graph, nodes)
  }
  return nodes
}
/** Whoever makes a graph may know them. */
export function knowNodes(graph: Graph, nodes: readonly Node[]): void {
  nodeLists.set(graph, nodes)
}
const nodeLists = new WeakMap<Graph, readonly Node[]>()
