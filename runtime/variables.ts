/**
 * The variables of a program on a device (parameters, states, moments) ↔ host tensors: first values, weights from a file,
 * and everything that a checkpoint must hold.
 */
import type { CompiledProgram, TensorSlot, VariableRecord } from './abi.ts'
import { isMomentKey, momentKey } from './checkpoint.ts'
import { CheckpointError } from './checkpoint-error.ts'
import type { Executor, TensorData } from './executor.ts'
import { initialValues } from './initialize.ts'
import { decodeTensor, type SafetensorsDtype, type Tensor, tensorOf } from './safetensors.ts'
import { elements } from './size.ts'
import type { Stored } from './stored-as.ts'

export function variablesOf(program: CompiledProgram): readonly VariableRecord[] {
  return [...program.parameters, ...program.states]
}

export function momentSlots(program: CompiledProgram): readonly TensorSlot[] {
  return program.tensors.filter((slot) => slot.role === 'moment')
}

/** Uploads the first values that belong to a seed. */
export function initialize(executor: Executor, seed: number): void {
  const { program } = executor
  for (const variable of variablesOf(program)) executor.write(variable.path, initialValues(variable, seed))
  for (const slot of momentSlots(program)) {
    const initial = program.moments.find(({ name }) => name === slot.name)?.initial ?? 0
    executor.write(slot.name, new Float32Array(elements(slot.shape, executor.dims)).fill(initial))
  }
}

/**
 * Uploads weights by path; those whose path matches a pattern of `except` keep their first values. Everything is checked
 * before the first upload: a file that does not fit changes nothing.
 */
export function loadWeights(
  executor: Executor,
  file: string,
  tensors: ReadonlyMap<string, Tensor>,
  except: (path: string) => boolean = () => false,
): void {
  const wanted = variablesOf(executor.program).filter(({ path }) => !except(path))
  const values = wanted.map((variable) => weightsFor(file, tensors, variable))
  for (const [i, variable] of wanted.entries()) executor.write(variable.path, values[i]!)
}

function weightsFor(
  file: string,
  tensors: ReadonlyMap<string, Tensor>,
  variable: Pick<VariableRecord, 'path' | 'shape' | 'dtype'>,
): TensorData {
  checkWeights(file, tensors, variable.path, variable)
  const { dtype, bytes } = tensors.get(variable.path)!
  return valuesOf(dtype, bytes, variable.dtype)
}

/** What of a file can become a variable of a dtype. */
const fitting = {
  float: ['F32', 'F16', 'BF16', 'F64'],
  int: ['I32', 'I64'],
  uint: ['U32', 'BOOL', 'U8'],
  bool: ['U32', 'BOOL', 'U8'],
} as const satisfies Record<VariableRecord['dtype'], readonly SafetensorsDtype[]>

/** That a file has a tensor of this key, and that it fits the variable: by its header alone. */
export function checkWeights(
  file: string,
  tensors: ReadonlyMap<string, Pick<Tensor, 'dtype' | 'shape'>>,
  key: string,
  variable: Pick<VariableRecord, 'shape' | 'dtype'>,
  stored?: Partial<Stored>,
): void {
  const tensor = tensors.get(key)
  if (tensor === undefined) {
    const has = [...tensors.keys()].filter((name) => !isMomentKey(name))
    const list = has.slice(0, 12).join(', ') + (has.length > 12 ? ', …' : '')
    throw new CheckpointError(file, `it has no tensor \`${key}\``, {
      fix: `use weights of this program; the file has ${list || 'none'}`,
    })
  }
  const [given, expected] = [stored?.shape?.(tensor.shape) ?? tensor.shape, variable.shape].map(
    (shape) => `[${shape.join(', ')}]`,
  )
  if (given !== expected)
    throw new CheckpointError(file, `\`${key}\` has the shape ${given}, and the program’s is ${expected}`, {
      fix: 'use weights of this program',
    })
  const allowed: readonly SafetensorsDtype[] = fitting[variable.dtype]
  if (!allowed.includes(tensor.dtype))
    throw new CheckpointError(file, `\`${key}\` is ${tensor.dtype}, and the program’s is ${variable.dtype}`, {
      fix: 'convert the file',
    })
}

/** A checked tensor's numbers as the variable takes them. */
export function valuesOf(dtype: SafetensorsDtype, bytes: Uint8Array, target: VariableRecord['dtype']): TensorData {
  const values = decodeTensor(dtype, bytes)
  if (target === 'float') return values instanceof Float32Array ? values : Float32Array.from(values as Float64Array)
  if (target === 'int') return values instanceof Int32Array ? values : Int32Array.from(values as BigInt64Array, Number)
  return values instanceof Uint32Array ? values : Uint32Array.from(values as Uint8Array)
}

/** Everything that the next step depends on, besides the batch. */
export async function readState(executor: Executor): Promise<Map<string, Tensor>> {
  const tensors = new Map<string, Tensor>()
  for (const { path, shape } of variablesOf(executor.program))
    tensors.set(path, tensorOf(await executor.read(path), shape))
  for (const { name } of momentSlots(executor.program)) {
    const values = await executor.read(name)
    tensors.set(momentKey(name), tensorOf(values, [values.length]))
  }
  return tensors
}

/** The inverse of `readState`, checked before the first upload. */
export function writeState(executor: Executor, file: string, tensors: ReadonlyMap<string, Tensor>): void {
  const moments = momentSlots(executor.program).map((slot) => {
    const record = { path: momentKey(slot.name), shape: [elements(slot.shape, executor.dims)], dtype: 'float' } as const
    return { name: slot.name, values: weightsFor(file, tensors, record) }
  })
  loadWeights(executor, file, tensors)
  for (const { name, values } of moments) executor.write(name, values)
}

/** A state without its moments: what inference needs. */
export function weightsOf(tensors: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  return new Map([...tensors].filter(([key]) => !isMomentKey(key)))
}

/** The mean of float tensors of equal names; whole numbers are taken from the first. Summed in float64, rounded once. */
export function averageWeights(sets: readonly ReadonlyMap<string, Tensor>[]): Map<string, Tensor> {
  const [first, ...others] = sets
  if (first === undefined) throw new Error('an average of nothing')
  const result = new Map<string, Tensor>()
  for (const [key, tensor] of first) {
    const values = decodeTensor(tensor.dtype, tensor.bytes)
    if (!(values instanceof Float32Array)) {
      result.set(key, tensor)
      continue
    }
    const sums = Float64Array.from(values)
    for (const other of others) {
      const { dtype, bytes } = other.get(key)!
      const more = decodeTensor(dtype, bytes) as Float32Array
      for (let i = 0; i < sums.length; i++) sums[i]! += more[i]!
    }
    result.set(
      key,
      tensorOf(
        Float32Array.from(sums, (sum) => sum / sets.length),
        tensor.shape,
      ),
    )
  }
  return result
}
