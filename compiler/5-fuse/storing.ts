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
import { type Group, isAcrossRow } from './group.ts'
import { foldTries } from './loose.ts'

export interface Storing {
  readonly stored: ReadonlySet<Node>
  /** Loose nodes that are too dear to repeat. */
  readonly force: ReadonlySet<Node>
}

export function decideStores(graph: Graph, nodes: readonly Node[], consumers: ReadonlyMap<Node, readonly Node[]>, grouping: Grouping): Storing {
  const { home } = grouping
  const results = new Set(graph.results.map(({ node }) => node))
  const repeated = readRepeatedly(nodes, consumers)
  const crossing = crossingNodes(nodes, consumers, results, repeated, home)
  const repeating = kernelsThatRepeat(nodes, consumers, home)
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
    if (group ? !crossing.has(node) : repeating.get(node)!.size < 2 && !repeated.has(node)) continue
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
  repeated: ReadonlySet<Node>,
  home: ReadonlyMap<Node, Group>,
): ReadonlySet<Node> {
  const crossing = new Set<Node>()
  for (const node of [...nodes].reverse()) {
    const group = home.get(node)
    if (!group) continue
    if ((consumers.get(node) ?? []).some((consumer) => home.get(consumer) !== group)) crossing.add(node)
    if (crossing.has(node) && lowerOf(node).kind === 'view' && !results.has(node))
      for (const operand of node.operands) if (home.get(operand) === group) crossing.add(operand)
    if (crossing.has(node) && group.kind === 'row' && !results.has(node) && !repeated.has(node))
      for (const result of rowResultsInstead(group, node)) crossing.add(result)
  }
  return crossing
}

/**
 * The values per row from which an element of the row is cheap to make again: storing them (the place of a maximum) is
 * less than storing what follows from them (the mask of that place over the whole window).
 */
function rowResultsInstead(group: Group, node: Node): readonly Node[] {
  if (!isAcrossRow(group, group.at.get(node)!)) return []
  const found: Node[] = []
  const outside = new Set<Node>()
  let work = 0
  const seen = new Set<Node>()
  const pending = [node]
  while (pending.length > 0) {
    const next = pending.pop()!
    if (seen.has(next)) continue
    seen.add(next)
    const at = group.at.get(next)
    const lowering = lowerOf(next)
    if (!at) outside.add(next)
    else if (!isAcrossRow(group, at)) found.push(next)
    else {
      if (lowering.kind === 'map') work += lowering.cheap ? 1 : 6
      pending.push(...next.operands)
    }
  }
  const large = [...outside].filter((each) => lowerOf(each).kind !== 'index' && estimateElements(each) > 4096)
  return work <= 4 && large.length <= 1 ? found : []
}

/** Nodes that a contraction reads, directly or through views: each element many times. */
function readRepeatedly(nodes: readonly Node[], consumers: ReadonlyMap<Node, readonly Node[]>): ReadonlySet<Node> {
  const repeated = new Set<Node>()
  for (const node of [...nodes].reverse())
    if ((consumers.get(node) ?? []).some((c) => lowerOf(c).kind === 'contract' || (lowerOf(c).kind === 'view' && repeated.has(c)))) repeated.add(node)
  return repeated
}

/** The kernels that would repeat each loose node, directly or within other loose nodes. */
function kernelsThatRepeat(nodes: readonly Node[], consumers: ReadonlyMap<Node, readonly Node[]>, home: ReadonlyMap<Node, Group>): ReadonlyMap<Node, ReadonlySet<Group>> {
  const kernels = new Map<Node, ReadonlySet<Group>>()
  for (const node of [...nodes].reverse()) {
    if (home.has(node)) continue
    const groups = new Set<Group>()
    for (const consumer of consumers.get(node) ?? []) {
      const group = home.get(consumer)
      if (group) groups.add(group)
      else for (const each of kernels.get(consumer)!) groups.add(each)
    }
    kernels.set(node, groups)
  }
  return kernels
}

export interface Cost {
  readonly work: number
  /** Stored tensors that are read, and how many of them are large; small ones stay in caches. */
  readonly reads: number
  readonly large: number
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
      if (next.shape.length > 0) reads.add(next)
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
        if (grouping.home.has(next)) return undefined
        work += next.op === 'fold' ? 2 * foldTries(next) : 1
        break
      default:
        return undefined
    }
    pending.push(...next.operands)
  }
  return { work, reads: reads.size, large: [...reads].filter((each) => estimateElements(each) > 4096).length }
}

function isCheap({ work, reads, large }: Cost, repeated: boolean, loose: boolean): boolean {
  if (repeated) return reads <= 2 && work <= 5
  if (loose) return large <= 2 && work <= 24
  return large <= 1 ? work <= 24 : large <= 2 && work <= 8
}
