/** Where kernels come from in the source, and why each of their stored values ended fusion. */
import type { Graph, Node, Origin } from '../ir/graph.ts'
import type { FusionStop } from '../ir/kernel.ts'
import { lowerOf } from '../ops/registry.ts'
import type { Group } from './group.ts'
import type { Grouping } from './grouping.ts'
import type { Consumers } from './subject.ts'

const mostOrigins = 16

export function originsOf(known: Pick<Graph['origins'], 'get'>, nodes: readonly Node[]): Origin[] {
  const origins: Origin[] = []
  // Interning makes one node of every equal constant in a program, so constants point everywhere: they do not count.
  const isTelling = (node: Node) => lowerOf(node).kind !== 'index'
  const isAny = !nodes.some(isTelling)
  // Lists are shared.
  const seen: (readonly Origin[])[] = []
  for (let at = 0; at < nodes.length; at++) {
    const node = nodes[at]!
    const list = isAny || isTelling(node) ? known.get(node) : undefined
    if (!list || seen.includes(list)) continue
    seen.push(list)
    for (let each = 0; each < list.length; each++) {
      if (isIn(origins, list[each]!)) continue
      origins.push(list[each]!)
      if (origins.length === mostOrigins) return origins
    }
  }
  return origins
}

function isIn(origins: readonly Origin[], origin: Origin): boolean {
  for (let at = 0; at < origins.length; at++) if (isSame(origins[at]!, origin)) return true
  return false
}

const isSame = (a: Origin, b: Origin): boolean =>
  a === b ||
  (a.span.start === b.span.start && a.path === b.path && a.role === b.role && a.span.source.path === b.span.source.path)

/** One reason for each stored value and kernel that reads it. */
export function explainStops(
  group: Group,
  stored: readonly Node[],
  consumers: Consumers,
  grouping: Grouping,
): FusionStop[] {
  const stops: FusionStop[] = []
  for (const producer of stored) {
    const first = stops.length
    for (const consumer of consumers[producer.id] ?? []) {
      if (grouping.home[consumer.id] === group) continue
      const reason = reasonFor(group, consumer, grouping)
      let at = first
      while (at < stops.length && stops[at]!.reason !== reason) at++
      stops[at] = { producer, consumer, reason }
    }
  }
  return stops
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
