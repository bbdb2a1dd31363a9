/**
 * A kernel that only puts tensors one after another vanishes: what makes a part writes it where it belongs.
 *
 *     a → memory, b → memory, c = concat(a, b)   →   a → the first part of c, b → the rest of c
 *
 * Whoever reads a part reads it there. A part stays apart where it is a result of its own, where one kernel would read
 * and write the joined tensor, and where the parts do not lie one after another in it.
 */
import { add, type Dim, dim, product } from '../ir/dim.ts'
import type { Node, Result } from '../ir/graph.ts'
import { offsetIndex } from '../ir/index.ts'
import type { Kernel, KernelSlot } from '../ir/kernel.ts'
import { lowerOf } from '../ops/registry.ts'
import { joinedAxis, keepsOrder } from '../ops/structure.ts'
import { rewriteKernel, storesOf } from './kernel-parts.ts'

export function joinInPlace(kernels: readonly Kernel[], results: readonly Result[]): Kernel[] {
  const fixed = new Set(results.flatMap(({ node, replaces }) => (replaces ? [node, replaces] : [node])))
  let all = [...kernels]
  for (const kernel of kernels) {
    const parts = joinedBy(kernel)
    if (!parts) continue
    const others = all.filter((other) => other !== kernel)
    const joined = kernel.slots.find(({ access }) => access === 'write')!.node
    const touched = others.filter(({ slots }) => slots.some(({ node }) => parts.has(node)))
    if (![...parts.keys()].every((part) => !fixed.has(part) && isMadeOnce(part, others))) continue
    if (!touched.every((other) => isOneSided(other, parts, joined))) continue
    const rewritten = new Map(touched.map((other) => [other, moved(other, parts, joined)]))
    const last = touched.findLastIndex(({ slots }) =>
      slots.some(({ node, access }) => access === 'write' && parts.has(node)),
    )
    const writer = touched[last]!
    rewritten.set(writer, {
      ...rewritten.get(writer)!,
      nodes: [...writer.nodes, ...kernel.nodes],
      stops: [...writer.stops.filter(({ producer }) => !parts.has(producer)), ...kernel.stops],
    })
    all = others.map((other) => rewritten.get(other) ?? other)
  }
  return all
}

/** The tensors that a kernel joins and where each begins in the result; `undefined` where it does anything else. */
function joinedBy(kernel: Kernel): ReadonlyMap<Node, Dim> | undefined {
  if (kernel.kind !== 'map' || kernel.stores.length !== 1) return undefined
  if (kernel.slots.some(({ place, part }) => place !== undefined || part)) return undefined
  if (kernel.nodes.length === 0 || kernel.nodes.some((node) => lowerOf(node).kind !== 'view')) return undefined
  const written = kernel.slots.filter(({ access }) => access === 'write')
  if (written.length !== 1 || kernel.slots.some(({ access }) => access === 'update')) return undefined
  const read = new Set(kernel.slots.filter(({ access }) => access === 'read').map(({ node }) => node))
  const unviewed = (node: Node): Node => (!read.has(node) && keepsOrder(node) ? unviewed(node.operands[0]!) : node)
  const join = unviewed(written[0]!.node)
  const axis = joinedAxis(join)
  if (axis === undefined || product(join.shape.slice(0, axis)) !== dim(1)) return undefined
  const parts = new Map<Node, Dim>()
  let start = dim(0)
  for (const operand of join.operands) {
    const part = unviewed(operand)
    if (!read.has(part) || parts.has(part) || part.dtype !== join.dtype || lowerOf(part).kind === 'leaf')
      return undefined
    parts.set(part, start)
    start = add(start, product(part.shape))
  }
  return parts
}

/** Whether one kernel, whose stores know where they go, makes all of a tensor. */
function isMadeOnce(part: Node, kernels: readonly Kernel[]): boolean {
  const makers = kernels.filter(({ slots }) => slots.some(({ node, access }) => node === part && access !== 'read'))
  return makers.length === 1 && makers[0]!.slots.every((slot) => slot.node !== part || storesTo(makers[0]!, slot))
}
const storesTo = (kernel: Kernel, slot: KernelSlot): boolean =>
  slot.access === 'write' &&
  slot.place === undefined &&
  !slot.part &&
  storesOf(kernel).some((store) => kernel.slots[store.slot] === slot)

/** Whether a kernel touches one part, and nothing else of the joined tensor: no dispatch reads and writes one tensor. */
function isOneSided(kernel: Kernel, parts: ReadonlyMap<Node, Dim>, joined: Node): boolean {
  const mine = kernel.slots.filter(({ node }) => parts.has(node))
  return mine.length === 1 && kernel.slots.every(({ node }) => node !== joined) && mine[0]!.place === undefined
}

function moved(kernel: Kernel, parts: ReadonlyMap<Node, Dim>, joined: Node): Kernel {
  const slots = kernel.slots.map(
    (slot): KernelSlot => (parts.has(slot.node) ? { ...slot, node: joined, part: product(slot.node.shape) } : slot),
  )
  return rewriteKernel(
    { ...kernel, slots },
    {
      place: (slot, index) => {
        const start = parts.get(kernel.slots[slot]!.node)
        return start ? offsetIndex(index, start) : index
      },
    },
  )
}
