/**
 * The kernels of a loop's body → kernels that know which turn it is: elements are read, and yields written, at the
 * turn's place in their stacks; a value that goes to several places is stored to each by the kernel that makes it.
 *
 * A slice of a stack cannot be bound by itself (WebGPU binds at multiples of 256 bytes), so the whole stack is bound
 * and the number of the turn, read from memory, is part of the index.
 */
import { type Dim, product } from '../ir/dim.ts'
import type { Node, Result } from '../ir/graph.ts'
import { addIndex, dataIndex, scaleIndex, zeroIndex } from '../ir/index.ts'
import type { Index, Kernel, KernelSlot, Store } from '../ir/kernel.ts'
import { Scalars } from '../ir/scalars.ts'
import type { KernelSegment, Segment } from '../lowered.ts'
import { GraphBuilder } from '../ops/builder.ts'
import { lowerOf } from '../ops/registry.ts'
import { copyKernel } from './copy.ts'
import { rewriteKernel } from './kernel-parts.ts'

export interface LoopPlaces {
  readonly iteration: Node
  readonly length: Dim
  readonly reverse: boolean
  /** Names of leaves that are slices of stacks. */
  readonly elements: ReadonlySet<string>
  /** Names of results that are slices of stacks. */
  readonly yields: ReadonlySet<string>
}

export function loopKernels(segments: readonly Segment[], places: LoopPlaces): Segment[] {
  return segments.map((segment) => {
    if (segment.kind === 'loop') return segment
    const placed = placeResults(segment, places)
    return { ...segment, results: placed.results, kernels: placed.kernels.map((kernel) => atTurn(kernel, places)) }
  })
}

/** Yields leave the list of results: from here on they are places that kernels write. */
export function placeResults(
  { kernels, results }: Pick<KernelSegment, 'kernels' | 'results'>,
  places: LoopPlaces,
): { kernels: Kernel[]; results: Result[] } {
  let placed: Kernel[] = [...kernels]
  const isElement = (node: Node) =>
    lowerOf(node).kind === 'leaf' && places.elements.has((node.attributes as { readonly name?: string }).name ?? '')
  const kept = results.flatMap((result): Result[] => {
    if (places.yields.has(result.name)) return []
    if (!isElement(result.node)) return [result]
    // A slice of a stack that is a result as it lies: it is copied out first, and is a tensor of its own from then on.
    const name = result.replaces ? `${result.name} as given` : result.name
    const copy = copyKernel(result.node, result.node)
    placed = [{ ...copy, slots: [copy.slots[0]!, { ...copy.slots[1]!, place: name }] }, ...placed]
    return result.replaces
      ? [{ ...result, node: new GraphBuilder().input(name, result.node.shape, result.node.dtype, 'cut') }]
      : []
  })
  for (const { name, node } of results) {
    if (!places.yields.has(name)) continue
    const writer = placed.findIndex((k) =>
      k.slots.some((s) => s.node === node && s.access === 'write' && s.place === undefined),
    )
    const writing = placed[writer]
    const alone =
      !kept.some((r) => r.node === node) &&
      !placed.some((k) => k.slots.some((s) => s.node === node && s.access === 'read'))
    // A scatter fills its output whole and by its own indices: it cannot write into a stack.
    if (lowerOf(node).kind === 'leaf' || !writing || writing.kind === 'scatter' || !alone)
      placed = withDestination(placed, node, name, writer)
    else
      placed[writer] = {
        ...writing,
        slots: writing.slots.map((s) =>
          s.node === node && s.access === 'write' && s.place === undefined ? { ...s, place: name } : s,
        ),
      }
  }
  return { kernels: placed, results: kept }
}

/** The value is also stored to `name`: by the kernel that makes it where that has plain stores, else by a copy. */
function withDestination(kernels: readonly Kernel[], node: Node, name: string, writer: number): Kernel[] {
  const kernel = kernels[writer]
  if (kernel && (kernel.kind === 'map' || kernel.kind === 'row' || kernel.kind === 'contract')) {
    const from = kernel.slots.findIndex((s) => s.node === node && s.access === 'write')
    const slot: KernelSlot = { node, access: 'write', place: name }
    const twice = (stores: readonly Store[]): Store[] =>
      stores.flatMap((s) => (s.slot === from ? [s, { ...s, slot: kernel.slots.length }] : [s]))
    const slots = [...kernel.slots, slot]
    const doubled: Kernel =
      kernel.kind === 'row'
        ? { ...kernel, slots, stores: twice(kernel.stores), results: twice(kernel.results) }
        : { ...kernel, slots, stores: twice(kernel.stores) }
    return kernels.map((k) => (k === kernel ? doubled : k))
  }
  const copy = copyKernel(node, node)
  const placedCopy: Kernel = { ...copy, slots: [copy.slots[0]!, { ...copy.slots[1]!, place: name }] }
  // A leaf is read before anything can have replaced it.
  return lowerOf(node).kind === 'leaf' ? [placedCopy, ...kernels] : [...kernels, placedCopy]
}

/** Adds the turn's number to the kernel and to the indices of everything that is a slice of a stack. */
function atTurn(kernel: Kernel, { iteration, length, elements, yields }: LoopPlaces): Kernel {
  const isSlice = (slot: KernelSlot) => isSliceOf(slot, elements, yields)
  if (!kernel.slots.some(isSlice)) return kernel
  const turnSlot = kernel.slots.length
  const turn = dataIndex(new Scalars().load(turnSlot, zeroIndex, 'int'), length)
  const place = (slot: number, index: Index): Index => {
    const bound = kernel.slots[slot]
    return bound && isSlice(bound) ? addIndex(scaleIndex(turn, product(bound.node.shape)), index) : index
  }
  return rewriteKernel({ ...kernel, slots: [...kernel.slots, { node: iteration, access: 'read' }] }, { place })
}

/** Whether a slot is one turn's part of a stack. */
export function isSliceOf(
  { node, place }: KernelSlot,
  elements: ReadonlySet<string>,
  yields: ReadonlySet<string>,
): boolean {
  if (place !== undefined) return yields.has(place)
  return lowerOf(node).kind === 'leaf' && elements.has((node.attributes as { readonly name?: string }).name ?? '')
}
