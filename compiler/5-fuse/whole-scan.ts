/**
 * The kernels of a recurrence's body → one kernel over all turns, where no batch row reads what another has written.
 *
 * before: a loop of dispatches        after: one dispatch, in which each batch row runs all turns
 *
 * Found by structure: some dim leads every tensor that the body writes, and each kernel reads and writes those tensors
 * at one index of it. Where there is none, a recurrence of little state is one row as a whole.
 */
import { type Dim, exactQuotient, one, product, subtract, zero } from '../ir/dim.ts'
import type { Result } from '../ir/graph.ts'
import { addIndex, axisIndex, keyOfIndex, offsetIndex, partsOf, scaleIndex, sumIndex, zeroIndex } from '../ir/index.ts'
import { boundsOf, isNonNegative } from '../ir/index-bounds.ts'
import type {
  Axis,
  ContractKernel,
  Guard,
  Index,
  Kernel,
  KernelSlot,
  MapKernel,
  RowKernel,
  Scalar,
  ScanKernel,
  ScanPhase,
} from '../ir/kernel.ts'
import type { ScanStop } from '../ir/scan-stop.ts'
import { copyKernel } from './copy.ts'
import { innerScalarsOf, rewriteKernel, storesOf } from './kernel-parts.ts'
import { isSliceOf, type LoopPlaces } from './loops.ts'
import { walkIndex } from './scalar-walk.ts'

/** How a carry starts: a kernel that writes it, and the name of the carry's leaf. */
export interface CarryStart {
  readonly name: string
  readonly kernel: MapKernel
  /** Whether anyone reads it after the last turn. */
  readonly last: boolean
}

export type WholeScan = { readonly whole: ScanKernel } | { readonly stop: ScanStop }

type Phased = MapKernel | RowKernel | ContractKernel

/** A recurrence without rows of its own is run by one row up to so many products a turn. */
const mostLonely = 16_384

export function wholeScan(
  kernels: readonly Kernel[],
  results: readonly Result[],
  starts: readonly CarryStart[],
  places: LoopPlaces,
): WholeScan {
  const complete = withCarryCopies(kernels, results)
  if (!complete) return { stop: { kind: 'carry' } }
  const odd = complete.find((kernel) => !isPhased(kernel))
  if (odd) return { stop: { kind: 'form', form: odd.kind, ops: odd.nodes.map((node) => node.op) } }
  const phased = complete.filter(isPhased)
  const written = new Set(phased.flatMap((k) => k.slots.filter((s) => s.access !== 'read').map(keyOf)))
  const shapes = phased.flatMap((k) => k.slots.filter((s) => s.access !== 'read').map((s) => s.node.shape))
  const [leading] = shapes[0] ?? []
  let stop: ScanStop = {
    kind: 'leading',
    shapes: [...new Set(shapes.map((shape) => `[${shape.map((d) => d.key).join(', ')}]`))],
  }
  if (leading && shapes.every((shape) => shape[0] === leading)) {
    const made = assemble(phased, starts, written, leading, places)
    if ('whole' in made) return made
    stop = made.stop
  }
  const terms = termsOf(phased)
  if (terms === undefined || terms > mostLonely) return { stop }
  const lonely = assemble(phased, starts, written, one, places)
  return 'whole' in lonely ? lonely : { stop }
}

const isPhased = (kernel: Kernel): kernel is Phased =>
  kernel.kind === 'map' || kernel.kind === 'row' || kernel.kind === 'contract'

const keyOf = (slot: KernelSlot): string => slot.place ?? `%${slot.node.id}`

function assemble(
  kernels: readonly Phased[],
  starts: readonly CarryStart[],
  written: ReadonlySet<string>,
  rows: Dim,
  places: LoopPlaces,
): WholeScan {
  const batch: Axis = { name: 'b', extent: rows }
  const time: Axis = { name: 't', extent: places.length }
  const slots = new SlotTable()
  const phasesOf = (list: readonly Phased[], inLoop: boolean): ScanPhase[] | ScanStop => {
    const phases: ScanPhase[] = []
    for (const kernel of list) {
      const byOne = byRow(kernel, batch, written)
      if (!byOne) return { kind: 'rows', dim: rows.key, ops: kernel.nodes.map((node) => node.op) }
      phases.push(asPhase(byOne, time, slots, inLoop ? places : undefined))
    }
    return phases
  }
  const before = phasesOf(
    starts.map(({ kernel }) => kernel),
    false,
  )
  if (!Array.isArray(before)) return { stop: before }
  const phases = phasesOf(kernels, true)
  if (!Array.isArray(phases)) return { stop: phases }
  const names = new Set(starts.map(({ name }) => name))
  const carries = slots.numbers(({ node, place }) => place === undefined && names.has(leafName(node)))
  return {
    whole: {
      kind: 'scan',
      name: `scan_${phases.length}`,
      slots: slots.list,
      nodes: kernels.flatMap((k) => k.nodes),
      origins: kernels.flatMap((k) => k.origins),
      stops: kernels.flatMap((k) => k.stops),
      batch,
      time,
      reverse: places.reverse,
      before,
      phases,
      carries: carries.map((slot) => ({
        slot,
        last: starts.some(({ name, last }) => last && name === leafName(slots.list[slot]!.node)),
      })),
      temporaries: slots.numbers(
        ({ access, place }, slot) => access !== 'read' && !carries.includes(slot) && !places.yields.has(place ?? ''),
      ),
    },
  }
}

const leafName = (node: KernelSlot['node']): string => (node.attributes as { readonly name?: string }).name ?? ''

/** The slots of all phases: a tensor has one, which is written if any phase writes it. */
class SlotTable {
  readonly list: KernelSlot[] = []
  readonly #numbers = new Map<string, number>()

  number(slot: KernelSlot): number {
    const key = keyOf(slot)
    const known = this.#numbers.get(key)
    const access = slot.access === 'read' ? 'read' : 'write'
    if (known === undefined) {
      this.#numbers.set(key, this.list.length)
      this.list.push({ ...slot, access })
      return this.list.length - 1
    }
    if (access === 'write') this.list[known] = { ...this.list[known]!, access }
    return known
  }

  numbers(which: (slot: KernelSlot, number: number) => boolean): number[] {
    return this.list.flatMap((slot, number) => (which(slot, number) ? [number] : []))
  }
}

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

/** The kernel with one axis that is the batch row, found or split off another; `undefined` where rows mix. */
function byRow(kernel: Phased, batch: Axis, written: ReadonlySet<string>): Phased | undefined {
  if (batch.extent === one) return kernel
  for (const axis of axesOf(kernel)) {
    const rest = axis.extent === batch.extent ? undefined : exactQuotient(axis.extent, batch.extent)
    if (axis.extent !== batch.extent && !rest) continue
    const inner: Axis | undefined = rest && { name: axis.name, extent: rest }
    const row = inner ? addIndex(scaleIndex(axisIndex(batch), inner.extent), axisIndex(inner)) : axisIndex(batch)
    const upright = kernel.kind === 'contract' && kernel.columns.includes(axis) ? turned(kernel) : kernel
    const split = rewriteKernel(upright, { axis: (a) => (a === axis ? row : undefined) }, (list) =>
      list.flatMap((a) => (a === axis ? (inner ? [inner] : []) : [a])),
    )
    if (isPhased(split) && keepsRows(split, batch, written)) return split
  }
  return undefined
}

function axesOf(kernel: Phased): readonly Axis[] {
  switch (kernel.kind) {
    case 'map':
      return kernel.axes
    case 'row':
      return kernel.outer
    case 'contract':
      return [...kernel.batch, ...kernel.rows, ...kernel.columns]
    default:
      return kernel satisfies never
  }
}

/** A contraction whose batch rows are its columns, the other way round. */
const turned = (kernel: ContractKernel): ContractKernel => ({
  ...kernel,
  rows: kernel.columns,
  columns: kernel.rows,
  left: kernel.right,
  right: kernel.left,
})

/**
 * Every access to a tensor that the body writes is at this batch row: `row · (elements of a row) + less than a row`, the
 * latter by the axes' extents or by a guard around it.
 */
function keepsRows(kernel: Phased, batch: Axis, written: ReadonlySet<string>): boolean {
  const isKept = (slot: number, index: Index, { guards, facts }: Known): boolean => {
    const bound = kernel.slots[slot]!
    if (!written.has(keyOf(bound))) return true
    const size = product(bound.node.shape.slice(1))
    const { terms, offset } = partsOf(index)
    const others = terms.filter((term) => !(term.index.kind === 'axis' && term.index.axis === batch))
    const own = terms.find((term) => term.index.kind === 'axis' && term.index.axis === batch)
    const rest = sumIndex(others, offset)
    return (
      own?.factor === size && (isWithin(rest, size, facts) || guards.some((guard) => isWithinBy(guard, rest, size)))
    )
  }
  const seen = new Map<Scalar, Set<string>>()
  const keeps = (scalar: Scalar, known: Known): boolean => {
    // A part that is shared is looked at once for each set of guards around it.
    const under = [...known.guards.map((guard) => guard.index), zeroIndex, ...known.facts].map(keyOfIndex).join(' ')
    const done = seen.get(scalar) ?? new Set()
    if (done.has(under)) return true
    seen.set(scalar, done.add(under))
    if (scalar.kind === 'load' && !isKept(scalar.slot, scalar.index, known)) return false
    if (scalar.kind === 'guarded')
      return (
        keeps(scalar.otherwise, failing(scalar.guards, known)) && keeps(scalar.value, holding(scalar.guards, known))
      )
    return scalarsIn(scalar).every((inner) => keeps(inner, known))
  }
  const nothing: Known = { guards: [], facts: [] }
  return (
    innerScalarsOf(kernel).every((scalar) => keeps(scalar, nothing)) &&
    storesOf(kernel).every(({ slot, index, value }) => isKept(slot, index, nothing) && keeps(value, nothing))
  )
}

/** What holds at some place of an expression: guards, and indices that are not negative. */
interface Known {
  readonly guards: readonly Guard[]
  readonly facts: readonly Index[]
}

const holding = (guards: readonly Guard[], known: Known): Known => ({ ...known, guards: [...known.guards, ...guards] })

/** Where `0 ≤ index < size` fails and the index is not negative, it is at least the size. */
function failing(guards: readonly Guard[], known: Known): Known {
  const [guard, ...others] = guards
  if (guard?.kind !== 'inside' || others.length > 0 || !isAboveZero(guard.index, known.facts)) return known
  return { ...known, facts: [...known.facts, offsetIndex(guard.index, subtract(zero, guard.size))] }
}

function isAboveZero(index: Index, facts: readonly Index[]): boolean {
  return [zeroIndex, ...facts].some((fact) => {
    const { low } = boundsOf(addIndex(index, scaleIndex(fact, subtract(zero, one))))
    return low !== undefined && isNonNegative(low)
  })
}

function isWithin(index: Index, size: Dim, facts: readonly Index[] = []): boolean {
  const { high } = boundsOf(index)
  return !!high && isAboveZero(index, facts) && isNonNegative(subtract(subtract(size, high), one))
}

/** The same where the guard holds: what is guarded is replaced by an axis of the guard's size. */
function isWithinBy(guard: Guard, index: Index, size: Dim): boolean {
  if (guard.kind !== 'inside') return false
  const [first] = partsOf(guard.index).terms
  const match = first && partsOf(index).terms.find((term) => keyOfIndex(term.index) === keyOfIndex(first.index))
  const factor = match && exactQuotient(match.factor, first.factor)
  if (!factor) return false
  const inside: Axis = { name: 'g', extent: guard.size }
  const without = addIndex(index, scaleIndex(guard.index, subtract(zero, factor)))
  return isWithin(addIndex(without, scaleIndex(axisIndex(inside), factor)), size)
}

/** The scalars directly below one, those in its indices included. */
function scalarsIn(scalar: Scalar): Scalar[] {
  switch (scalar.kind) {
    case 'apply':
      return [...scalar.arguments]
    case 'reduce':
      return [scalar.value]
    case 'load':
    case 'position': {
      const found: Scalar[] = []
      walkIndex(scalar.index, { index: (i) => i.kind === 'data' && found.push(i.value) })
      return found
    }
    case 'guarded':
      return [scalar.value, scalar.otherwise]
    case 'number':
    case 'stage':
    case 'accumulator':
      return []
    default:
      return scalar satisfies never
  }
}

/** A kernel as a phase: its slots renumbered among all, stacks read and written at the turn. */
function asPhase(kernel: Phased, time: Axis, slots: SlotTable, places: LoopPlaces | undefined): ScanPhase {
  const numbers = kernel.slots.map((slot) => slots.number(slot))
  const placed = rewriteKernel(kernel, {
    slot: (slot) => numbers[slot]!,
    place: (slot, index) => {
      const bound = kernel.slots[slot]!
      return places && isSliceOf(bound, places.elements, places.yields)
        ? addIndex(scaleIndex(axisIndex(time), product(bound.node.shape)), index)
        : index
    },
  })
  switch (placed.kind) {
    case 'map':
      return { kind: 'map', axes: placed.axes, stores: placed.stores }
    case 'row': {
      const { row, stages, stores, results } = placed
      return { kind: 'row', outer: placed.outer, row, stages, stores, results }
    }
    case 'contract': {
      const { batch, rows, columns, depth, left, right, stores } = placed
      return { kind: 'contract', batch, rows, columns, depth, left, right, stores }
    }
    default:
      throw new Error(`a ${placed.kind} kernel is no phase`)
  }
}

/** Products and other steps in one turn of all rows; `undefined` where free dims are in it. */
function termsOf(kernels: readonly Phased[]): number | undefined {
  let terms = 0
  for (const kernel of kernels) {
    const inner = kernel.kind === 'contract' ? kernel.depth : kernel.kind === 'row' ? kernel.row : []
    const size = product([...axesOf(kernel), ...inner].map((axis) => axis.extent)).constant
    if (size === undefined) return undefined
    terms += size
  }
  return terms
}
