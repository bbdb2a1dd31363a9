/** The work of an entry → one flat list of stages on a target: what each dispatch reads and writes, as memory values. */
import { type Dim, one, scale, substitute } from '../ir/dim.ts'
import type { KernelSlot, ScanKernel } from '../ir/kernel.ts'
import type { EmittedScan } from '../lowered.ts'
import { bytesOf } from './sizes.ts'
import type { Emit, Lifetime, Loop, MemoryValue, Recurrence, Stage, StagedEntry } from './staged.ts'
import type { EntryWork, KernelWork, LoopWork, PhaseWork, Work } from './work.ts'

export function stageEntry({ name, pool, phases }: EntryWork, emit: Emit): StagedEntry {
  const stages: Stage[] = []
  const loops: Loop[] = []
  const lifetimes: Lifetime[] = []
  const recurrences: Recurrence[] = []

  const stagePhase = ({ fixed, work: all, turnsOf, scratch }: PhaseWork): void => {
    const stageKernel = ({ kernel, values }: KernelWork) => {
      const emitted = emit(
        kernel,
        fixed,
        values.map(({ storage }) => storage),
      )
      const temporary = emitted.scratch.map((made, i) => scratch(`scratch ${stages.length} ${i}`, made))
      emitted.stages.forEach((stage, at) => {
        stages.push({
          emitted: stage,
          kernel,
          first: at === 0,
          fixed,
          bindings: stage.bindings.map(({ target, access }) => ({
            value: target.kind === 'slot' ? values[target.slot]! : temporary[target.scratch]!,
            access,
            moved: target.kind === 'slot' ? movedBytes(kernel.slots[target.slot]!, values[target.slot]!) : undefined,
          })),
        })
      })
    }
    const movedBytes = ({ node, part, access }: KernelSlot, { storage, bytes }: MemoryValue): Dim | undefined => {
      const once = part ? substitute(bytesOf({ ...node, shape: [part] }, storage), fixed) : bytes
      return access === 'update' ? scale(once, 2) : once
    }
    const stageLoop = ({ segment, whole, starts, body, turns, kept }: LoopWork): void => {
      const stop =
        segment.stop ?? (emit.scans ? whole && emit.scans.declines(whole.kernel, fixed) : { kind: 'target' as const })
      const count = substitute(segment.length, fixed)
      if (whole && emit.scans && !stop) {
        const { kernel, values } = whole
        const storages = values.map(({ storage }) => storage)
        stageScan(kernel, emit.scans.print(kernel, fixed, storages), values)
        recurrences.push({ kernel, first: stages.length - 1, end: stages.length, count, stop: undefined })
        return
      }
      starts.forEach(stageKernel)
      const first = stages.length
      const at = loops.length
      stageAll(body)
      loops.splice(at, 0, { first, end: stages.length, count, reverse: segment.reverse, turns })
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
    const stageAll = (work: readonly Work[]): void => {
      for (const each of work)
        if (each.kind === 'kernel') stageKernel(each)
        else stageLoop(each)
    }
    stageAll(all)
  }
  phases.forEach(stagePhase)

  const inputs = new Set<MemoryValue>()
  const results = new Set<MemoryValue>()
  for (let at = 0; at < stages.length; at++) {
    const { bindings } = stages[at]!
    for (let i = 0; i < bindings.length; i++) {
      const { value, access } = bindings[i]!
      if (value.class.kind === 'batch') inputs.add(value)
      else if (access === 'write' && value.class.kind === 'result') results.add(value)
    }
  }
  return { name, pool, stages, loops, recurrences, lifetimes, inputs: [...inputs], results: [...results] }
}
