/** Fused phases → one flat list of stages per entry: what each dispatch reads and writes, as memory values. */
import { type Dim, dim, one, scale, substitute } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import type { Kernel, KernelSlot, ScanKernel } from '../ir/kernel.ts'
import type { EmittedScan, KernelSegment, LoopSegment, Segment, UpdateGroup, ValueReference } from '../lowered.ts'
import { copyOf } from './copy.ts'
import { phaseValues } from './phase-values.ts'
import { bytesOf } from './sizes.ts'
import type { Emit, FusedEntry, Lifetime, Loop, MemoryValue, Recurrence, Stage, StagedEntry } from './staged.ts'

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

  entry.phases.forEach((phase, phaseIndex) => {
    const fixed = new Map<string, Dim>()
    if (phase.flat !== undefined) fixed.set('N', dim(lengths(phase.flat)))
    const { named, intermediate, scratch, turnsOf, leafValue, resultValue } = phaseValues(phase, {
      entry: entry.name,
      index: phaseIndex,
      pool,
      fixed,
      values,
      produced,
    })
    const place = (kernel: Kernel, slotValues: readonly MemoryValue[]) => {
      const emitted = emit(
        kernel,
        fixed,
        slotValues.map(({ storage }) => storage),
      )
      const temporary = emitted.scratch.map((made, i) => scratch(`scratch ${stages.length} ${i}`, made))
      emitted.stages.forEach((stage, at) => {
        stages.push({
          emitted: stage,
          kernel,
          first: at === 0,
          fixed,
          bindings: stage.bindings.map(({ target, access }) => ({
            value: target.kind === 'slot' ? slotValues[target.slot]! : temporary[target.scratch]!,
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
      if (from !== to) place(copyOf(from), [from, to])
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
