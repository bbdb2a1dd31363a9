/**
 * Fused phases → one flat list of stages per entry: what each dispatch reads and writes, as memory values.
 *
 * A *value* is what gets a place: a leaf (by name), a result, an intermediate or a scratch tensor. Values are shared
 * between entries only through names.
 */

import type { Storage } from '../../runtime/abi.ts'
import { type Dim, dim, multiply, one, product, scale, substitute } from '../ir/dim.ts'
import type { Node, Result } from '../ir/graph.ts'
import type { Kernel, KernelSlot, MapKernel, ScanKernel } from '../ir/kernel.ts'
import type { ScanStop } from '../ir/scan-stop.ts'
import type {
  EmittedKernel,
  EmittedScan,
  EmittedStage,
  FusedPhase,
  KernelSegment,
  LoopSegment,
  Segment,
  UpdateGroup,
  ValueReference,
} from '../lowered.ts'
import { GraphBuilder } from '../ops/builder.ts'
import { alignment, bytesOf, storageOf } from './sizes.ts'

export type ValueClass =
  | { readonly kind: 'batch'; readonly name: string; readonly role: 'input' | 'target' }
  | { readonly kind: 'step'; readonly name: string }
  | { readonly kind: 'parameter'; readonly path: string }
  /** A parameter once more, in 16 bits. */
  | { readonly kind: 'half'; readonly path: string }
  | { readonly kind: 'gradient'; readonly path: string }
  | {
      readonly kind: 'flat'
      readonly arena: 'parameters' | 'gradients' | 'moments' | 'half'
      readonly group: UpdateGroup | 'all'
      readonly moment?: string
    }
  | { readonly kind: 'state'; readonly path: string }
  /** Kept from one position of an incremental form to the next. */
  | { readonly kind: 'carried'; readonly name: string }
  | { readonly kind: 'result'; readonly name: string; readonly role: Result['role'] }
  | { readonly kind: 'constant'; readonly data: readonly number[] }
  | { readonly kind: 'intermediate' }
  /** The numbers of a loop's turns, 256 bytes apart. */
  | { readonly kind: 'turns' }

export interface MemoryValue {
  readonly key: string
  readonly class: ValueClass
  readonly bytes: Dim
  readonly storage: Storage
  readonly shape: readonly Dim[]
  readonly dtype: Node['dtype']
}

export interface StageBinding {
  readonly value: MemoryValue
  readonly access: 'read' | 'write'
  /** How many bytes of the value the kernel moves, where that is not all of it once: a part, or what is read and written. */
  readonly moved?: Dim | undefined
}

export interface Stage {
  /** A recurrence in one kernel is printed when its tensors have places: those of one arena are bound together. */
  readonly emitted: EmittedStage | EmittedScan
  readonly kernel: Kernel | ScanKernel
  /** First stage of its kernel: carries the kernel's cost. */
  readonly first: boolean
  readonly bindings: readonly StageBinding[]
  /** Values of symbols that are fixed for this phase (`N` of a flat phase). */
  readonly fixed: ReadonlyMap<string, Dim>
}

/** Stages `[first, end)` that run `count` times; an outer loop stands before the loops inside it. */
export interface Loop {
  readonly first: number
  readonly end: number
  readonly count: Dim
  readonly reverse: boolean
  /** What its kernels read the number of the turn from. */
  readonly turns: MemoryValue
}

/** A recurrence of the program: the stages that do it, and why these are more than one. */
export interface Recurrence {
  /** One of its kernels, which knows the source lines. */
  readonly kernel: Kernel | ScanKernel
  readonly first: number
  readonly end: number
  readonly count: Dim
  readonly stop: ScanStop | undefined
}

/** A value must keep its place from one stage to another, whatever binds it: it outlives the turns of a loop. */
export interface Lifetime {
  readonly value: MemoryValue
  readonly from: number
  readonly to: number
}

export interface StagedEntry {
  readonly name: string
  readonly pool: string
  readonly stages: readonly Stage[]
  readonly loops: readonly Loop[]
  readonly recurrences: readonly Recurrence[]
  readonly lifetimes: readonly Lifetime[]
  readonly inputs: readonly MemoryValue[]
  readonly results: readonly MemoryValue[]
}

export interface FusedEntry {
  readonly name: string
  readonly phases: readonly FusedPhase[]
}

/** Entries whose storage is shared: evaluation runs between training steps, one part of a generation after another. */
const pools: Readonly<Record<string, string>> = {
  step: 'training',
  evaluate: 'training',
  begin: 'generation',
  prefill: 'generation',
  advance: 'generation',
  reorder: 'generation',
}
const poolOf = (entry: string): string => pools[entry] ?? entry

export function stageEntry(
  entry: FusedEntry,
  lengths: (group: UpdateGroup | 'all') => number,
  emit: Emit,
  /** Values by key, shared by all entries of a program: equal names are one value. */
  values: Map<string, MemoryValue>,
): StagedEntry {
  const pool = poolOf(entry.name)
  const stages: Stage[] = []
  const loops: Loop[] = []
  const lifetimes: Lifetime[] = []
  const recurrences: Recurrence[] = []
  /** Scalars that earlier phases left, by name. */
  const produced = new Map<string, MemoryValue>()
  const intern = (made: MemoryValue): MemoryValue => {
    values.set(made.key, made)
    return made
  }

  entry.phases.forEach((phase, phaseIndex) => {
    const fixed = new Map<string, Dim>()
    if (phase.flat !== undefined) fixed.set('N', dim(lengths(phase.flat)))
    const make = (key: string, valueClass: ValueClass, node: Typed, storage = storageOf(node.dtype)): MemoryValue =>
      values.get(key) ??
      intern({
        key,
        class: valueClass,
        bytes: substitute(bytesOf(node, storage), fixed),
        storage,
        shape: node.shape.map((d) => substitute(d, fixed)),
        dtype: node.dtype,
      })
    /** Values that segments hand to each other, by name. */
    const named = new Map<string, MemoryValue>()
    const intermediate = (name: string, node: Typed) =>
      make(
        `${entry.name} ${phaseIndex} ${name}`,
        intermediateClass,
        node,
        phase.half?.values.has(node as Node) ? 'f16' : undefined,
      )
    const turnsOf = (length: Dim): MemoryValue => {
      const shape = [substitute(length, fixed)]
      return make(
        `turns ${shape[0]!.key}`,
        { kind: 'turns' },
        { shape: [multiply(dim(alignment / 4), shape[0]!)], dtype: 'uint' },
      )
    }

    const leafValue = (node: Node): MemoryValue | undefined => {
      switch (node.op) {
        case 'parameter':
        case 'state':
        case 'literal': {
          const made = leaves.get(node) ?? namedLeaf(node)
          leaves.set(node, made)
          return made
        }
        case 'input':
          return inputValue(node)
        default:
          return undefined
      }
    }
    /** Of leaves that are the same value throughout the phase. */
    const leaves = new Map<Node, MemoryValue>()
    const namedLeaf = (node: Node<'parameter'> | Node<'state'> | Node<'literal'>): MemoryValue => {
      switch (node.op) {
        case 'parameter':
          if (phase.half?.parameters.has(node.attributes.path))
            return make(`half ${node.attributes.path}`, { kind: 'half', path: node.attributes.path }, node, 'f16')
          return make(`parameter ${node.attributes.path}`, { kind: 'parameter', path: node.attributes.path }, node)
        case 'state':
          return make(`state ${node.attributes.path}`, { kind: 'state', path: node.attributes.path }, node)
        case 'literal':
          return make(literalKey(node), { kind: 'constant', data: node.attributes.data }, node)
        default:
          return node satisfies never
      }
    }
    const inputValue = (node: Node<'input'>): MemoryValue => {
      const { name, role } = node.attributes
      if (role === 'cut' || role === 'iteration') {
        const known = named.get(name)
        if (!known) throw new Error(`${phase.graph.name}: nothing has left ${name}`)
        return known
      }
      if (phase.flat !== undefined) {
        const group = phase.flat
        const tag = group === 'all' ? 'all' : String(group.index)
        if (name === 'param') return make(`flat parameters ${tag}`, { kind: 'flat', arena: 'parameters', group }, node)
        if (name === 'grad') return make(`flat gradients ${tag}`, { kind: 'flat', arena: 'gradients', group }, node)
        if (role === 'moment')
          return make(`flat moments ${tag} ${name}`, { kind: 'flat', arena: 'moments', group, moment: name }, node)
      }
      if (role === 'carried') return make(`carried ${name}`, { kind: 'carried', name }, node)
      const earlier = produced.get(name)
      if (role === 'step') {
        if (earlier) return earlier
        const field =
          name === 'rate' && phase.flat !== undefined && phase.flat !== 'all' ? `rate.${phase.flat.index}` : name
        return make(`step ${field}`, { kind: 'step', name: field }, node)
      }
      return make(`batch ${name}`, { kind: 'batch', name, role: role === 'target' ? 'target' : 'input' }, node)
    }

    const place = (kernel: Kernel, slotValues: readonly MemoryValue[]) => {
      const emitted = emit(
        kernel,
        fixed,
        slotValues.map(({ storage }) => storage),
      )
      const scratch = emitted.scratch.map((s, i) =>
        intern({
          key: `${entry.name} ${phaseIndex} scratch ${stages.length} ${i}`,
          class: intermediateClass,
          bytes: substitute(scale(s.elements, 4), fixed),
          storage: s.storage,
          shape: [substitute(s.elements, fixed)],
          dtype: s.storage === 'f32' ? 'float' : s.storage === 'i32' ? 'int' : 'uint',
        }),
      )
      emitted.stages.forEach((stage, at) => {
        stages.push({
          emitted: stage,
          kernel,
          first: at === 0,
          fixed,
          bindings: stage.bindings.map(({ target, access }) => ({
            value: target.kind === 'slot' ? slotValues[target.slot]! : scratch[target.scratch]!,
            access,
            moved:
              target.kind === 'slot' ? movedBytes(kernel.slots[target.slot]!, slotValues[target.slot]!) : undefined,
          })),
        })
      })
    }
    const movedBytes = ({ node, part, access }: KernelSlot, { storage, bytes }: MemoryValue): Dim | undefined => {
      const once = part ? substitute(bytesOf({ ...node, shape: [part] }, storage), fixed) : bytes
      return access === 'update' ? scale(once, 2) : once
    }
    const copy = (from: MemoryValue, to: MemoryValue) => {
      if (from !== to) place(copyKernel(standIn(from)), [from, to])
    }

    const stageKernels = (segment: KernelSegment, where: string): void => {
      /** Where a kernel leaves a value that has a name of its own. */
      const placeOf = (name: string, node: Node): MemoryValue => {
        const known = named.get(name) ?? intermediate(name, node)
        named.set(name, known)
        return known
      }
      for (const { slots } of segment.kernels)
        for (const { node, place: name } of slots) if (name !== undefined) placeOf(name, node)
      // Results claim their nodes; a node that is several results is written once and copied to the others.
      const placed = new Map<Node, MemoryValue>()
      const copies: { from: Node; to: MemoryValue }[] = []
      const shared = new Set<Node>()
      const fixedArena = (v: MemoryValue | undefined) => v?.class.kind === 'gradient' || v?.class.kind === 'flat'
      for (const result of segment.results) {
        if (result.role === 'cut' && !result.replaces) {
          const known = placed.get(result.node)
          // Nothing writes a value twice, so one place can have two names; but gradients must stay apart.
          if (known && known.class.kind !== 'gradient') {
            named.set(result.name, known)
            continue
          }
        }
        const target =
          result.role === 'cut' && !result.replaces
            ? intermediate(result.name, result.node)
            : resultValue(entry.name, pool, result, make, leafValue)
        if (result.role === 'cut') named.set(result.name, target)
        if (result.role === 'metric' || result.role === 'loss') produced.set(result.name, target)
        const first = placed.get(result.node)
        // No dispatch reads and writes one arena, so a node that is two gradients is made elsewhere and copied to both.
        if (first && fixedArena(first) && fixedArena(target)) {
          placed.delete(result.node)
          shared.add(result.node)
          copies.push({ from: result.node, to: first })
        }
        if (leafValue(result.node) || first || shared.has(result.node)) {
          if (leafValue(result.node) !== target) copies.push({ from: result.node, to: target })
        } else placed.set(result.node, target)
      }
      const between = new Map<Node, MemoryValue>()
      const valueOfNode = (node: Node): MemoryValue => {
        const known = leafValue(node) ?? placed.get(node) ?? between.get(node)
        if (known) return known
        const made = intermediate(`${where}%${node.id}`, node)
        between.set(node, made)
        return made
      }
      const { kernels } = segment

      // A new value may replace a leaf only after the leaf's last reader: otherwise it is made aside and copied there last.
      for (const { node, replaces } of segment.results) {
        const target = replaces && placed.get(node)
        if (!replaces || !target || leafValue(replaces) !== target) continue
        const writer = kernels.findIndex((k) =>
          k.slots.some((s) => s.access !== 'read' && s.place === undefined && (s.node === node || s.node === replaces)),
        )
        const readsLater = kernels.some(
          (k, at) => at > writer && k.slots.some((s) => s.node === replaces && s.access !== 'write'),
        )
        const readsBeside = kernels[writer]?.slots.some((s) => s.node === replaces && s.access === 'read')
        if (!readsLater && !readsBeside) continue
        if (kernels[writer]?.slots.some((s) => s.access === 'update' && (s.node === node || s.node === replaces)))
          throw new Error(`${phase.graph.name}: a later kernel reads a leaf that was updated in place`)
        placed.delete(node)
        copies.push({ from: node, to: target })
      }

      // A gradient that another gradient's kernel reads cannot stay in the gradients' arena: it is copied there last.
      for (const kernel of kernels) {
        const writes = kernel.slots.filter((s) => s.access !== 'read').map((s) => s.node)
        if (!writes.some((n) => fixedArena(placed.get(n)))) continue
        for (const slot of kernel.slots) {
          const value = placed.get(slot.node)
          if (slot.access !== 'read' || !value || value.class.kind !== 'gradient') continue
          placed.delete(slot.node)
          copies.push({ from: slot.node, to: value })
        }
      }

      // A leaf that is copied elsewhere and replaced as well is put aside before anything can write it.
      const replaced = new Set(segment.results.flatMap((r) => (r.replaces ? [leafValue(r.replaces)!] : [])))
      const aside = new Map<MemoryValue, MemoryValue>()
      for (const { from } of copies) {
        const value = leafValue(from)
        if (!value || !replaced.has(value) || aside.has(value)) continue
        const kept = intermediate(`${where}aside ${value.key}`, from)
        aside.set(value, kept)
        copy(value, kept)
      }
      for (const kernel of kernels)
        place(
          kernel,
          kernel.slots.map((slot) =>
            slot.place === undefined ? valueOfNode(slot.node) : placeOf(slot.place, slot.node),
          ),
        )
      for (const { from, to } of copies) {
        const value = valueOfNode(from)
        copy(aside.get(value) ?? value, to)
      }
    }

    const referenced = (reference: ValueReference): MemoryValue =>
      reference.kind === 'cut' ? named.get(reference.name)! : leafValue(reference.node)!
    const stageLoop = (segment: LoopSegment): void => {
      const kept: MemoryValue[] = []
      for (const { name, value } of segment.given) {
        const known = referenced(value)
        named.set(name, known)
        kept.push(known)
      }
      for (const { name, stack, ...type } of segment.yields) {
        const value = intermediate(stack, type)
        named.set(name, value).set(stack, value)
        kept.push(value)
      }
      for (const { name, start: _, last, ...type } of segment.carries) {
        const value = intermediate(name, type)
        named.set(name, value)
        // After the last turn the carry's place holds it still.
        if (last !== undefined) named.set(last, value)
        kept.push(value)
      }
      const placeIn = (kernel: Kernel | ScanKernel): MemoryValue[] =>
        kernel.slots.map(
          ({ node, place: name }) =>
            named.get(name ?? '') ?? leafValue(node) ?? intermediate(`${segment.name}/%${node.id}`, node),
        )
      const { whole } = segment
      const stop =
        segment.stop ?? (emit.scans ? whole && emit.scans.declines(whole, fixed) : { kind: 'target' as const })
      const count = substitute(segment.length, fixed)
      if (whole && emit.scans && !stop) {
        const slotValues = placeIn(whole)
        const storages = slotValues.map(({ storage }) => storage)
        stageScan(whole, emit.scans.print(whole, fixed, storages), slotValues)
        recurrences.push({ kernel: whole, first: stages.length - 1, end: stages.length, count, stop: undefined })
        return
      }
      for (const { start } of segment.carries) place(start, placeIn(start))
      const turns = turnsOf(segment.length)
      named.set(segment.name, turns)
      const first = stages.length
      const at = loops.length
      stageAll(segment.body, `${segment.name}/`)
      loops.splice(at, 0, {
        first,
        end: stages.length,
        count,
        reverse: segment.reverse,
        turns,
      })
      recurrences.push({ kernel: stages[first]!.kernel, first, end: stages.length, count, stop })
      for (const value of kept) lifetimes.push({ value, from: first, to: stages.length - 1 })
    }
    /** One dispatch, or as many as it is cut into, each told its number. */
    const stageScan = (whole: ScanKernel, emitted: EmittedScan, slotValues: readonly MemoryValue[]): void => {
      const chunks = substitute(emitted.chunks, fixed)
      const turns = chunks === one ? undefined : turnsOf(chunks)
      if (turns) loops.push({ first: stages.length, end: stages.length + 1, count: chunks, reverse: false, turns })
      const bindings = emitted.slots.map(({ slot, access }) => ({ value: slotValues[slot]!, access }))
      stages.push({
        emitted,
        kernel: whole,
        first: true,
        fixed,
        bindings: turns ? [...bindings, { value: turns, access: 'read' }] : bindings,
      })
    }
    const stageAll = (segments: readonly Segment[], where: string): void => {
      segments.forEach((segment, i) =>
        segment.kind === 'kernels' ? stageKernels(segment, `${where}${i}`) : stageLoop(segment),
      )
    }
    stageAll(phase.segments, '')
  })

  const inputs = new Set<MemoryValue>()
  const results = new Set<MemoryValue>()
  for (const stage of stages)
    for (const { value, access } of stage.bindings) {
      if (value.class.kind === 'batch') inputs.add(value)
      if (access === 'write' && value.class.kind === 'result') results.add(value)
    }
  return { name: entry.name, pool, stages, loops, recurrences, lifetimes, inputs: [...inputs], results: [...results] }
}

/** A kernel as text; the sizes are those that the phase fixes. */
export interface Emit {
  (kernel: Kernel, sizes: ReadonlyMap<string, Dim>, storages: readonly Storage[]): EmittedKernel
  /** Recurrences as one kernel, where there is a printer for such. */
  readonly scans?:
    | {
        readonly print: (
          kernel: ScanKernel,
          sizes: ReadonlyMap<string, Dim>,
          storages: readonly Storage[],
        ) => EmittedScan
        /** Why a recurrence is better run by a loop of kernels than by one; `undefined` where it is not. */
        readonly declines: (kernel: ScanKernel, sizes: ReadonlyMap<string, Dim>) => ScanStop | undefined
      }
    | undefined
}

type Typed = Pick<Node, 'shape' | 'dtype'>

const intermediateClass: ValueClass = { kind: 'intermediate' }

/** Literals of equal numbers are one value. Each entry and target asks. */
function literalKey(node: Node<'literal'>): string {
  const known = literalKeys.get(node)
  if (known !== undefined) return known
  const { shape, data } = node.attributes
  const key = `constant ${node.dtype} ${JSON.stringify(shape)} ${data.join()}`
  literalKeys.set(node, key)
  return key
}
const literalKeys = new WeakMap<Node, string>()

/** A node of a value's type, for a kernel that only moves it. */
const standIn = ({ shape, dtype }: MemoryValue): Node => new GraphBuilder().input('value', shape, dtype, 'cut')

function resultValue(
  entry: string,
  pool: string,
  result: Result,
  make: (key: string, valueClass: ValueClass, node: Typed, storage?: Storage) => MemoryValue,
  leafValue: (node: Node) => MemoryValue | undefined,
): MemoryValue {
  const { name, role, node, replaces } = result
  if (replaces) return leafValue(replaces)!
  // Only a training step keeps its gradients in the arena that the optimizer reads as one flat run.
  if (role === 'gradient' && entry === 'step')
    return make(`gradient ${name}`, { kind: 'gradient', path: name.slice('grad.'.length) }, node)
  if (role === 'half') return make('flat half all', { kind: 'flat', arena: 'half', group: 'all' }, node, 'f16')
  return make(`result ${pool} ${name}`, { kind: 'result', name, role }, node)
}

/** `to[i] = from[i]`. */
function copyKernel(from: Node): MapKernel {
  const axis = { name: 'i', extent: product(from.shape) }
  const index = { kind: 'axis', axis } as const
  return {
    kind: 'map',
    name: 'copy',
    axes: [axis],
    slots: [
      { node: from, access: 'read' },
      { node: from, access: 'write' },
    ],
    stores: [{ slot: 1, index, value: { kind: 'load', slot: 0, index, dtype: from.dtype } }],
    nodes: [],
    origins: [],
    stops: [],
  }
}
