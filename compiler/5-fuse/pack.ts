/**
 * Values per row that a kernel with too many tensors reads are put side by side in one tensor first: the maximum, the
 * sum and the derivative's sum of attention's queries, beside queries, keys, values, masks and biases.
 *
 *     reads a[rows], b[rows], c[rows]   →   a small kernel writes p = [a, b, c]; reads p[0, rows], p[1, rows], p[2, rows]
 */

import { type Dim, dim, multiply, product } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import { axisIndex, flattenIndex, insideGuard, offsetIndex } from '../ir/index.ts'
import type { Axis, Kernel, KernelSlot, MapKernel } from '../ir/kernel.ts'
import { countTensors } from '../ir/kernel-slots.ts'
import { Scalars } from '../ir/scalars.ts'
import { likenessOf } from '../ops/interning.ts'
import { lowerOf } from '../ops/registry.ts'
import { rewriteKernel } from './kernel-parts.ts'

/** Whether a value is made of reductions alone. */
function isPerRow(value: Node): boolean {
  let found = false
  const seen = new Set<Node>()
  const pending = [value]
  while (pending.length > 0) {
    const node = pending.pop()!
    if (seen.has(node)) continue
    seen.add(node)
    const { kind } = lowerOf(node)
    if (kind === 'reduce') found = true
    else if (kind === 'map' || kind === 'view') pending.push(...node.operands)
    else if (kind !== 'index') return false
  }
  return found
}

/** The slots that can become one: read floats of one shape that are made of reductions, the most of them. */
export function packable(slots: readonly KernelSlot[]): readonly number[] {
  const byShape = new Map<Dim, number[]>()
  slots.forEach(({ node, access }, slot) => {
    if (access !== 'read' || node.dtype !== 'float' || !isPerRow(node)) return
    const size = product(node.shape)
    byShape.set(size, [...(byShape.get(size) ?? []), slot])
  })
  return [...byShape.values()].reduce((most, list) => (list.length > most.length ? list : most), [])
}

/** Kernels that bind too many tensors read packed ones; what packs them is added. */
export function packTooLarge(kernels: readonly Kernel[], most: number): Kernel[] {
  const packs = new Map<string, MapKernel>()
  const changed = kernels.map((kernel) => {
    const members = countTensors(kernel.slots) > most ? [...packable(kernel.slots)] : []
    if (members.length < 2) return kernel
    members.sort((a, b) => kernel.slots[a]!.node.id - kernel.slots[b]!.node.id)
    const nodes = members.map((slot) => kernel.slots[slot]!.node)
    const key = nodes.map(({ id }) => id).join()
    const pack = packs.get(key) ?? packKernel(nodes)
    packs.set(key, pack)
    return readingPacked(kernel, members, pack.slots.at(-1)!.node)
  })
  return [...packs.values(), ...changed]
}

function readingPacked(kernel: Kernel, members: readonly number[], packed: Node): Kernel {
  const size = product(kernel.slots[members[0]!]!.node.shape)
  const [first, ...others] = members
  const kept = kernel.slots.flatMap((_, slot) => (others.includes(slot) ? [] : [slot]))
  const slots = kept.map(
    (slot): KernelSlot => (slot === first ? { node: packed, access: 'read' } : kernel.slots[slot]!),
  )
  return rewriteKernel(
    { ...kernel, slots },
    {
      slot: (slot) => kept.indexOf(members.includes(slot) ? first! : slot),
      place: (slot, index) =>
        members.includes(slot) ? offsetIndex(index, multiply(dim(members.indexOf(slot)), size)) : index,
    },
  )
}

function packKernel(nodes: readonly Node[]): MapKernel {
  const { shape } = nodes[0]!
  const size = product(shape)
  const scalars = new Scalars()
  const which: Axis = { name: 'i0', extent: dim(nodes.length) }
  const element: Axis = { name: 'i1', extent: size }
  const loads = nodes.map((_, slot) => scalars.load(slot, axisIndex(element), 'float'))
  const value = loads.reduceRight((otherwise, load, at) =>
    scalars.guarded([insideGuard(axisIndex(which), dim(at + 1))], load, otherwise),
  )
  const packed = packedNode(nodes)
  return {
    kind: 'map',
    name: `map_pack_${nodes.length}`,
    slots: [...nodes.map((node): KernelSlot => ({ node, access: 'read' })), { node: packed, access: 'write' }],
    nodes: [],
    origins: [],
    stops: [],
    axes: [which, element],
    stores: [
      { slot: nodes.length, index: flattenIndex([axisIndex(which), axisIndex(element)], [which.extent, size]), value },
    ],
  }
}

/** No node of the graph: its number is below all of those, and no other pack's. */
function packedNode(operands: readonly Node[]): Node {
  const [first] = operands as [Node]
  const row = { shape: [dim(1), ...first.shape] }
  const rows = operands.map(
    (node): Node => ({
      id: -1,
      op: 'reshape',
      operands: [node],
      attributes: row,
      shape: row.shape,
      dtype: 'float',
      likeness: likenessOf('reshape', row),
    }),
  )
  return {
    id: -2 - (Math.max(...operands.map(({ id }) => id)) * 8 + operands.length),
    op: 'concat',
    operands: rows,
    attributes: { axis: 0 },
    shape: [dim(operands.length), ...first.shape],
    dtype: 'float',
    likeness: likenessOf('concat', { axis: 0 }),
  }
}
