/**
 * What a train block and its data say of free dims: `batch`, dims that it fixes, and the length to which texts are padded
 * or cut. Schedules, and what is kept in memory, are chosen for these sizes; the program holds for all.
 */
import type { FieldDescription } from '../runtime/abi.ts'
import { symbolsOf } from './ir/dim.ts'
import type { ModelGraph, Program, TrainDescription } from './program.ts'

export function likelySizes(program: Program, model: ModelGraph, train: TrainDescription): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>([['batch', train.batch]])
  const data = program.data.get(train.data ?? '')
  const fields = data?.partitions.flatMap((p) => (p.kind === 'fields' && p.name === 'train' ? p.fields : [])) ?? []
  for (const { name, shape } of [...model.inputs, ...model.targets]) {
    const field = fields.find((f) => f.name === name)
    const length = field && lengthOf(field)
    const [, along] = shape
    // One free dim alone, as `T` in `int[batch, T]`.
    const [symbol, ...others] = along ? symbolsOf(along) : []
    if (length !== undefined && symbol !== undefined && others.length === 0 && along!.key === symbol)
      sizes.set(symbol, length)
  }
  return new Map([...sizes, ...train.dims])
}

/** How many elements each example of a field has, where its last stages say so. */
function lengthOf({ stages }: FieldDescription): number | undefined {
  const stage = stages.findLast(({ kind }) => kind === 'pad' || kind === 'window')
  return stage?.kind === 'pad' || stage?.kind === 'window' ? stage.length : undefined
}
