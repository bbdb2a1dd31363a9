/** Tensor files of `run` and `init`: safetensors by name, checked against a compiled program before anything is used. */
import { readFileSync } from 'node:fs'
import { report } from '../compiler/diagnostics/catalogue.ts'
import { DiagnosticError } from '../compiler/diagnostics/diagnostic.ts'
import { fileNotReadable, tensorMissing, tensorShapeDiffers } from '../compiler/diagnostics/files.ts'
import type { CompiledProgram, DimValues, TensorSlot } from '../runtime/abi.ts'
import type { Executor, TensorData } from '../runtime/executor.ts'
import { writeFileAtomically } from '../runtime/node/atomic-file.ts'
import { decodeTensor, parseSafetensors, safetensorsChunks, type Tensor, tensorOf } from '../runtime/safetensors.ts'
import { evaluate as evaluateSize } from '../runtime/size.ts'
import { reasonOf } from './load.ts'

export interface TensorFile {
  readonly path: string
  readonly tensors: ReadonlyMap<string, Tensor>
  readonly metadata: ReadonlyMap<string, string>
}

export function readTensors(path: string): TensorFile {
  let bytes: Uint8Array
  try {
    bytes = readFileSync(path)
  } catch (error) {
    throw new DiagnosticError([report(fileNotReadable, { path, reason: reasonOf(error) })])
  }
  return { path, ...parseSafetensors(path, bytes) }
}

export async function writeTensors(
  path: string,
  tensors: ReadonlyMap<string, Tensor>,
  metadata: ReadonlyMap<string, string>,
): Promise<void> {
  await writeFileAtomically(path, safetensorsChunks(tensors, metadata))
}

export const shapeOf = (slot: TensorSlot, dims: DimValues): number[] => slot.shape.map((s) => evaluateSize(s, dims))

/** Writes every parameter and state of the program from a file; one that is missing or misshapen ends the verb. */
export function uploadVariables(executor: Executor, file: TensorFile): void {
  for (const variable of [...executor.program.parameters, ...executor.program.states])
    executor.write(variable.path, take(file, variable.path, variable.shape, variable.dtype))
}

/** The tensor of a file as the program wants it. */
export function take(file: TensorFile, name: string, shape: readonly number[], dtype: TensorSlot['dtype']): TensorData {
  const tensor = file.tensors.get(name)
  if (!tensor)
    throw new DiagnosticError([report(tensorMissing, { path: file.path, name, available: [...file.tensors.keys()] })])
  if (tensor.shape.length !== shape.length || tensor.shape.some((n, i) => n !== shape[i]))
    throw new DiagnosticError([
      report(tensorShapeDiffers, { path: file.path, name, expected: shape, given: tensor.shape }),
    ])
  const numbers = decodeTensor(tensor.dtype, tensor.bytes)
  const target =
    dtype === 'float'
      ? new Float32Array(numbers.length)
      : dtype === 'int'
        ? new Int32Array(numbers.length)
        : new Uint32Array(numbers.length)
  for (let i = 0; i < numbers.length; i++) target[i] = Number(numbers[i])
  return target
}

/** The free dims that the shapes of input tensors bind: `x: float[batch, 28]` and a file's [3, 28] give batch = 3. */
export function dimsFromShapes(program: CompiledProgram, files: readonly TensorFile[]): Map<string, number> {
  const dims = new Map<string, number>()
  for (const slot of program.tensors) {
    if (slot.role !== 'input' && slot.role !== 'target') continue
    const tensor = files.map((f) => f.tensors.get(slot.name)).find((t) => t !== undefined)
    slot.shape.forEach((size, axis) => {
      const given = tensor?.shape[axis]
      if (given === undefined || typeof size === 'number' || size.terms.length !== 1) return
      const [coefficient, name, ...more] = size.terms[0]!
      if (typeof name === 'string' && more.length === 0 && given % coefficient === 0 && !dims.has(name))
        dims.set(name, given / coefficient)
    })
  }
  return dims
}

export const asTensor = (data: TensorData, shape: readonly number[]): Tensor => tensorOf(data, shape)
