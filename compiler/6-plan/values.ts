/** The values of a program: which there are, what they are called, and how those that the runtime writes are ordered. */
import { addSizes, type TensorSlot } from '../../runtime/abi.ts'
import type { LoweredProgram } from '../lowered.ts'
import type { MemoryValue, StagedEntry } from './staged.ts'

export function uniqueValues(entries: readonly StagedEntry[]): MemoryValue[] {
  const values: MemoryValue[] = []
  const isKnown: boolean[] = []
  for (const { stages } of entries)
    for (let at = 0; at < stages.length; at++) {
      const { bindings } = stages[at]!
      for (let i = 0; i < bindings.length; i++) {
        const { value } = bindings[i]!
        if (isKnown[value.number]) continue
        isKnown[value.number] = true
        values.push(value)
      }
    }
  return values
}

export function nameOf(value: MemoryValue): string {
  const c = value.class
  return c.kind === 'batch' || c.kind === 'result' || c.kind === 'step' || c.kind === 'carried'
    ? c.name
    : c.kind === 'parameter' || c.kind === 'state'
      ? c.path
      : value.key
}

/** The layers of a stack have their states in one tensor, a slot for each. */
export function stateSlots(program: LoweredProgram, whole: TensorSlot): TensorSlot[] {
  const parts = program.states.filter(({ part }) => part?.of === whole.name)
  if (parts.length === 0) return [whole]
  return parts.map(({ path, shape, part }) => ({
    ...whole,
    name: path,
    shape,
    offset: addSizes(whole.offset, part!.index * shape.reduce((a, b) => a * b, 4)),
  }))
}

export const orderStates = (program: LoweredProgram, values: readonly MemoryValue[]): MemoryValue[] => {
  const rank = new Map(program.states.map((s, i) => [s.part?.of ?? s.path, i]))
  return [...values].sort((a, b) => rank.get(nameOf(a))! - rank.get(nameOf(b))!)
}
export const orderStepFields = (values: readonly MemoryValue[]): MemoryValue[] =>
  [...values].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))

export function stepFields(value: MemoryValue, offset: number) {
  const name = nameOf(value)
  const storage = value.storage === 'u32' ? ('u32' as const) : ('f32' as const)
  // The key of random streams is two words: the run's seed and the number of the step.
  if (name === 'key')
    return [
      { name: 'seed', storage, offset },
      { name: 'counter', storage, offset: offset + 4 },
    ]
  return [{ name, storage, offset }]
}
