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
  for (let at = nodes.length - 1; at >= 0; at--) {
    const node = nodes[at]!
    const group = home.get(node)
    if (!group) continue
    if (isReadOutside(group, consumers.get(node)!, home)) crossing.add(node)
    if (!crossing.has(node) || results.has(node)) continue
    if (lowerOf(node).kind === 'view')
      for (const operand of node.operands) if (home.get(operand) === group) crossing.add(operand)
    if (group.kind === 'row' && !repeated.has(node))
      for (const result of rowResultsInstead(group, node)) crossing.add(result)
  }
  return crossing
}

function isReadOutside(group: Group, readers: readonly Node[], home: ReadonlyMap<Node, Group>): boolean {
  for (const reader of readers) if (home.get(reader) !== group) return true
  return false
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
      for (const operand of next.operands) pending.push(operand)
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
  for (let at = nodes.length - 1; at >= 0; at--)
    for (const consumer of consumers.get(nodes[at]!)!) {
      const { kind } = lowerOf(consumer)
      if (kind !== 'contract' && (kind !== 'view' || !repeated.has(consumer))) continue
      repeated.add(nodes[at]!)
      break
    }
  return repeated
}

/** Loose nodes that several kernels would repeat, directly or within other loose nodes. */
export function repeatedByMany(
  nodes: readonly Node[],
  consumers: ReadonlyMap<Node, readonly Node[]>,
  home: ReadonlyMap<Node, Group>,
): ReadonlySet<Node> {
  const many = new Set<Node>()
  /** The only kernel that would repeat a node. */
  const only = new Map<Node, Group>()
  for (let at = nodes.length - 1; at >= 0; at--) {
    const node = nodes[at]!
    if (home.has(node)) continue
    let one: Group | undefined
    for (const consumer of consumers.get(node)!) {
      const group = home.get(consumer) ?? only.get(consumer)
      if (many.has(consumer) || (one && group && group !== one)) many.add(node)
      one ??= group
    }
    if (one) only.set(node, one)
  }
  return many
}
