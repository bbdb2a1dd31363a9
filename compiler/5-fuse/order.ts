/**
 * Kernels in execution order: producers before readers, otherwise as in the graph. Where a result takes the place of a
 * leaf, the leaf's readers come first if nothing stands against it, so that it can be written over without a copy.
 */
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
  return sorted(kernels, before)
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
function sorted(kernels: readonly Kernel[], before: readonly ReadonlySet<number>[]): Kernel[] {
  const rank = kernels.map((kernel) =>
    Math.max(-1, ...kernel.slots.filter((s) => s.access !== 'read').map((s) => s.node.id)),
  )
  const waiting = new Set(kernels.keys())
  const missing = before.map((set) => set.size)
  const after = kernels.map((): number[] => [])
  for (const [at, set] of before.entries()) for (const earlier of set) after[earlier]!.push(at)
  const ready = [...waiting].filter((at) => missing[at] === 0)
  const order: Kernel[] = []
  while (ready.length > 0) {
    let best = 0
    for (let i = 1; i < ready.length; i++) if (rank[ready[i]!]! < rank[ready[best]!]!) best = i
    const [at] = ready.splice(best, 1)
    order.push(kernels[at!]!)
    for (const later of after[at!]!) if (--missing[later]! === 0) ready.push(later)
  }
  if (order.length !== kernels.length)
    throw new Error(
      `kernels wait for each other: ${kernels
        .filter((k) => !order.includes(k))
        .map((k) => `${k.name}(${k.slots.map((s) => `${s.access} ${s.node.id}`).join()})`)
        .join(' ')}`,
    )
  return order
}
