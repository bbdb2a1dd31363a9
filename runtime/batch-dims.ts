/**
 * A program's inputs and targets → what batches must hold, and under which dims a session must be opened so that a last,
 * smaller batch of an evaluation can run too.
 */
import type { CompiledProgram, DimValues, TensorSlot } from './abi.ts'
import type { BatchSource, WantedField } from './data/batches.ts'
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

/** Of `int[batch, T]`, T. */
function lengthDim(size: TensorSlot['shape'][number] | undefined): { readonly dim?: string } {
  const dim = dimName(size)
  return dim === undefined ? {} : { dim }
}

export function wantedFields(program: CompiledProgram, dims: DimValues): readonly WantedField[] {
  return batchSlots(program).map(({ name, shape, dtype }) => ({
    name,
    dtype,
    shape: shape.slice(1).map((size) => evaluate(size, dims)),
    ...lengthDim(shape[1]),
  }))
}

/** What is known of a source before it is read. */
type KnownSource = Pick<BatchSource, 'examples' | 'variants'>

/**
 * How to open a session for a training run: the entries, the sizes of partial batches where sources know them, and the lengths
 * of batches of short examples.
 */
export function trainingSession(
  program: CompiledProgram,
  dims: DimValues,
  evaluated: readonly KnownSource[],
  train?: KnownSource,
): Pick<OpenOptions, 'dims' | 'entries' | 'variants'> {
  const name = batchDimOf(program)
  const batch = dims[name]
  if (batch === undefined) throw new DimError(`the dim '${name}' has no value`, 'say `batch:` in the `train` block')
  const variants = new Map<string, { readonly entry: string; readonly dims: DimValues }>()
  const add = (entry: string, changed: DimValues) => {
    const variant = { entry, dims: { ...dims, ...changed } }
    if (Object.keys(changed).length > 0) variants.set(JSON.stringify(variant), variant)
  }
  for (const lengths of train?.variants ?? []) add('step', lengths)
  const evaluates = program.entries.some((entry) => entry.name === 'evaluate')
  for (const { examples, variants: lengths = [] } of evaluates ? evaluated : []) {
    const partial = examples === undefined || examples % batch === 0 ? [] : [{ [name]: examples % batch }]
    for (const size of [{}, ...partial]) for (const length of [{}, ...lengths]) add('evaluate', { ...size, ...length })
  }
  return { dims, entries: evaluates ? ['step', 'evaluate'] : ['step'], variants: [...variants.values()] }
}

/** The dims of a batch of another size or length than the session's; `undefined` for a full one. */
export function dimsOfBatch(
  program: CompiledProgram,
  dims: DimValues,
  examples: number,
  lengths?: DimValues,
): DimValues | undefined {
  const name = batchDimOf(program)
  return examples === dims[name] && lengths === undefined ? undefined : { ...dims, ...lengths, [name]: examples }
}
