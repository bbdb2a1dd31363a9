/**
 * Updates in place: a kernel that reads a leaf and stores the result that replaces it binds one tensor instead of two,
 * where each element is read only by the lane that writes it and no later kernel reads the old value.
 */
import type { Graph, Node } from '../ir/graph.ts'
import { keyOfIndex } from '../ir/index.ts'
import type { Kernel, KernelSlot, Scalar } from '../ir/kernel.ts'
import { rewriteKernel, storesOf } from './kernel-parts.ts'
import { walkScalar } from './scalar-walk.ts'

export function updateInPlace(graph: Graph, kernels: readonly Kernel[]): Kernel[] {
  const updated = [...kernels]
  const first = new Map<Node, Graph['results'][number]>()
  for (const result of graph.results) if (!first.has(result.node)) first.set(result.node, result)
  for (const { node, replaces: leaf } of first.values()) {
    if (!leaf || graph.results.filter((r) => r.replaces === leaf).length > 1) continue
    const at = updated.findIndex((kernel) => kernel.slots.some((slot) => slot.node === node && slot.access === 'write'))
    if (at < 0) continue
    const readAfter = updated.some((kernel, later) => later > at && kernel.slots.some((slot) => slot.node === leaf))
    if (!readAfter) updated[at] = inPlace(updated[at]!, node, leaf) ?? updated[at]!
  }
  return updated
}

function inPlace(kernel: Kernel, node: Node, leaf: Node): Kernel | undefined {
  const reading = kernel.slots.findIndex((slot) => slot.node === leaf && slot.access === 'read')
  const writing = kernel.slots.findIndex((slot) => slot.node === node && slot.access === 'write')
  if (reading < 0 || (kernel.kind !== 'map' && kernel.kind !== 'row')) return undefined
  const stores = storesOf(kernel)
  const target = stores.find((store) => store.slot === writing)!
  const place = keyOfIndex(target.index)
  // In a row, what all lanes read along the way must not change under them: only the stores at the end may read the leaf.
  const elsewhere = kernel.kind === 'row' ? kernel.stages.map(({ value }) => value) : []
  if (elsewhere.some((value) => loadsOf(value, reading).length > 0)) return undefined
  const beside = kernel.kind === 'row' ? (kernel.results.includes(target) ? kernel.stores : kernel.results) : []
  if (beside.some(({ value }) => loadsOf(value, reading).length > 0)) return undefined
  if (stores.some(({ value }) => loadsOf(value, reading).some((load) => keyOfIndex(load.index) !== place)))
    return undefined
  // The written tensor's slot goes; the leaf's takes its place.
  const renumber = (slot: number): number => (slot > writing ? slot - 1 : slot)
  const slots = kernel.slots
    .map((slot, i): KernelSlot => (i === reading ? { node: leaf, access: 'update' } : slot))
    .filter((_, i) => i !== writing)
  return rewriteKernel({ ...kernel, slots }, { slot: (slot) => renumber(slot === writing ? reading : slot) })
}

type Load = Extract<Scalar, { kind: 'load' }>
function loadsOf(scalar: Scalar, slot: number): Load[] {
  const loads: Load[] = []
  walkScalar(scalar, { scalar: (s) => s.kind === 'load' && s.slot === slot && loads.push(s) })
  return loads
}
