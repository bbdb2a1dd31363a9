/** One sweep: each node of a graph, operands first, is copied and rewritten by rules until none applies. */
import { type Graph, knowNodes, type Node, nodesIn, nodesOf, type Origins, type Result } from '../ir/graph.ts'
import { OriginLists } from '../ir/origins.ts'
import { GraphBuilder } from '../ops/builder.ts'
import type { Rewrite, RuleTable } from './rules.ts'

/** Rewrites of one node in one sweep: the rules shrink what they touch, so this is never met. */
const maxRewrites = 1000

/** What a sweep found of a graph. Of another one of the same nodes, with other results, it finds the same where no rule is told otherwise. */
export interface Sweep {
  readonly nodes: readonly Node[]
  readonly users: Uint32Array
  /** Of a node of the graph, by its id, what it has become. */
  readonly became: readonly (Node | undefined)[]
  /** Of what nodes have become, by id: whether a rule asked if it is shared. */
  readonly asked: readonly (boolean | undefined)[]
  /** What became of nodes that a rule was told are shared. */
  readonly held: readonly Node[]
  readonly origins: Origins
  /** Whether any rule applied. */
  readonly changed: boolean
}

export function sweepOver(graph: Graph, table: RuleTable, nodes: readonly Node[] = nodesWithReplaced(graph)): Sweep {
  const builder = new GraphBuilder()
  const users = countUsers(graph, nodes)
  const became = new Array<Node | undefined>(users.length)
  /** Of a node of the new graph, by its id, its final form. */
  const settled: (Node | undefined)[] = []
  /** Nodes that are read more than once, and those that an old one has become: what two have become has the users of both. */
  const shared: (boolean | undefined)[] = []
  const owned: (boolean | undefined)[] = []
  const asked: (boolean | undefined)[] = []
  const held = new Set<Node>()
  const isShared = (node: Node): boolean => {
    put(asked, node.id, true)
    const answer = shared[node.id] === true || settled[node.id] === undefined
    if (answer) held.add(node)
    return answer
  }
  const rewrite: Rewrite = { builder, isShared }
  let changed = false
  let rewrites = 0

  /** The final form of a node of the new graph whose operands have theirs. */
  const rewritten = (node: Node): Node => {
    let result = node
    const rules = table(node)
    for (let at = 0; at < rules.length; at++) {
      const replacement = rules[at]!.apply(node as never, rewrite)
      if (!replacement || replacement === node) continue
      if (++rewrites > maxRewrites) throw new Error(`the rule ${rules[at]!.name} rewrites without end`)
      changed = true
      result = settle(replacement)
      break
    }
    return result
  }
  const settle = (node: Node): Node => {
    const known = settled[node.id]
    if (known) return known
    let operands: Node[] | undefined
    for (let at = 0; at < node.operands.length; at++) {
      const operand = settle(node.operands[at]!)
      if (operand === node.operands[at]) continue
      operands ??= node.operands.slice()
      operands[at] = operand
    }
    // Told of once more, if it stays what it is.
    if (!operands) builder.met(node)
    const made = operands ? builder.copy(node, operands) : node
    const result = settled[made.id] ?? rewritten(made)
    put(settled, node.id, result)
    put(settled, result.id, result)
    return result
  }
  const copied = (node: Node): Node => {
    const made = builder.copy(node, operandsAs(node, became))
    const result = settled[made.id] ?? rewritten(made)
    put(settled, result.id, result)
    return result
  }
  for (const node of nodes) {
    rewrites = 0
    builder.comeFrom(graph.origins.get(node))
    const result = copied(node)
    became[node.id] = result
    if (users[node.id]! > 1 || owned[result.id]) put(shared, result.id, true)
    put(owned, result.id, true)
  }
  return {
    nodes,
    users,
    became,
    asked,
    held: [...held].map((node) => settled[node.id] ?? node),
    origins: builder.origins,
    changed,
  }
}

/** Whether a sweep over a graph would be the same: over the same nodes, with no other answer to any question. */
export function holdsFor(sweep: Sweep, graph: Graph, nodes: readonly Node[]): boolean {
  if (nodes.length !== sweep.nodes.length) return false
  for (let at = 0; at < nodes.length; at++) if (nodes[at] !== sweep.nodes[at]) return false
  const users = countUsers(graph, nodes)
  for (const { id } of nodes)
    if (users[id]! > 1 !== sweep.users[id]! > 1 && sweep.asked[sweep.became[id]!.id]) return false
  return true
}

export interface Swept {
  readonly graph: Graph
  readonly changed: boolean
  /** Whether rules, which have all been tried on every node that is left, could be told something else the next time. */
  readonly mayChange: boolean
}

export function sweptGraph({ name, results }: Graph, { became, held, origins, changed }: Sweep): Swept {
  const graph: Graph = { name, results: resultsAs(results, (node) => became[node.id]!), origins }
  return { graph, changed, mayChange: held.length > 0 && areFree(graph, held) }
}

/** What its operands have become; lists written down are no longer than they need be. */
function operandsAs({ operands }: Node, became: readonly (Node | undefined)[]): readonly Node[] {
  const x = operands[0]
  const y = operands[1]
  switch (operands.length) {
    case 0:
      return operands
    case 1:
      return [became[x!.id]!]
    case 2:
      return [became[x!.id]!, became[y!.id]!]
    default:
      return operands.map(({ id }) => became[id]!)
  }
}

/** Writes into a list that may not be as long yet. */
function put<T>(list: (T | undefined)[], at: number, value: T): void {
  while (list.length < at) list.push(undefined)
  list[at] = value
}

/** Whether any of the nodes is read once at most. */
function areFree(graph: Graph, nodes: readonly Node[]): boolean {
  const users = countUsers(graph, nodesIn(graph))
  return nodes.some(({ id }) => users[id] === 1)
}

/** The same with ids one after another, and without what no result needs. */
export function renumbered(graph: Graph): Graph {
  const nodes = nodesWithReplaced(graph)
  const copies = new Array<Node | undefined>(nodes.length === 0 ? 0 : nodes.at(-1)!.id + 1)
  const made: Node[] = []
  const origins = new OriginLists()
  for (let id = 0; id < nodes.length; id++) {
    const node = nodes[id]!
    const operands = operandsAs(node, copies)
    const { op, attributes, shape, dtype, likeness } = node
    const copy = Object.freeze({ id, op, operands, attributes, shape, dtype, likeness }) as Node
    copies[node.id] = copy
    made.push(copy)
    const known = graph.origins.get(node)
    if (known) origins.set(copy, known)
  }
  const result = { name: graph.name, results: resultsAs(graph.results, (node) => copies[node.id]!), origins }
  if (isRead(result)) knowNodes(result, made)
  return result
}

export const resultsAs = (results: Graph['results'], as: (node: Node) => Node): Result[] =>
  results.map(
    ({ replaces, ...result }): Result => ({
      ...result,
      node: as(result.node),
      ...(replaces && { replaces: as(replaces) }),
    }),
  )

/** What is replaced need not be read. */
export const nodesWithReplaced = (graph: Graph): readonly Node[] =>
  isRead(graph)
    ? nodesIn(graph)
    : nodesOf([...graph.results, ...graph.results.flatMap(({ replaces }) => (replaces ? [{ node: replaces }] : []))])

/** Whether a graph replaces nothing, so that all its nodes are read. */
const isRead = ({ results }: Graph): boolean => results.every(({ replaces }) => !replaces)

/** How many nodes and results read each node, by its id. */
function countUsers(graph: Graph, nodes: readonly Node[]): Uint32Array {
  const users = new Uint32Array(nodes.length === 0 ? 0 : nodes.at(-1)!.id + 1)
  for (const { operands } of nodes) for (let at = 0; at < operands.length; at++) users[operands[at]!.id]!++
  for (const { node } of graph.results) users[node.id]!++
  return users
}
