/**
 * Kernels in execution order: producers before readers, otherwise as in the graph. Where a result takes the place of a
 * leaf, the leaf's readers come first if nothing stands against it, so that it can be written over without a copy. A kernel
 * whose results are read much later waits until then, where it holds less memory by waiting.
 */

import { estimateElements } from '../ir/estimate.ts'
import type { Graph, Node } from '../ir/graph.ts'
import type { Kernel } from '../ir/kernel.ts'

export function orderKernels(graph: Graph, kernels: readonly Kernel[]): Kernel[] {
  const producer = new Map<Node, number>()
  for (const [at, kernel] of kernels.entries())
    for (const { node, access } of kernel.slots) if (access !== 'read') producer.set(node, at)
  const before = kernels.map((kernel) => {
    const needed = new Set<number>()
    for (const { node, access } of kernel.slots) {
      const from = access === 'read' ? producer.get(node) : undefined
      if (from !== undefined) needed.add(from)
    }
    return needed
  })
  for (const { node, replaces } of graph.results) {
    const writer = replaces && producer.get(node)
    if (writer === undefined) continue
    for (const [at, kernel] of kernels.entries())
      if (at !== writer && kernel.slots.some((slot) => slot.node === replaces) && !reaches(before, at, writer))
        before[writer]!.add(at)
  }
  return postponed(graph, kernels, sorted(kernels, before), before)
}

/** Whether kernel `from` must run after kernel `to`. */
function reaches(before: readonly ReadonlySet<number>[], from: number, to: number): boolean {
  const seen = new Set<number>()
  const pending = [from]
  while (pending.length > 0) {
    const at = pending.pop()!
    if (at === to) return true
    if (seen.has(at)) continue
    seen.add(at)
    pending.push(...before[at]!)
  }
  return false
}

/** Topological, and among kernels that are ready the one whose nodes come first in the graph. */
function sorted(kernels: readonly Kernel[], before: readonly ReadonlySet<number>[]): number[] {
  const rank = kernels.map((kernel) =>
    Math.max(-1, ...kernel.slots.filter((s) => s.access !== 'read').map((s) => s.node.id)),
  )
  const waiting = new Set(kernels.keys())
  const missing = before.map((set) => set.size)
  const after = kernels.map((): number[] => [])
  for (const [at, set] of before.entries()) for (const earlier of set) after[earlier]!.push(at)
  const ready = [...waiting].filter((at) => missing[at] === 0)
  const order: number[] = []
  while (ready.length > 0) {
    let best = 0
    for (let i = 1; i < ready.length; i++) if (rank[ready[i]!]! < rank[ready[best]!]!) best = i
    const [at] = ready.splice(best, 1)
    order.push(at!)
    for (const later of after[at!]!) if (--missing[later]! === 0) ready.push(later)
  }
  if (order.length !== kernels.length)
    throw new Error(
      `kernels wait for each other: ${kernels
        .filter((_, at) => !order.includes(at))
        .map((k) => `${k.name}(${k.slots.map((s) => `${s.access} ${s.node.id}`).join()})`)
        .join(' ')}`,
    )
  return order
}

/** Each kernel, the last first, moved to just before what needs it, if its results are larger than what it would keep alive. */
function postponed(
  graph: Graph,
  kernels: readonly Kernel[],
  order: readonly number[],
  before: readonly ReadonlySet<number>[],
): Kernel[] {
  const results = new Set(graph.results.map(({ node }) => node))
  const writes = kernels.map(({ slots }) =>
    slots.flatMap(({ node, access }) => (access === 'read' || results.has(node) ? [] : [node])),
  )
  const intermediate = new Set(writes.flat())
  const reads = kernels.map(({ slots }) =>
    slots.flatMap(({ node, access }) => (access === 'read' && intermediate.has(node) ? [node] : [])),
  )
  const readers = new Map<Node, number[]>([...intermediate].map((node) => [node, []]))
  const after = kernels.map((): number[] => [])
  const place: number[] = []
  for (const [at, kernel] of order.entries()) {
    place[kernel] = at
    for (const node of reads[kernel]!) readers.get(node)!.push(kernel)
    for (const earlier of before[kernel]!) after[earlier]!.push(kernel)
  }
  const size = (nodes: readonly Node[]) => nodes.reduce((sum, node) => sum + estimateElements(node), 0)
  const sequence = [...order]
  for (let at = order.length - 2; at >= 0; at--) {
    const kernel = sequence[at]!
    const next = Math.min(...after[kernel]!.map((later) => place[later]!))
    if (next === at + 1 || next === Number.POSITIVE_INFINITY) continue
    const keptAlive = reads[kernel]!.filter((node) => readers.get(node)!.every((reader) => place[reader]! < next))
    if (size(writes[kernel]!) <= size(keptAlive)) continue
    sequence.splice(at, 1)
    sequence.splice(next - 1, 0, kernel)
    for (let i = at; i < next; i++) place[sequence[i]!] = i
  }
  return sequence.map((at) => kernels[at]!)
}
