/**
 * Which members of groups are stored, and which loose nodes should be: whatever kernels exchange is either written and
 * read, or computed again where it is needed.
 *
 * Results are stored. A value that crosses from its group to another kernel is stored unless it is cheap to make from
 * values that are stored anyway (a mask `y > 0`, a cast, the random bits of a dropout, a normalised row from its mean
 * and variance). Operands of contractions are read many times each, so only the cheapest work is repeated there.
 */
import type { Node } from '../ir/graph.ts'
import { costOf, isCheap } from './cost.ts'
import { crossingNodes, repeatedByMany } from './crossing.ts'
import type { Group } from './group.ts'
import type { Grouping } from './grouping.ts'
import { NodeSet } from './node-set.ts'
import type { Subject } from './subject.ts'

export interface Storing {
  readonly stored: NodeSet
  /** Loose nodes that are too dear to repeat. */
  readonly force: readonly Node[]
}

export function decideStores(
  subject: Subject,
  grouping: Pick<Grouping, 'groups' | 'home' | 'demands' | 'recomputed'>,
): Storing {
  const { nodes, results, repeated, length, lowerings } = subject
  const { home, demands, recomputed } = grouping
  const crossing = crossingNodes(subject, home)
  const shared = repeatedByMany(subject, home)
  /** What is needed elsewhere, or many times. */
  const needed: Node[] = []
  const add = (node: Node) => {
    const lowering = lowerings[node.id]!
    if (lowering.kind === 'leaf' || (lowering.kind === 'index' && lowering.cheap && !results.has(node))) return
    if (!recomputed.nodes.has(node)) needed.push(node)
  }
  for (let at = 0; at < nodes.length; at++) {
    const node = nodes[at]!
    if (results.has(node) || (home[node.id] ? crossing.has(node) : shared.has(node) || repeated.has(node))) add(node)
  }
  const decide = (): Storing => {
    const stored = new NodeSet(length)
    const force: Node[] = []
    for (let at = 0; at < needed.length; at++) {
      const node = needed[at]!
      const group = home[node.id]
      if (!results.has(node)) {
        const cost = demands.forced.has(node) ? undefined : costOf(subject, node, stored, home)
        if (cost && isCheap(cost, repeated.has(node), group === undefined)) continue
      }
      stored.add(node)
      if (!group) force.push(node)
    }
    return { stored, force }
  }
  const first = decide()
  // A value that several stored ones are cheap to make from is stored in their stead: one tensor, not one for each.
  const commons: Node[] = []
  for (const group of grouping.groups) {
    const replaceable: Node[] = []
    for (let at = 0; at < group.members.length; at++) {
      const node = group.members[at]!
      if (first.stored.has(node) && !results.has(node) && !repeated.has(node) && !demands.forced.has(node))
        replaceable.push(node)
    }
    const common = replaceable.length < 2 ? undefined : commonSource(subject, group, replaceable, first.stored, home)
    if (common && !crossing.has(common)) commons.push(common)
  }
  if (commons.length === 0) return first
  for (const node of commons) add(node)
  needed.sort((a, b) => a.id - b.id)
  return decide()
}

/** The member from which the most of the stored ones, and at least two, are cheap to make. */
function commonSource(
  subject: Subject,
  group: Group,
  replaceable: readonly Node[],
  stored: NodeSet,
  home: Grouping['home'],
): Node | undefined {
  let best: Node | undefined
  let most = 1
  for (const candidate of group.members) {
    if (stored.has(candidate) || subject.lowerings[candidate.id]!.kind === 'view') continue
    const others = { has: (node: Node) => node === candidate || (stored.has(node) && !replaceable.includes(node)) }
    let covered = 0
    for (const node of replaceable) {
      const cost = costOf(subject, node, others, home)
      if (cost !== undefined && isCheap(cost, false, false)) covered++
    }
    // Among equals the last: what follows it has the least left to do.
    if (covered >= 2 && covered >= most) {
      best = candidate
      most = covered
    }
  }
  return best
}
