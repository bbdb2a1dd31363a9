/** Where kernels come from in the source, and why each of their stored values ended fusion. */
import type { Graph, Node, Origin } from '../ir/graph.ts'
import type { FusionStop } from '../ir/kernel.ts'
import { lowerOf } from '../ops/registry.ts'
import type { Group } from './group.ts'
import type { Grouping } from './grouping.ts'

const mostOrigins = 16

export function originsOf(known: Pick<Graph['origins'], 'get'>, nodes: readonly Node[]): Origin[] {
  const origins: Origin[] = []
  // Interning makes one node of every equal constant in a program, so constants point everywhere: they do not count.
  const telling = nodes.filter((node) => lowerOf(node).kind !== 'index')
  for (const node of telling.length > 0 ? telling : nodes)
    for (const origin of known.get(node) ?? []) {
      if (origins.some((other) => isSame(other, origin))) continue
      origins.push(origin)
      if (origins.length === mostOrigins) return origins
    }
  return origins
}

const isSame = (a: Origin, b: Origin): boolean =>
  a === b ||
  (a.span.start === b.span.start && a.path === b.path && a.role === b.role && a.span.source.path === b.span.source.path)

/** One reason for each stored value and kernel that reads it. */
export function explainStops(
  group: Group,
  stored: readonly Node[],
  consumers: ReadonlyMap<Node, readonly Node[]>,
  grouping: Grouping,
): FusionStop[] {
  const stops = new Map<string, FusionStop>()
  for (const producer of stored)
    for (const consumer of consumers.get(producer) ?? []) {
      if (grouping.home.get(consumer) === group) continue
      const reason = reasonFor(group, consumer, grouping)
      stops.set(`${producer.id} ${reason}`, { producer, consumer, reason })
    }
  return [...stops.values()]
}

function reasonFor(group: Group, consumer: Node, grouping: Grouping): string {
  const scores = grouping.recomputed.reasons.get(group.anchors[0]!)
  if (scores) return `the scores of attention are in memory: ${scores}`
  if (grouping.isBarred(consumer, group)) return 'one kernel would bind too many tensors'
  const known = grouping.reasons.get(consumer)
  if (known) return known
  const kind = lowerOf(consumer).kind
  switch (kind) {
    case 'contract':
      return 'a contraction reads each element of its operands many times'
    case 'reduce':
      return group.kind === 'row' ? 'it reduces along other axes' : 'a reduction needs whole rows of it'
    case 'scatter':
      return 'a scatter reads it in an order that is data'
    case 'running':
      return 'a running sum walks along it'
    case 'lookup':
      return 'it is read at places that are data'
    case 'view':
      return 'it is read at other indices'
    case 'scan':
    case 'project':
      return 'a recurrence reads it step by step'
    case 'map':
    case 'index':
    case 'leaf':
      return 'several kernels read it'
    default:
      return kind satisfies never
  }
}
