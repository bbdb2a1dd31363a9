/**
 * A graph → a smaller graph of the same meaning: rules rewrite nodes bottom-up until none applies. Common subexpressions
 * are one because the builder interns, dead nodes are gone because only what a result needs is built.
 */
import type { Graph, Origins, Result } from '../ir/graph.ts'
import { OriginLists } from '../ir/origins.ts'
import { type Rule, type RuleTable, rulesFor } from './rules.ts'
import { simplifyScans } from './scans.ts'
import { holdsFor, nodesWithReplaced, renumbered, type Sweep, type Swept, sweepOver, sweptGraph } from './sweep.ts'

export interface SimplifyOptions {
  /** The rules to apply; all, in tests one. */
  readonly rules?: readonly Rule[]
}

/** Whole sweeps over the graph; a rule that was told of a node that it is shared may fire in a later one, where it is not. */
const maxSweeps = 8
/** Times that scans are looked at again. */
const maxRounds = 6
export function simplify(graph: Graph, options: SimplifyOptions = {}): Graph {
  if (options.rules) return swept(graph, rulesFor(options.rules))
  const known = knownOf(graph)
  const before = known?.find(({ results }) => sameResults(results, graph.results))
  if (before) return calledAs(graph, before.made)
  const nodes = nodesWithReplaced(graph)
  const sweep = known?.find(({ sweep }) => holdsFor(sweep, graph, nodes))?.sweep ?? sweepOver(graph, rulesFor(), nodes)
  const made = settled(afterSweep(sweptGraph(graph, sweep), rulesFor()))
  known?.push({ results: graph.results, sweep, made })
  return made
}

/** Entries of one model are much alike: what one came to is known as long as the nodes that it was made of. */
interface Known {
  readonly results: Graph['results']
  /** The first sweep, which says the most. */
  readonly sweep: Sweep
  readonly made: Graph
}
const known = new WeakMap<Origins, { readonly version: number; readonly graphs: Known[] }>()

/** What is known of the graphs of these nodes, as long as none of them comes from elsewhere too. */
function knownOf({ origins }: Graph): Known[] | undefined {
  if (!(origins instanceof OriginLists)) return undefined
  const { version } = origins
  let found = known.get(origins)
  if (found?.version !== version) {
    found = { version, graphs: [] }
    known.set(origins, found)
  }
  return found.graphs
}

const sameResults = (a: Graph['results'], b: Graph['results']): boolean =>
  a.length === b.length && a.every(({ node, replaces }, at) => node === b[at]!.node && replaces === b[at]!.replaces)

/** What a graph came to, with the name and the results' names and roles of another of the same nodes. */
function calledAs(graph: Graph, made: Graph): Graph {
  const results = graph.results.map((result, at): Result => {
    const { node, replaces } = made.results[at]!
    return { ...result, node, ...(replaces && { replaces }) }
  })
  return { ...made, name: graph.name, results }
}

/** What leaves a loop meets the rules outside, and what they find of it may let more leave. */
function settled(graph: Graph): Graph {
  let current = graph
  for (let round = 0; round < maxRounds; round++) {
    const next = simplifyScans(current, simplifyBody)
    if (!next.changed) break
    current = swept(next.graph, rulesFor())
  }
  return current
}

const simplifyBody = (graph: Graph): Graph => settled(swept(graph, rulesFor()))

const swept = (graph: Graph, table: RuleTable): Graph => afterSweep(sweptGraph(graph, sweepOver(graph, table)), table)

function afterSweep(first: Swept, table: RuleTable): Graph {
  let current = first
  for (let sweep = 1; current.changed; sweep++) {
    if (!current.mayChange) return renumbered(current.graph)
    if (sweep === maxSweeps) return current.graph
    current = sweptGraph(current.graph, sweepOver(current.graph, table))
  }
  return current.graph
}
