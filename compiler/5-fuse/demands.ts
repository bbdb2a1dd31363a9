/**
 * What to ask for when a kernel came out too large: the loose node that stands for the most tensors is stored by a
 * kernel of its own; failing that, the last node to join stays out.
 */
import type { Node } from '../ir/graph.ts'
import { lowerOf } from '../ops/registry.ts'
import type { Body } from './body.ts'
import type { Demands, Grouping } from './grouping.ts'

export function demandFor(body: Body, grouping: Grouping, stored: ReadonlySet<Node>, known: Demands): { readonly force: readonly Node[]; readonly bar: readonly Node[] } {
  const { group } = body
  let best: Node | undefined
  let most = 1
  for (const [node, times] of body.expanded) {
    if (grouping.home.get(node) === group || known.forced.has(node) || node.operands.length === 0) continue
    const kind = lowerOf(node).kind
    if (kind === 'view' && node.op !== 'concat') continue
    // A node needed at several elements counts all the loads it repeats.
    const weight = sourcesBelow(node, stored, grouping, group).size * times
    if (weight > most || (weight === most && best !== undefined && node.id > best.id)) {
      best = node
      most = weight
    }
  }
  if (best) return { force: [best], bar: [] }
  const last = [...group.members].reverse().find((node) => !known.barred.has(node) && node !== group.anchors[0])
  if (last) return { force: [], bar: [last] }
  const operand = group.anchors.flatMap((node) => node.operands).find((node) => lowerOf(node).kind !== 'leaf' && !stored.has(node) && !known.forced.has(node))
  return { force: operand ? [operand] : [], bar: [] }
}

/** The stored tensors that a loose node is computed from. */
function sourcesBelow(node: Node, stored: ReadonlySet<Node>, grouping: Grouping, group: object): ReadonlySet<Node> {
  const sources = new Set<Node>()
  const seen = new Set<Node>()
  const pending = [...node.operands]
  while (pending.length > 0) {
    const next = pending.pop()!
    if (seen.has(next)) continue
    seen.add(next)
    if (lowerOf(next).kind === 'leaf' || stored.has(next)) {
      if (grouping.home.get(next) !== group) sources.add(next)
    } else pending.push(...next.operands)
  }
  return sources
}
