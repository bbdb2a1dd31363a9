/**
 * Fused phases → what an entry does, the same for every target: kernels in their order, each with the values in its slots, and
 * the loops around some of them. Results claim their nodes' places; what has to be copied for it is a kernel too.
 */
import { type Dim, dim } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import type { Kernel, ScanKernel } from '../ir/kernel.ts'
import type { FusedPhase, KernelSegment, LoopSegment, Segment, UpdateGroup, ValueReference } from '../lowered.ts'
import { copyOf } from './copy.ts'
import { type PhaseValues, phaseValues, type Values } from './phase-values.ts'
import type { FusedEntry, MemoryValue } from './staged.ts'

export interface EntryWork {
  readonly name: string
  readonly pool: string
  readonly phases: readonly PhaseWork[]
}

export interface PhaseWork {
  /** Values of symbols that are fixed for this phase (`N` of a flat phase). */
  readonly fixed: ReadonlyMap<string, Dim>
  readonly work: readonly Work[]
  readonly turnsOf: PhaseValues['turnsOf']
  readonly scratch: PhaseValues['scratch']
}

export type Work = KernelWork | LoopWork

/** A kernel, and the values in its slots. */
export interface KernelWork<K extends Kernel | ScanKernel = Kernel> {
  readonly kind: 'kernel'
  readonly kernel: K
  readonly values: readonly MemoryValue[]
}

/** A recurrence in both forms: in one kernel, where it has that, or as kernels that run in turns. */
export interface LoopWork {
  readonly kind: 'loop'
  readonly segment: LoopSegment
  readonly whole: KernelWork<ScanKernel> | undefined
  /** Writes the first values of carries. */
  readonly starts: readonly KernelWork[]
  readonly body: readonly Work[]
  readonly turns: MemoryValue
  /** Values that keep their places throughout the turns. */
  readonly kept: readonly MemoryValue[]
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

/** Two targets that share their kernels share this too: of one program, the same lengths. */
export function workOf(
  fused: readonly FusedEntry[],
  lengths: (group: UpdateGroup | 'all') => number,
): readonly EntryWork[] {
  const known = works.get(fused)
  if (known) return known
  const values: Values = { byKey: new Map(), count: 0 }
  const made = fused.map((entry) => workOfEntry(entry, lengths, values))
  works.set(fused, made)
  return made
}
const works = new WeakMap<readonly FusedEntry[], readonly EntryWork[]>()

function workOfEntry(entry: FusedEntry, lengths: (group: UpdateGroup | 'all') => number, values: Values): EntryWork {
  const pool = poolOf(entry.name)
  /** Scalars that earlier phases left, by name. */
  const produced = new Map<string, MemoryValue>()
  const phases = entry.phases.map((phase, index): PhaseWork => {
    const fixed = new Map<string, Dim>()
    if (phase.flat !== undefined) fixed.set('N', dim(lengths(phase.flat)))
    const known = phaseValues(phase, { entry: entry.name, index, pool, fixed, values, produced })
    return { fixed, work: workOfPhase(phase, known, produced), turnsOf: known.turnsOf, scratch: known.scratch }
  })
  return { name: entry.name, pool, phases }
}

function workOfPhase(
  phase: FusedPhase,
  { named, intermediate, turnsOf, leafValue, resultValue }: PhaseValues,
  produced: Map<string, MemoryValue>,
): readonly Work[] {
  const copy = (from: MemoryValue, to: MemoryValue, work: Work[]) => {
    if (from !== to) work.push({ kind: 'kernel', kernel: copyOf(from), values: [from, to] })
  }
  const ofKernels = (segment: KernelSegment, where: string, work: Work[]): void => {
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
        result.role === 'cut' && !result.replaces ? intermediate(result.name, result.node) : resultValue(result)
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
      copy(value, kept, work)
    }
    for (const kernel of kernels)
      work.push({
        kind: 'kernel',
        kernel,
        values: kernel.slots.map((slot) =>
          slot.place === undefined ? valueOfNode(slot.node) : placeOf(slot.place, slot.node),
        ),
      })
    for (const { from, to } of copies) {
      const value = valueOfNode(from)
      copy(aside.get(value) ?? value, to, work)
    }
  }

  const referenced = (reference: ValueReference): MemoryValue =>
    reference.kind === 'cut' ? named.get(reference.name)! : leafValue(reference.node)!
  const ofLoop = (segment: LoopSegment): LoopWork => {
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
    const placed = <K extends Kernel | ScanKernel>(kernel: K): KernelWork<K> => ({
      kind: 'kernel',
      kernel,
      values: kernel.slots.map(
        ({ node, place: name }) =>
          named.get(name ?? '') ?? leafValue(node) ?? intermediate(`${segment.name}/%${node.id}`, node),
      ),
    })
    const whole = segment.whole && placed(segment.whole)
    const starts = segment.carries.map(({ start }) => placed(start))
    const turns = turnsOf(segment.length)
    named.set(segment.name, turns)
    return { kind: 'loop', segment, whole, starts, body: ofAll(segment.body, `${segment.name}/`), turns, kept }
  }
  const ofAll = (segments: readonly Segment[], where: string): readonly Work[] => {
    const work: Work[] = []
    segments.forEach((segment, i) => {
      if (segment.kind === 'kernels') ofKernels(segment, `${where}${i}`, work)
      else work.push(ofLoop(segment))
    })
    return work
  }
  return ofAll(phase.segments, '')
}
