/**
 * `--names MAP.json`: weights that another program wrote → weights under this program's paths. The map says for each path what
 * the file calls it, and how the file has it where that differs:
 *
 *     { "linear_1.weight": "fc.weight",
 *       "wx": { "from": "lstm.weight_ih_l0", "of": 4, "parts": [0, 1, 3, 2], "transpose": true } }
 */
import { readFileSync } from 'node:fs'
import { report } from '../compiler/diagnostics/catalogue.ts'
import { DiagnosticError } from '../compiler/diagnostics/diagnostic.ts'
import { fileNotReadable, tensorMissing } from '../compiler/diagnostics/files.ts'
import { type Tensor, widthOf } from '../runtime/safetensors.ts'
import { type Stored, storedAs } from '../runtime/stored-as.ts'
import { UsageError } from './failure.ts'
import { reasonOf } from './load.ts'
import { readTensors, type TensorFile } from './tensors.ts'

export const namesOption = [
  '--names <path>',
  'a map (JSON) from parameters to what the weights file calls them',
] as const

export function readWeights(path: string, names: string | undefined): TensorFile {
  const file = readTensors(path)
  if (names === undefined) return file
  const tensors = new Map<string, Tensor>(file.tensors)
  for (const [ours, stored] of readNames(names)) {
    const tensor = file.tensors.get(stored.key)
    if (!tensor)
      throw new DiagnosticError([
        report(tensorMissing, { path, name: stored.key, available: [...file.tensors.keys()] }),
      ])
    const { dtype, shape, bytes } = tensor
    const made = stored.shape(shape)
    if (made.some((size) => !Number.isInteger(size)))
      throw new UsageError(`${names}: "${stored.key}" of shape [${shape.join(', ')}] is not cut into such equal parts`)
    tensors.set(ours, { dtype, shape: made, bytes: stored.bytes(bytes, shape, widthOf(dtype)) })
  }
  return { ...file, tensors }
}

function readNames(path: string): Map<string, Stored> {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new DiagnosticError([report(fileNotReadable, { path, reason: reasonOf(error) })])
  }
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    throw new UsageError(`${path} is not JSON`)
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new UsageError(`${path} takes an object from paths of parameters to names`)
  return new Map(Object.entries(parsed).map(([ours, value]) => [ours, storedOf(path, ours, value)]))
}

function storedOf(path: string, ours: string, value: unknown): Stored {
  if (typeof value === 'string') return storedAs(value)
  const given = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
  const { from, of = 1, parts, transpose = false, ...unknown } = given
  const wrong =
    typeof from !== 'string'
      ? '"from" must name a tensor of the file'
      : !isCount(of) || of < 1
        ? '"of" must be a whole number of equal parts'
        : parts !== undefined && !(Array.isArray(parts) && parts.every((part) => isCount(part) && part < of))
          ? `"parts" must be a list of numbers from 0 to ${of - 1}`
          : typeof transpose !== 'boolean'
            ? '"transpose" must be true or false'
            : Object.keys(unknown).length > 0
              ? `"${Object.keys(unknown)[0]}" is unknown; there are from, of, parts and transpose`
              : undefined
  if (wrong !== undefined) throw new UsageError(`${path}: "${ours}": ${wrong}`)
  return storedAs(from as string, { of: of as number, parts: parts as number[], transpose: transpose as boolean })
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
