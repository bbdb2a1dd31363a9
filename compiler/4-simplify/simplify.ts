/**
 * A graph → a smaller graph of the same meaning: rules rewrite nodes bottom-up until none applies. Common subexpressions
 * are one because the builder interns, dead nodes are gone because only what a result needs is built.
 */
import { type Graph, type Node, nodesOf, type Origin, type Result } from '../ir/graph.ts'
import { GraphBuilder } from '../ops/builder.ts'
import { type Rewrite, type Rule, rulesByOp } from './rules.ts'
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

function sweep(graph: Graph, table: ReturnType<typeof rulesByOp>): Graph {
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

function sweepOnce(graph: Graph, table: ReturnType<typeof rulesByOp>): Swept {
  const builder = new GraphBuilder()
  const nodes = nodesWithReplaced(graph)
  const users = countUsers(graph, nodes)
  /** From nodes of the old graph, and from nodes that rules made, to their final form. */
  const settled = new Map<Node, Node>()
  const shared = new Set<Node>()
  /** Nodes that an old node has become: one that two have become has the users of both. */
  const owned = new Set<Node>()
  const held = new Set<Node>()
  const isShared = (node: Node): boolean => {
    const answer = shared.has(node) || !settled.has(node)
    if (answer) held.add(node)
    return answer
  }
  const rewrite: Rewrite = { builder, isShared }
  let changed = false

  const settle = (node: Node, budget: { left: number }): Node => {
    const known = settled.get(node)
    if (known) return known
    const operands = node.operands.map((operand) => settle(operand, budget))
    let result = builder.copy(node, operands)
    const before = settled.get(result)
    if (before) result = before
    else
      for (const rule of table(result.op)) {
        const replacement = rule.apply(result as never, rewrite)
        if (!replacement || replacement === result) continue
        if (--budget.left < 0) throw new Error(`the rule ${rule.name} rewrites without end`)
        changed = true
        result = settle(replacement, budget)
        break
      }
    settled.set(node, result)
    settled.set(result, result)
    return result
  }
  for (const node of nodes) {
    const result = builder.withOrigin(graph.origins.get(node), () => settle(node, { left: maxRewrites }))
    if ((users.get(node) ?? 0) > 1 || owned.has(result)) shared.add(result)
    owned.add(result)
  }

  const results = graph.results.map(
    ({ replaces, ...result }): Result => ({
      ...result,
      node: settled.get(result.node)!,
      ...(replaces && { replaces: settled.get(replaces)! }),
    }),
  )
  const made: Graph = { name: graph.name, results, origins: builder.origins }
  return { graph: made, changed, mayChange: held.size > 0 && areFree(made, held, settled) }
}

/** Whether any of the nodes, as they are now, is read once at most. */
function areFree(graph: Graph, nodes: ReadonlySet<Node>, settled: ReadonlyMap<Node, Node>): boolean {
  const users = countUsers(graph, nodesOf(graph.results))
  return [...nodes].some((node) => users.get(settled.get(node) ?? node) === 1)
}

/** The same with ids one after another, and without what no result needs. */
function renumbered(graph: Graph): Graph {
  const copies = new Map<Node, Node>()
  const origins = new Map<Node, readonly Origin[]>()
  for (const node of nodesWithReplaced(graph)) {
    const operands = node.operands.map((operand) => copies.get(operand)!)
    const { op, attributes, shape, dtype } = node
    const copy = Object.freeze({ id: copies.size, op, operands, attributes, shape, dtype }) as Node
    copies.set(node, copy)
    const known = graph.origins.get(node)
    if (known) origins.set(copy, known)
  }
  const results = graph.results.map(
    ({ replaces, ...result }): Result => ({
      ...result,
      node: copies.get(result.node)!,
      ...(replaces && { replaces: copies.get(replaces)! }),
    }),
  )
  return { name: graph.name, results, origins }
}

/** What is replaced need not be read. */
const nodesWithReplaced = ({ results }: Graph): Node[] =>
  nodesOf([...results, ...results.flatMap(({ replaces }) => (replaces ? [{ node: replaces }] : []))])

/** How many nodes and results read each node. */
function countUsers(graph: Graph, nodes: readonly Node[]): Map<Node, number> {
  const users = new Map<Node, number>()
  const count = (node: Node) => users.set(node, (users.get(node) ?? 0) + 1)
  for (const node of nodes) for (const operand of node.operands) count(operand)
  for (const { node } of graph.results) count(node)
  return users
}
