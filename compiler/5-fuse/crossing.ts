/** What kernels need of each other: the values that cross between groups, and how often they are read. */
import type { Node } from '../ir/graph.ts'
import { type Group, isAcrossRow } from './group.ts'
import type { Homes } from './grouping.ts'
import { NodeSet } from './node-set.ts'
import type { Subject } from './subject.ts'

/** Members that something outside their group needs. A view is not needed itself: what it shows is. */
export function crossingNodes(subject: Subject, home: Homes): NodeSet {
  const { nodes, length, consumers, results, repeated, lowerings } = subject
  const crossing = new NodeSet(length)
  for (let at = nodes.length - 1; at >= 0; at--) {
    const node = nodes[at]!
    const group = home[node.id]
    if (!group) continue
    if (isReadOutside(group, consumers[node.id]!, home)) crossing.add(node)
    else if (!crossing.has(node)) continue
    if (results.has(node)) continue
    if (lowerings[node.id]!.kind === 'view')
      for (const operand of node.operands) if (home[operand.id] === group) crossing.add(operand)
    if (group.kind === 'row' && !repeated.has(node))
      for (const result of rowResultsInstead(subject, group, node)) crossing.add(result)
  }
  return crossing
}

function isReadOutside(group: Group, readers: readonly Node[], home: Homes): boolean {
  for (let at = 0; at < readers.length; at++) if (home[readers[at]!.id] !== group) return true
  return false
}

/**
 * The values per row from which an element of the row is cheap to make again: storing them (the place of a maximum) is
 * less than storing what follows from them (the mask of that place over the whole window).
 */
function rowResultsInstead({ lowerings, elements }: Subject, group: Group, node: Node): readonly Node[] {
  if (!isAcrossRow(group, group.at.get(node)!)) return []
  const found: Node[] = []
  let large = 0
  let work = 0
  // Never many, for they cost something.
  const seen: Node[] = []
  const pending = [node]
  while (pending.length > 0) {
    const next = pending.pop()!
    if (seen.includes(next)) continue
    seen.push(next)
    const at = group.at.get(next)
    const lowering = lowerings[next.id]!
    if (!at) {
      if (lowering.kind !== 'index' && elements[next.id]! > 4096 && ++large > 1) return []
    } else if (!isAcrossRow(group, at)) found.push(next)
    else {
      if (lowering.kind === 'map') work += lowering.cheap ? 1 : 6
      if (work > 4) return []
      for (let o = 0; o < next.operands.length; o++) pending.push(next.operands[o]!)
    }
  }
  return found
}

/** Nodes that a contraction reads, directly or through views: each element many times. */
export function readRepeatedly(
  nodes: readonly Node[],
  length: number,
  consumers: Subject['consumers'],
  lowerings: Subject['lowerings'],
): NodeSet {
  const repeated = new NodeSet(length)
  for (let at = nodes.length - 1; at >= 0; at--) {
    const node = nodes[at]!
    const readers = consumers[node.id]!
    for (let r = 0; r < readers.length; r++) {
      const { kind } = lowerings[readers[r]!.id]!
      if (kind !== 'contract' && (kind !== 'view' || !repeated.has(readers[r]!))) continue
      repeated.add(node)
      break
    }
  }
  return repeated
}

/** Loose nodes that several kernels would repeat, directly or within other loose nodes. */
export function repeatedByMany({ nodes, length, consumers }: Subject, home: Homes): NodeSet {
  const many = new NodeSet(length)
  /** The only kernel that would repeat a node. */
  const only = new Array<Group | undefined>(length)
  for (let at = nodes.length - 1; at >= 0; at--) {
    const node = nodes[at]!
    if (home[node.id]) continue
    let one: Group | undefined
    const readers = consumers[node.id]!
    for (let r = 0; r < readers.length; r++) {
      const reader = readers[r]!
      const group = home[reader.id] ?? only[reader.id]
      if ((one && group && group !== one) || many.has(reader)) many.add(node)
      one ??= group
    }
    only[node.id] = one
  }
  return many
}
