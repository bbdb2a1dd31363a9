/**
 * Kernels in execution order: producers before readers, otherwise as in the graph. Where a result takes the place of a
 * leaf, the leaf's readers come first if nothing stands against it, so that it can be written over without a copy. A kernel
 * whose results are read much later waits until then, where it holds less memory by waiting.
 */

import { estimateElements } from '../ir/estimate.ts'
import type { Graph, Node } from '../ir/graph.ts'
import type { Kernel } from '../ir/kernel.ts'

/** For each kernel, those that must run before it. */
type Before = readonly (readonly number[])[]

export function orderKernels(graph: Graph, kernels: readonly Kernel[]): Kernel[] {
  const producer = new Map<Node, number>()
  for (let at = 0; at < kernels.length; at++)
    for (const { node, access } of kernels[at]!.slots) if (access !== 'read') producer.set(node, at)
  const before: number[][] = []
  for (let at = 0; at < kernels.length; at++) {
    const needed: number[] = []
    for (const { node, access } of kernels[at]!.slots) {
      const from = access === 'read' ? producer.get(node) : undefined
      if (from !== undefined && !needed.includes(from)) needed.push(from)
    }
    before.push(needed)
  }
  for (const { node, replaces } of graph.results) {
    const writer = replaces && producer.get(node)
    if (writer === undefined) continue
    for (let at = 0; at < kernels.length; at++)
      if (at !== writer && touches(kernels[at]!, replaces!) && !reaches(before, at, writer))
        if (!before[writer]!.includes(at)) before[writer]!.push(at)
  }
  return postponed(graph, kernels, sorted(kernels, before), before)
}

function touches({ slots }: Kernel, node: Node): boolean {
  for (let at = 0; at < slots.length; at++) if (slots[at]!.node === node) return true
  return false
}

/** Whether kernel `from` must run after kernel `to`. */
function reaches(before: Before, from: number, to: number): boolean {
  const seen = new Uint8Array(before.length)
  const pending = [from]
  while (pending.length > 0) {
    const at = pending.pop()!
    if (at === to) return true
    if (seen[at] === 1) continue
    seen[at] = 1
    for (const earlier of before[at]!) pending.push(earlier)
  }
  return false
}

/** Topological, and among kernels that are ready the one whose nodes come first in the graph. */
function sorted(kernels: readonly Kernel[], before: Before): number[] {
  const rank: number[] = []
  const missing: number[] = []
  const after: number[][] = []
  const ready: number[] = []
  for (let at = 0; at < kernels.length; at++) {
    let last = -1
    for (const { node, access } of kernels[at]!.slots) if (access !== 'read' && node.id > last) last = node.id
    rank.push(last)
    missing.push(before[at]!.length)
    after.push([])
    if (before[at]!.length === 0) ready.push(at)
  }
  for (let at = 0; at < kernels.length; at++) for (const earlier of before[at]!) after[earlier]!.push(at)
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
function postponed(graph: Graph, kernels: readonly Kernel[], order: readonly number[], before: Before): Kernel[] {
  const results = new Set<Node>()
  for (const { node } of graph.results) results.add(node)
  /** Who reads each value that is no result. */
  const readers = new Map<Node, number[]>()
  for (const { slots } of kernels)
    for (const { node, access } of slots) if (access !== 'read' && !results.has(node)) readers.set(node, [])
  const after: number[][] = kernels.map(() => [])
  const place: number[] = []
  for (let at = 0; at < order.length; at++) {
    const kernel = order[at]!
    place[kernel] = at
    for (const { node, access } of kernels[kernel]!.slots) if (access === 'read') readers.get(node)?.push(kernel)
    for (const earlier of before[kernel]!) after[earlier]!.push(kernel)
  }
  /** Elements of what a kernel writes, and of what stays alive if it waits for the kernel at `next`. */
  const written = (kernel: number): number => {
    let size = 0
    for (const { node, access } of kernels[kernel]!.slots)
      if (access !== 'read' && !results.has(node)) size += estimateElements(node)
    return size
  }
  const keptAlive = (kernel: number, next: number): number => {
    let size = 0
    for (const { node, access } of kernels[kernel]!.slots)
      if (access === 'read' && readers.get(node)?.every((reader) => place[reader]! < next))
        size += estimateElements(node)
    return size
  }
  const sequence = [...order]
  for (let at = order.length - 2; at >= 0; at--) {
    const kernel = sequence[at]!
    let next = Number.POSITIVE_INFINITY
    for (const later of after[kernel]!) if (place[later]! < next) next = place[later]!
    if (next === at + 1 || next === Number.POSITIVE_INFINITY) continue
    if (written(kernel) <= keptAlive(kernel, next)) continue
    sequence.splice(at, 1)
    sequence.splice(next - 1, 0, kernel)
    for (let i = at; i < next; i++) place[sequence[i]!] = i
  }
  return sequence.map((at) => kernels[at]!)
}
