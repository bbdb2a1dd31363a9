/**
 * What to ask for when a kernel came out too large: the loose node that stands for the most tensors is stored by a
 * kernel of its own; failing that, the last node to join stays out.
 */
import type { Node } from '../ir/graph.ts'
import { lowerOf } from '../ops/registry.ts'
import type { Body } from './body.ts'
import type { Demands, Grouping } from './grouping.ts'
import type { NodeSet } from './node-set.ts'

export interface Demand {
  /** Stored, and sealed: what follows does not join it again. */
  readonly cut?: Node
  /** A node that is kept out of the group that starts with `from`. */
  readonly bar?: { readonly node: Node; readonly from: Node }
}

export function demandFor(body: Body, grouping: Grouping, stored: NodeSet, known: Demands, slots: number): Demand {
  const { group, deepest } = body
  if (body.recomputes) {
    // Scores and weights are never stored for the sake of what follows their product.
    const product = group.softmax?.product ?? group.anchors[0]!
    const after = group.members.slice(group.members.indexOf(product) + 1).at(-1)
    const last = group.kind === 'row' ? group.anchors.slice(1).at(-1) : after
    if (last) return { bar: { node: last, from: group.anchors[0]! } }
  }
  if (deepest && !known.sealed.has(deepest) && deepest.operands.length > 0) return { cut: deepest }
  // Several anchors that would fit one by one: two kernels that read the same are less than one tensor more in memory.
  const [first] = group.anchors
  const extra = [...group.anchors].reverse().find((node) => node !== first)
  if (extra && sourcesBelow(first!, stored, grouping, group).size + 2 < slots)
    return { bar: { node: extra, from: first! } }
  let best: Node | undefined
  let most = 1
  for (const [node, times] of body.expanded) {
    if (grouping.home[node.id] === group || known.sealed.has(node) || node.operands.length === 0) continue
    if (lowerOf(node).kind === 'view' && node.operands.length === 1) continue
    // A node needed at several elements counts the loads it repeats; one that would itself be too large helps little.
    const sources = sourcesBelow(node, stored, grouping, group).size
    const weight = sources < slots ? sources * times : 1.5
    if (weight > most || (weight === most && best !== undefined && node.id > best.id)) {
      best = node
      most = weight
    }
  }
  if (best) return { cut: best }
  const last = [...group.members].reverse().find((node) => node !== first)
  if (last) return { bar: { node: last, from: first! } }
  // Nothing stands between the stored tensors and the anchors: the first computed operand is stored.
  const operand = [...body.expanded.keys()].find((node) => grouping.home[node.id] !== group && !known.sealed.has(node))
  if (operand) return { cut: operand }
  throw new Error(`%${group.anchors[0]!.id} ${group.anchors[0]!.op} alone makes too large a kernel`)
}

/** The stored tensors that a loose node is computed from. */
function sourcesBelow(node: Node, stored: NodeSet, grouping: Grouping, group: object): ReadonlySet<Node> {
  const sources = new Set<Node>()
  const seen = new Set<Node>()
  const pending = [...node.operands]
  while (pending.length > 0) {
    const next = pending.pop()!
    if (seen.has(next)) continue
    seen.add(next)
    const lowering = lowerOf(next)
    if (lowering.kind === 'leaf' || stored.has(next)) {
      const isTensor = lowering.kind !== 'leaf' || !lowering.uniform
      if (isTensor && grouping.home[next.id] !== group) sources.add(next)
    } else pending.push(...next.operands)
  }
  return sources
}
