/** What kernels need of each other: the values that cross between groups, and how often they are read. */
import type { Node } from '../ir/graph.ts'
import { lowerOf } from '../ops/registry.ts'
import { estimateElements } from './estimate.ts'
import { type Group, isAcrossRow } from './group.ts'

/** Members that something outside their group needs. A view is not needed itself: what it shows is. */
export function crossingNodes(
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
export function readRepeatedly(
  nodes: readonly Node[],
  consumers: ReadonlyMap<Node, readonly Node[]>,
): ReadonlySet<Node> {
  const repeated = new Set<Node>()
  for (const node of [...nodes].reverse())
    if (
      (consumers.get(node) ?? []).some(
        (c) => lowerOf(c).kind === 'contract' || (lowerOf(c).kind === 'view' && repeated.has(c)),
      )
    )
      repeated.add(node)
  return repeated
}

/** The kernels that would repeat each loose node, directly or within other loose nodes. */
export function kernelsThatRepeat(
  nodes: readonly Node[],
  consumers: ReadonlyMap<Node, readonly Node[]>,
  home: ReadonlyMap<Node, Group>,
): ReadonlyMap<Node, ReadonlySet<Group>> {
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
