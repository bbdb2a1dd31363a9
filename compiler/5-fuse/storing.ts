/**
 * Which members of groups are stored, and which loose nodes should be: whatever kernels exchange is either written and
 * read, or computed again where it is needed.
 *
 * Results are stored. A value that crosses from its group to another kernel is stored unless it is cheap to make from
 * values that are stored anyway (a mask `y > 0`, a cast, the random bits of a dropout, a normalised row from its mean
 * and variance). Operands of contractions are read many times each, so only the cheapest work is repeated there.
 */
import type { Node } from '../ir/graph.ts'
import { lowerOf } from '../ops/registry.ts'
import { costOf, isCheap } from './cost.ts'
import { crossingNodes, repeatedByMany } from './crossing.ts'
import type { Group } from './group.ts'
import type { Grouping } from './grouping.ts'
import type { Subject } from './subject.ts'

export interface Storing {
  readonly stored: ReadonlySet<Node>
  /** Loose nodes that are too dear to repeat. */
  readonly force: ReadonlySet<Node>
}

export function decideStores({ nodes, consumers, results, repeated }: Subject, grouping: Grouping): Storing {
  const { home, demands } = grouping
  const crossing = new Set(crossingNodes(nodes, consumers, results, repeated, home))
  const shared = repeatedByMany(nodes, consumers, home)
  const decide = (): Storing => {
    const stored = new Set<Node>()
    const force = new Set<Node>()
    for (const node of nodes) {
      const lowering = lowerOf(node)
      if (lowering.kind === 'leaf' || (lowering.kind === 'index' && lowering.cheap && !results.has(node))) continue
      if (grouping.recomputed.nodes.has(node)) continue
      const group = home.get(node)
      if (!results.has(node)) {
        if (group ? !crossing.has(node) : !shared.has(node) && !repeated.has(node)) continue
        const cost = demands.forced.has(node) ? undefined : costOf(node, stored, home)
        if (cost && isCheap(cost, repeated.has(node), group === undefined)) continue
      }
      stored.add(node)
      if (!group) force.add(node)
    }
    return { stored, force }
  }
  const first = decide()
  // A value that several stored ones are cheap to make from is stored in their stead: one tensor, not one for each.
  const commons = grouping.groups.flatMap((group) => {
    const replaceable = group.members.filter(
      (node) => first.stored.has(node) && !results.has(node) && !repeated.has(node) && !demands.forced.has(node),
    )
    return commonSource(group, replaceable, first.stored, home) ?? []
  })
  if (commons.length === 0) return first
  for (const node of commons) crossing.add(node)
  return decide()
}

/** The member from which the most of the stored ones, and at least two, are cheap to make. */
function commonSource(
  group: Group,
  replaceable: readonly Node[],
  stored: ReadonlySet<Node>,
  home: ReadonlyMap<Node, Group>,
): Node | undefined {
  if (replaceable.length < 2) return undefined
  let best: Node | undefined
  let most = 1
  for (const candidate of group.members) {
    if (stored.has(candidate) || lowerOf(candidate).kind === 'view') continue
    const others = { has: (node: Node) => node === candidate || (stored.has(node) && !replaceable.includes(node)) }
    const covered = replaceable.filter((node) => {
      const cost = costOf(node, others, home)
      return cost !== undefined && isCheap(cost, false, false)
    })
    // Among equals the last: what follows it has the least left to do.
    if (covered.length >= 2 && covered.length >= most) {
      best = candidate
      most = covered.length
    }
  }
  return best
}
