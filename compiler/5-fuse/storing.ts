/**
 * Which members of groups are stored, and which loose nodes should be: whatever kernels exchange is either written and
 * read, or computed again where it is needed.
 *
 * Results are stored. A value that crosses from its group to another kernel is stored unless it is cheap to make from
 * values that are stored anyway (a mask `y > 0`, a cast, the random bits of a dropout, a normalised row from its mean
 * and variance). Operands of contractions are read many times each, so only the cheapest work is repeated there.
 */
import type { Graph, Node } from '../ir/graph.ts'
import { lowerOf } from '../ops/registry.ts'
import { estimateElements } from './estimate.ts'
import type { Grouping } from './grouping.ts'
import type { Group } from './group.ts'

export interface Storing {
  readonly stored: ReadonlySet<Node>
  /** Loose nodes that are too dear to repeat. */
  readonly force: ReadonlySet<Node>
}

export function decideStores(graph: Graph, nodes: readonly Node[], consumers: ReadonlyMap<Node, readonly Node[]>, grouping: Grouping): Storing {
  const { home } = grouping
  const results = new Set(graph.results.map(({ node }) => node))
  const crossing = crossingNodes(nodes, consumers, results, home)
  const repeated = readRepeatedly(nodes, consumers)
  const stored = new Set<Node>()
  const force = new Set<Node>()
  for (const node of nodes) {
    const { kind } = lowerOf(node)
    if (kind === 'leaf') continue
    if (results.has(node)) {
      stored.add(node)
      if (!home.has(node)) force.add(node)
      continue
    }
    const group = home.get(node)
    if (group ? !crossing.has(node) : !isShared(consumers.get(node) ?? [], home) && !repeated.has(node)) continue
    const cost = grouping.demands.forced.has(node) ? undefined : costOf(node, stored, grouping)
    if (cost && isCheap(cost, repeated.has(node), group === undefined)) continue
    if (!group && node.op === 'constant') continue
    stored.add(node)
    if (!group) force.add(node)
  }
  return { stored, force }
}

/** Members that something outside their group needs. A view is not needed itself: what it shows is. */
function crossingNodes(
  nodes: readonly Node[],
  consumers: ReadonlyMap<Node, readonly Node[]>,
  results: ReadonlySet<Node>,
  home: ReadonlyMap<Node, Group>,
): ReadonlySet<Node> {
  const crossing = new Set<Node>()
  for (const node of [...nodes].reverse()) {
    const group = home.get(node)
    if (!group) continue
    if ((consumers.get(node) ?? []).some((consumer) => home.get(consumer) !== group)) crossing.add(node)
    if (crossing.has(node) && lowerOf(node).kind === 'view' && !results.has(node))
      for (const operand of node.operands) if (home.get(operand) === group) crossing.add(operand)
  }
  return crossing
}

/** Nodes that a contraction reads, directly or through views: each element many times. */
function readRepeatedly(nodes: readonly Node[], consumers: ReadonlyMap<Node, readonly Node[]>): ReadonlySet<Node> {
  const repeated = new Set<Node>()
  for (const node of [...nodes].reverse())
    if ((consumers.get(node) ?? []).some((c) => lowerOf(c).kind === 'contract' || (lowerOf(c).kind === 'view' && repeated.has(c)))) repeated.add(node)
  return repeated
}

/** Whether more than one kernel would repeat a loose node. */
function isShared(consumers: readonly Node[], home: ReadonlyMap<Node, Group>): boolean {
  const places = new Set<object>()
  for (const consumer of consumers) places.add(home.get(consumer) ?? consumer)
  return places.size > 1
}

export interface Cost {
  readonly work: number
  /** Stored tensors of some size that are read; small ones stay in caches. */
  readonly reads: number
}

/** What an element costs when it is made from stored values; `undefined` where it cannot be. */
function costOf(node: Node, stored: ReadonlySet<Node>, grouping: Grouping): Cost | undefined {
  const reads = new Set<Node>()
  let work = 0
  const seen = new Set<Node>()
  const pending: Node[] = [node]
  while (pending.length > 0) {
    const next = pending.pop()!
    if (seen.has(next)) continue
    seen.add(next)
    const lowering = lowerOf(next)
    if (next !== node && (lowering.kind === 'leaf' || stored.has(next))) {
      if (estimateElements(next) > 4096) reads.add(next)
      continue
    }
    switch (lowering.kind) {
      case 'map':
        work += lowering.cheap ? 1 : 6
        break
      case 'index':
        work += lowering.cheap ? 0 : 14
        break
      case 'view':
        work += next.op === 'concat' ? next.operands.length : 0
        break
      case 'lookup':
        work += 1
        break
      case 'reduce':
        // Only a sum of equal elements is no reduction; it has no group unless it was given one.
        if (grouping.home.has(next)) return undefined
        work += 1
        break
      default:
        return undefined
    }
    pending.push(...next.operands)
  }
  return { work, reads: reads.size }
}

function isCheap({ work, reads }: Cost, repeated: boolean, loose: boolean): boolean {
  if (repeated) return reads <= 2 && work <= 5
  if (loose) return reads <= 2 && work <= 24
  return reads <= 1 ? work <= 24 : reads <= 2 && work <= 8
}
