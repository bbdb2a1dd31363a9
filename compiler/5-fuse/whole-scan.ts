/**
 * The kernels of a recurrence's body → one kernel over all turns, where no batch row reads what another has written.
 *
 * before: a loop of dispatches        after: one dispatch, a workgroup for each batch row, barriers between phases
 *
 * Found by structure: some dim leads every tensor that the body writes, and each kernel reads and writes those tensors
 * at one index of it. A contraction becomes a serial sum in each lane, whatever the cell is.
 */
import { type Dim, exactQuotient, product, subtract } from '../ir/dim.ts'
import type { Result } from '../ir/graph.ts'
import { addIndex, axisIndex, partsOf, scaleIndex, sumIndex } from '../ir/index.ts'
import { boundsOf, isNonNegative } from '../ir/index-bounds.ts'
import type { Axis, Index, Kernel, KernelSlot, Scalar, ScanKernel, Store } from '../ir/kernel.ts'
import { Scalars } from '../ir/scalars.ts'
import type { KernelSegment } from '../lowered.ts'
import { copyKernel } from './copy.ts'
import { rewriteKernel, walkKernel } from './kernel-parts.ts'
import { isSliceOf, type LoopPlaces } from './loops.ts'
import { rewriter } from './scalar-walk.ts'

/** Storage buffers that one dispatch may bind: what all but the smallest adapters allow. */
const mostSlots = 10

export function wholeScan({ kernels, results }: KernelSegment, places: LoopPlaces): ScanKernel | undefined {
  const complete = withCarryCopies(kernels, results)
  if (!complete) return undefined
  const written = new Set(complete.flatMap((k) => k.slots.filter((s) => s.access !== 'read').map(keyOf)))
  for (const extent of leadingDims(complete)) {
    const batch: Axis = { name: 'b', extent }
    const time: Axis = { name: 't', extent: places.length }
    const slots = new Map<string, { slot: KernelSlot; index: number }>()
    const phases: { axes: readonly Axis[]; stores: readonly Store[] }[] = []
    for (const kernel of complete) {
      const rows = byRow(kernel, batch, written)
      const phase = rows && asPhase(rows, batch, time, slots, places)
      if (!phase) break
      phases.push(phase)
    }
    if (phases.length < complete.length || slots.size > mostSlots) continue
    return {
      kind: 'scan',
      name: `scan_${complete.length}`,
      slots: [...slots.values()].map(({ slot }) => slot),
      nodes: complete.flatMap((k) => k.nodes),
      origins: complete.flatMap((k) => k.origins),
      stops: complete.flatMap((k) => k.stops),
      batch,
      time,
      reverse: places.reverse,
      phases,
    }
  }
  return undefined
}

const keyOf = (slot: KernelSlot): string => slot.place ?? `%${slot.node.id}`

/**
 * Carries are replaced as the plan would do it: at once where nobody reads the old value any more, else set aside and
 * copied in a last phase. `undefined` where a carry takes another's place as it lies.
 */
function withCarryCopies(kernels: readonly Kernel[], results: readonly Result[]): Kernel[] | undefined {
  const placed = [...kernels]
  const copies: Kernel[] = []
  for (const { node, replaces } of results) {
    if (!replaces) return undefined
    const writer = placed.findIndex((k) =>
      k.slots.some((s) => s.access !== 'read' && s.place === undefined && (s.node === node || s.node === replaces)),
    )
    const kernel = placed[writer]
    if (!kernel) return undefined
    const updated = kernel.slots.some((s) => s.access === 'update' && s.node === replaces)
    const readsOld = placed.some(
      (k, at) => at >= writer && k.slots.some((s) => s.node === replaces && s.access === 'read'),
    )
    if (!updated && readsOld) {
      copies.push(copyKernel(node, replaces))
      continue
    }
    // The new value is in the carry's own place from its writer on: that is where the others read it.
    const inCarry = (slot: KernelSlot): KernelSlot =>
      slot.node === node && slot.place === undefined ? { ...slot, node: replaces } : slot
    placed.forEach((k, at) => {
      placed[at] = { ...k, slots: k.slots.map(inCarry) }
    })
  }
  return [...placed, ...copies]
}

/** Dims that lead every tensor the body writes. */
function leadingDims(kernels: readonly Kernel[]): Dim[] {
  const shapes = kernels.flatMap((k) => k.slots.filter((s) => s.access !== 'read').map((s) => s.node.shape))
  const [first] = shapes[0] ?? []
  return first && shapes.every((shape) => shape[0] === first) ? [first] : []
}

/** The kernel with one axis that is the batch row, found or split off another; `undefined` where rows mix. */
function byRow(kernel: Kernel, batch: Axis, written: ReadonlySet<string>): Kernel | undefined {
  if (kernel.kind !== 'map' && kernel.kind !== 'contract') return undefined
  const axes = kernel.kind === 'map' ? kernel.axes : [...kernel.batch, ...kernel.rows, ...kernel.columns]
  for (const axis of axes) {
    const rest = axis.extent === batch.extent ? undefined : exactQuotient(axis.extent, batch.extent)
    if (axis.extent !== batch.extent && !rest) continue
    const inner: Axis | undefined = rest && { name: axis.name, extent: rest }
    const row = inner ? addIndex(scaleIndex(axisIndex(batch), inner.extent), axisIndex(inner)) : axisIndex(batch)
    const split = rewriteKernel(kernel, { axis: (a) => (a === axis ? row : undefined) }, (list) =>
      list.flatMap((a) => (a === axis ? (inner ? [inner] : []) : [a])),
    )
    if (keepsRows(split, batch, written)) return split
  }
  return undefined
}

/** Every access to a tensor that the body writes is at this batch row: `row · (elements of a row) + less than a row`. */
function keepsRows(kernel: Kernel, batch: Axis, written: ReadonlySet<string>): boolean {
  let keeps = true
  const check = (slot: number, index: Index) => {
    const bound = kernel.slots[slot]!
    if (!written.has(keyOf(bound))) return
    const size = product(bound.node.shape.slice(1))
    const { terms, offset } = partsOf(index)
    const others = terms.filter((term) => !(term.index.kind === 'axis' && term.index.axis === batch))
    const own = terms.find((term) => term.index.kind === 'axis' && term.index.axis === batch)
    if (batch.extent.constant !== 1 && own?.factor !== size) keeps = false
    const { low, high } = boundsOf(sumIndex(others, offset))
    if (!low || !high || !isNonNegative(low) || !isNonNegative(subtract(subtract(size, high), one))) keeps = false
  }
  walkKernel(kernel, { scalar: (s) => s.kind === 'load' && check(s.slot, s.index) })
  for (const { slot, index } of kernel.kind === 'map' || kernel.kind === 'contract' ? kernel.stores : [])
    check(slot, index)
  return keeps
}

/** A kernel as a phase: its slots renumbered among all, stacks read and written at the turn, a contraction a sum in place. */
function asPhase(
  kernel: Kernel,
  batch: Axis,
  time: Axis,
  slots: Map<string, { slot: KernelSlot; index: number }>,
  { elements, yields }: LoopPlaces,
): { axes: readonly Axis[]; stores: readonly Store[] } | undefined {
  if (kernel.kind !== 'map' && kernel.kind !== 'contract') return undefined
  const numbers = kernel.slots.map((slot) => {
    const key = keyOf(slot)
    const known = slots.get(key)
    const access =
      slot.access === 'read' && (known?.slot.access ?? 'read') === 'read' ? ('read' as const) : ('write' as const)
    const index = known?.index ?? slots.size
    slots.set(key, { slot: { ...(known?.slot ?? slot), access }, index })
    return index
  })
  const scalars = new Scalars()
  const place = (slot: number, index: Index): Index => {
    const bound = kernel.slots[slot]!
    return isSliceOf(bound, elements, yields)
      ? addIndex(scaleIndex(axisIndex(time), product(bound.node.shape)), index)
      : index
  }
  const slot = (n: number) => numbers[n]!
  const plain = rewriter(scalars, { slot, place })
  let sum: Scalar | undefined
  if (kernel.kind === 'contract') {
    const term = scalars.apply('mul', [plain.scalar(kernel.left), plain.scalar(kernel.right)], 'float')
    sum = kernel.depth.length > 0 ? scalars.reduce('sum', kernel.depth, term, 'float') : term
  }
  const whole = rewriter(scalars, { slot, place, ...(sum && { accumulator: sum }) })
  const axes = kernel.kind === 'map' ? kernel.axes : [...kernel.batch, ...kernel.rows, ...kernel.columns]
  return {
    axes: axes.filter((a) => a !== batch),
    stores: kernel.stores.map((s) => ({
      slot: slot(s.slot),
      index: place(s.slot, whole.index(s.index)),
      value: whole.scalar(s.value),
    })),
  }
}

const one: Dim = product([])
