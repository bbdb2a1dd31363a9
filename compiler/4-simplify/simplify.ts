/**
 * A graph → a smaller graph of the same meaning: rules rewrite nodes bottom-up until none applies. Common subexpressions
 * are one because the builder interns, dead nodes are gone because only what a result needs is built.
 */
import { type Graph, type Node, nodesOf, type Result } from '../ir/graph.ts'
import { OriginLists } from '../ir/origins.ts'
import { GraphBuilder } from '../ops/builder.ts'
import { type Rewrite, type Rule, type RuleTable, rulesByOp } from './rules.ts'
import { simplifyScans } from './scans.ts'

export interface SimplifyOptions {
  /** The rules to apply; all, in tests one. */
  readonly rules?: readonly Rule[]
}

/** Whole sweeps over the graph; a rule that was told of a node that it is shared may fire in a later one, where it is not. */
const maxSweeps = 8
/** Times that scans are looked at again. */
const maxRounds = 6
/** Rewrites of one node in one sweep: the rules shrink what they touch, so this is never met. */
const maxRewrites = 1000

export function simplify(graph: Graph, options: SimplifyOptions = {}): Graph {
  const table = rulesByOp(options.rules)
  let current = sweep(graph, table)
  if (options.rules) return current
  // What leaves a loop meets the rules outside, and what they find of it may let more leave.
  for (let round = 0; round < maxRounds; round++) {
    const next = simplifyScans(current, simplify)
    if (!next.changed) break
    current = sweep(next.graph, table)
  }
  return current
}

function sweep(graph: Graph, table: RuleTable): Graph {
  let current = graph
  for (let sweep = 0; sweep < maxSweeps; sweep++) {
    const next = sweepOnce(current, table)
    if (!next.changed) return next.graph
    if (!next.mayChange) return renumbered(next.graph)
    current = next.graph
  }
  return current
}

interface Swept {
  readonly graph: Graph
  readonly changed: boolean
  /** Whether rules, which have all been tried on every node that is left, could be told something else the next time. */
  readonly mayChange: boolean
}

function sweepOnce(graph: Graph, table: RuleTable): Swept {
  const builder = new GraphBuilder()
  const nodes = nodesWithReplaced(graph)
  const users = countUsers(graph, nodes)
  /** Of a node of the old graph, by its id, what it has become. */
  const became = new Array<Node | undefined>(users.length)
  /** Of a node of the new graph, by its id, its final form. */
  const settled: (Node | undefined)[] = []
  /** Nodes of the new graph that are read more than once, and those that an old node has become: one that two have become has the users of both. */
  const shared: boolean[] = []
  const owned: boolean[] = []
  const held = new Set<Node>()
  const isShared = (node: Node): boolean => {
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
    const rules = table(node.op)
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
    const made = builder.copy(
      node,
      node.operands.map((operand) => became[operand.id]!),
    )
    const result = settled[made.id] ?? rewritten(made)
    put(settled, result.id, result)
    return result
  }
  for (const node of nodes) {
    rewrites = 0
    const result = builder.withOrigin(graph.origins.get(node), () => copied(node))
    became[node.id] = result
    if (users[node.id]! > 1 || owned[result.id]) put(shared, result.id, true)
    put(owned, result.id, true)
  }
  const results = resultsAs(graph.results, (node) => became[node.id]!)
  const made: Graph = { name: graph.name, results, origins: builder.origins }
  return { graph: made, changed, mayChange: held.size > 0 && areFree(made, held, settled) }
}

/** Writes into a list that may not be as long yet. */
function put<T>(list: (T | undefined)[], at: number, value: T): void {
  while (list.length < at) list.push(undefined)
  list[at] = value
}

/** Whether any of the nodes, as they are now, is read once at most. */
function areFree(graph: Graph, nodes: ReadonlySet<Node>, settled: readonly (Node | undefined)[]): boolean {
  const users = countUsers(graph, nodesOf(graph.results))
  return [...nodes].some((node) => users[(settled[node.id] ?? node).id] === 1)
}

/** The same with ids one after another, and without what no result needs. */
function renumbered(graph: Graph): Graph {
  const nodes = nodesWithReplaced(graph)
  const copies = new Array<Node | undefined>(nodes.length === 0 ? 0 : nodes.at(-1)!.id + 1)
  const origins = new OriginLists()
  for (let id = 0; id < nodes.length; id++) {
    const node = nodes[id]!
    const operands = node.operands.map((operand) => copies[operand.id]!)
    const { op, attributes, shape, dtype, likeness } = node
    const copy = Object.freeze({ id, op, operands, attributes, shape, dtype, likeness }) as Node
    copies[node.id] = copy
    const known = graph.origins.get(node)
    if (known) origins.set(copy, known)
  }
  return { name: graph.name, results: resultsAs(graph.results, (node) => copies[node.id]!), origins }
}

const resultsAs = (results: Graph['results'], as: (node: Node) => Node): Result[] =>
  results.map(
    ({ replaces, ...result }): Result => ({
      ...result,
      node: as(result.node),
      ...(replaces && { replaces: as(replaces) }),
    }),
  )

/** What is replaced need not be read. */
const nodesWithReplaced = ({ results }: Graph): Node[] =>
  nodesOf([...results, ...results.flatMap(({ replaces }) => (replaces ? [{ node: replaces }] : []))])

/** How many nodes and results read each node, by its id. */
function countUsers(graph: Graph, nodes: readonly Node[]): Uint32Array {
  const users = new Uint32Array(nodes.length === 0 ? 0 : nodes.at(-1)!.id + 1)
  for (const { operands } of nodes) for (let at = 0; at < operands.length; at++) users[operands[at]!.id]!++
  for (const { node } of graph.results) users[node.id]!++
  return users
}
