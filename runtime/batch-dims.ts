/**
 * A program's inputs and targets → what batches must hold, and under which dims a session must be opened so that a last,
 * smaller batch of an evaluation can run too.
 */
import type { CompiledProgram, DimValues, TensorSlot } from './abi.ts'
import type { WantedField } from './data/batches.ts'
import { DimError } from './errors.ts'
import type { OpenOptions } from './executor.ts'
import { evaluate } from './size.ts'

/** The dim that counts examples: the first axis of every input and target. */
export function batchDimOf(program: CompiledProgram): string {
  const names = new Set(batchSlots(program).map(({ shape: [first] }) => dimName(first)))
  const [name] = names
  if (names.size === 1 && name !== undefined) return name
  throw new DimError(
    'the inputs and targets of the model do not share one first dim that counts examples',
    'begin each with the same dim, as in `float[batch, 28, 28]` and `int[batch]`',
  )
}

function dimName(size: TensorSlot['shape'][number] | undefined): string | undefined {
  if (size === undefined || typeof size === 'number' || size.terms.length !== 1) return undefined
  const [coefficient, name, ...more] = size.terms[0]!
  return coefficient === 1 && typeof name === 'string' && more.length === 0 ? name : undefined
}

export function batchSlots(program: CompiledProgram): readonly TensorSlot[] {
  const seen = new Set<string>()
  return program.tensors.filter(
    ({ name, role }) => (role === 'input' || role === 'target') && !seen.has(name) && seen.add(name),
  )
}

/** The free dims that the data's own shapes bind: `int[batch, T]` and windows of 64 give T = 64. */
export function dimsOfFields(
  program: CompiledProgram,
  fields: readonly { readonly name: string; readonly shape: readonly number[] }[],
): ReadonlyMap<string, number> {
  const dims = new Map<string, number>()
  for (const { name, shape } of batchSlots(program)) {
    const given = fields.find((field) => field.name === name)?.shape
    if (given?.length !== shape.length - 1) continue
    for (const [axis, size] of shape.slice(1).entries()) {
      const dim = dimName(size)
      if (dim !== undefined && !dims.has(dim)) dims.set(dim, given[axis]!)
    }
  }
  return dims
}

export function wantedFields(program: CompiledProgram, dims: DimValues): readonly WantedField[] {
  return batchSlots(program).map(({ name, shape, dtype }) => ({
    name,
    dtype,
    shape: shape.slice(1).map((size) => evaluate(size, dims)),
  }))
}

/** How to open a session for a training run: the entries, and the sizes of partial batches where sources know them. */
export function trainingSession(
  program: CompiledProgram,
  dims: DimValues,
  evaluated: readonly { readonly examples: number | undefined }[],
): Pick<OpenOptions, 'dims' | 'entries' | 'variants'> {
  const name = batchDimOf(program)
  const batch = dims[name]
  if (batch === undefined) throw new DimError(`the dim '${name}' has no value`, 'say `batch:` in the `train` block')
  const partial = new Set(
    evaluated.flatMap(({ examples }) => (examples === undefined || examples % batch === 0 ? [] : [examples % batch])),
  )
  const variants = [...partial].map((size) => ({ entry: 'evaluate', dims: { ...dims, [name]: size } }))
  const entries = program.entries.some((entry) => entry.name === 'evaluate') ? ['step', 'evaluate'] : ['step']
  return { dims, entries, variants: entries.length > 1 ? variants : [] }
}

/** The dims of a batch of another size than the session's; `undefined` for a full one. */
export function dimsOfBatch(program: CompiledProgram, dims: DimValues, examples: number): DimValues | undefined {
  const name = batchDimOf(program)
  return examples === dims[name] ? undefined : { ...dims, [name]: examples }
}
