/**
 * A group → its kernel: that of the round before if nothing about the group has changed since, that of a group that is alike if one
 * was built, or a new one.
 */
import type { Node } from '../ir/graph.ts'
import type { Kernel } from '../ir/kernel.ts'
import { countTensors } from '../ir/kernel-slots.ts'
import type { FusedGraphs } from './alike.ts'
import { Body, type Decided, endOf, type Limits } from './body.ts'
import { buildAttention } from './forms/attention.ts'
import { buildContract } from './forms/contract.ts'
import { buildMap } from './forms/map.ts'
import { buildRow } from './forms/row.ts'
import { buildRunning } from './forms/running.ts'
import { buildScatter } from './forms/scatter.ts'
import type { Group } from './group.ts'
import { type Kept, tensorsOf } from './kept.ts'
import { dropUnreadSlots } from './kernel-parts.ts'
import type { NodeSet } from './node-set.ts'
import type { Subject } from './subject.ts'

export interface Built extends Pick<Kernel, 'slots' | 'nodes'> {
  readonly kernel: Kernel
  readonly kept: Kept | undefined
  readonly group: Group
  readonly stores: readonly Node[]
  /** What the group is made of, and may be expanded to. */
  readonly reached: readonly Node[]
}

/** What a round came to. */
export interface BuiltRound {
  readonly decided: Decided
  /** By the id of the group. */
  readonly built: readonly (Built | undefined)[]
}

export function kernelOf(
  subject: Subject,
  group: Group,
  stores: readonly Node[],
  decided: Decided,
  limits: Limits,
  { likenesses, kernels }: FusedGraphs,
  before: BuiltRound | undefined,
): Built {
  const earlier = before && unchanged(group, stores, decided, before)
  if (earlier) return { ...earlier, group, stores }
  const likeness = likenesses.of(subject, group, stores, decided, limits)
  const reached = likeness.nodes
  const known = kernels.find(likeness)
  if (known) {
    const { slots, nodes } = tensorsOf(known, likeness)
    return { kernel: known.kernel, kept: known, slots, nodes, group, stores, reached }
  }
  const body = new Body(group, decided, limits)
  const kernel = dropUnreadSlots(build(body, group, stores, decided.recomputed))
  const { slots, nodes } = kernel
  // One that binds more depends on what becomes of its tensors.
  const kept = countTensors(body.slots) <= limits.slots ? kernels.keep(likeness, kernel) : undefined
  return { kernel, kept, slots, nodes, group, stores, reached }
}

function build(body: Body, group: Group, stored: readonly Node[], recomputed: NodeSet): Kernel {
  switch (group.kind) {
    case 'map':
      return buildMap(body, group, stored)
    case 'row':
      return buildRow(body, group, stored)
    case 'contract':
      return buildContract(body, group, stored, recomputed)
    case 'attention':
      return buildAttention(body, group, stored)
    case 'scatter':
      return buildScatter(body, group)
    case 'running':
      return buildRunning(body, group)
    default:
      return group.kind satisfies never
  }
}

/** What the round before made of the group, if all is the same that its likeness is made of. */
function unchanged(group: Group, stores: readonly Node[], decided: Decided, before: BuiltRound): Built | undefined {
  const built = before.built[before.decided.home[group.anchors[0]!.id]?.id ?? -1]
  if (!built?.kept) return undefined
  const earlier = built.group
  // Those of attention have axes of their own.
  if (earlier.kind !== group.kind || group.kind === 'attention') return undefined
  if (!sameItems(earlier.anchors, group.anchors) || !sameItems(earlier.members, group.members)) return undefined
  if (!sameItems(built.stores, stores)) return undefined
  if (!sameItems(earlier.axes, group.axes) || !sameItems(earlier.row, group.row)) return undefined
  if (earlier.reads.size !== group.reads.size) return undefined
  for (const [node, index] of group.reads) if (earlier.reads.get(node) !== index) return undefined
  for (let at = 0; at < built.reached.length; at++) {
    const node = built.reached[at]!
    if (earlier.at.get(node) !== group.at.get(node)) return undefined
    if (endOf(node, earlier, before.decided) !== endOf(node, group, decided)) return undefined
    if (before.decided.recomputed.has(node) !== decided.recomputed.has(node)) return undefined
  }
  return built
}

function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false
  return true
}
