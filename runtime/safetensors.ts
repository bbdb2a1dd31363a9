/**
 * Bytes of a safetensors file ↔ named tensors. The file is eight bytes of header length (little-endian), a JSON header
 * `{"__metadata__": {…strings}, "name": {"dtype", "shape", "data_offsets": [begin, end]}, …}`, then the tensors' bytes,
 * little-endian, without gaps.
 *
 * Every rule of the format's reference implementation is checked before a tensor is touched, and four stricter ones: the
 * header is at most 16 MiB, no key comes twice, metadata holds strings only, integers are plain and below 2^53.
 * Hosts of WebGPU are little-endian, so tensor bytes are used as they lie.
 */
import { CheckpointError } from './checkpoint-error.ts'
import { floatFromBfloat16, floatFromHalf } from './half.ts'
import { parseStrictJson, type StrictJson, StrictJsonError } from './strict-json.ts'

/** Of each dtype the format knows: bytes per element, the array that holds them, and how 16-bit floats become numbers. */
const formats = {
  F64: [8, Float64Array],
  F32: [4, Float32Array],
  F16: [2, Uint16Array, floatFromHalf],
  BF16: [2, Uint16Array, floatFromBfloat16],
  I64: [8, BigInt64Array],
  I32: [4, Int32Array],
  I16: [2, Int16Array],
  I8: [1, Int8Array],
  U64: [8, BigUint64Array],
  U32: [4, Uint32Array],
  U16: [2, Uint16Array],
  U8: [1, Uint8Array],
  BOOL: [1, Uint8Array],
  F8_E4M3: [1, Uint8Array],
  F8_E5M2: [1, Uint8Array],
} as const
export type SafetensorsDtype = keyof typeof formats

/** Bytes per element. */
export const widthOf = (dtype: SafetensorsDtype): number => formats[dtype][0]

const headerLimit = 16 * 1024 * 1024
const nameLimit = 4096

export interface SafetensorsEntry {
  readonly dtype: SafetensorsDtype
  readonly shape: readonly number[]
  /** Bytes from the start of the file. */
  readonly offset: number
  readonly byteLength: number
}

export interface SafetensorsHeader {
  /** In the order in which their bytes lie in the file. */
  readonly tensors: ReadonlyMap<string, SafetensorsEntry>
  readonly metadata: ReadonlyMap<string, string>
}

/** Reads part of a file; at the end of the file it may return fewer bytes than asked for. */
export interface ByteSource {
  /** For messages. */
  readonly name: string
  readonly byteLength: number
  read(offset: number, length: number): Promise<Uint8Array>
}

export function bytesSource(name: string, bytes: Uint8Array): ByteSource {
  return { name, byteLength: bytes.length, read: async (offset, length) => bytes.subarray(offset, offset + length) }
}

export async function readSafetensorsHeader(source: ByteSource): Promise<SafetensorsHeader> {
  const length = headerLength(source.name, source.byteLength, await source.read(0, 8))
  return parseHeader(source.name, source.byteLength, await source.read(8, length))
}

/** The same for a file that is in memory. */
export function parseSafetensorsHeader(name: string, bytes: Uint8Array): SafetensorsHeader {
  const length = headerLength(name, bytes.length, bytes.subarray(0, 8))
  return parseHeader(name, bytes.length, bytes.subarray(8, 8 + length))
}

function headerLength(name: string, fileLength: number, start: Uint8Array): number {
  if (fileLength < 8 || start.length < 8) {
    throw new CheckpointError(name, `not a safetensors file: ${fileLength} bytes long, and the header's length takes 8`)
  }
  const length = new DataView(start.buffer, start.byteOffset, 8).getBigUint64(0, true)
  if (length > BigInt(headerLimit)) {
    throw new CheckpointError(name, `not a safetensors file, or a hostile one: its header claims ${length} bytes`)
  }
  if (8 + Number(length) > fileLength) {
    throw new CheckpointError(name, `cut short: a header of ${length} bytes does not fit into ${fileLength}`)
  }
  return Number(length)
}

function parseHeader(name: string, fileLength: number, bytes: Uint8Array): SafetensorsHeader {
  const fail = (problem: string): never => {
    throw new CheckpointError(name, problem)
  }
  if (bytes[0] !== 0x7b) fail('not a safetensors file: its header does not start with `{`')
  let parsed: StrictJson
  try {
    parsed = parseStrictJson(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch (cause) {
    const where = cause instanceof StrictJsonError ? `${cause.message} at character ${cause.offset}` : 'not UTF-8'
    throw new CheckpointError(name, `damaged header: ${where}`, { cause })
  }
  if (!(parsed instanceof Map)) return fail('damaged header: not an object')

  const metadata = new Map<string, string>()
  const entries: [string, SafetensorsEntry][] = []
  const dataStart = 8 + bytes.length
  for (const [key, value] of parsed as ReadonlyMap<string, StrictJson>) {
    if (key === '__metadata__') {
      if (!(value instanceof Map)) return fail('damaged header: `__metadata__` is not an object')
      for (const [field, text] of value as ReadonlyMap<string, StrictJson>) {
        if (typeof text !== 'string') return fail(`damaged header: metadata ${quote(field)} is not a string`)
        metadata.set(field, text)
      }
    } else {
      if (key.length > nameLimit) return fail(`damaged header: a tensor name of ${key.length} characters`)
      entries.push([key, tensorEntry(name, key, value, dataStart)])
    }
  }

  // Sorted by place, each tensor must begin where the one before ends, and the last must end where the file does.
  entries.sort(([, a], [, b]) => a.offset - b.offset || a.byteLength - b.byteLength)
  let end = dataStart
  for (const [key, entry] of entries) {
    if (entry.offset !== end)
      return fail(`damaged header: tensor ${quote(key)} leaves a gap or overlaps the one before`)
    end += entry.byteLength
  }
  if (end > fileLength) return fail(`cut short: ${fileLength} bytes, and the header describes ${end}`)
  if (end < fileLength) return fail(`${fileLength - end} bytes after the last tensor that belong to none`)
  return { tensors: new Map(entries), metadata }
}

function tensorEntry(name: string, key: string, value: StrictJson, dataStart: number): SafetensorsEntry {
  const fail = (problem: string): never => {
    throw new CheckpointError(name, `damaged header: tensor ${quote(key)} ${problem}`)
  }
  if (!(value instanceof Map)) return fail('is not described by an object')
  const record = value as ReadonlyMap<string, StrictJson>
  for (const field of record.keys()) {
    if (field !== 'dtype' && field !== 'shape' && field !== 'data_offsets')
      return fail(`has an unknown field ${quote(field)}`)
  }
  const dtype = record.get('dtype')
  if (typeof dtype !== 'string' || !Object.hasOwn(formats, dtype)) return fail('has no dtype that the format knows')
  const shape = record.get('shape')
  if (!isIntegers(shape) || shape.length > 32) return fail('has no shape, or one of more than 32 dims')
  const offsets = record.get('data_offsets')
  if (!isIntegers(offsets) || offsets.length !== 2) return fail('has no `data_offsets`')
  const [begin, end] = offsets as readonly [number, number]
  let byteLength = widthOf(dtype as SafetensorsDtype)
  for (const size of shape) byteLength *= size
  if (!Number.isSafeInteger(byteLength)) return fail('is larger than 2^53 bytes')
  if (end - begin !== byteLength)
    return fail(`is given ${end - begin} bytes, and its shape and dtype make ${byteLength}`)
  return { dtype: dtype as SafetensorsDtype, shape, offset: dataStart + begin, byteLength }
}

function isIntegers(value: StrictJson | undefined): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'number')
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
}

// ---------------------------------------------------------------- tensors

export type SafetensorsArray =
  | Float64Array
  | Float32Array
  | Int32Array
  | Uint32Array
  | Uint8Array
  | Int8Array
  | Int16Array
  | Uint16Array
  | BigInt64Array
  | BigUint64Array

/** A tensor's bytes as numbers: 16-bit floats become float32; the 8-bit floats stay bytes. */
export function decodeTensor(dtype: SafetensorsDtype, bytes: Uint8Array): SafetensorsArray {
  // A copy: typed arrays need aligned starts, and the caller's bytes may be reused. (A Buffer's `slice` would be a view.)
  const { buffer } = new Uint8Array(bytes)
  const [, Kind, convert] = formats[dtype]
  const values = new Kind(buffer)
  return convert ? Float32Array.from(values as Uint16Array, convert) : values
}

export interface Tensor {
  readonly dtype: SafetensorsDtype
  readonly shape: readonly number[]
  /** The bytes of the tensor, as the format lays them out. */
  readonly bytes: Uint8Array
}

/** A typed array as a tensor, without copying. */
export function tensorOf(data: SafetensorsArray, shape: readonly number[]): Tensor {
  return { dtype: dtypeOf(data), shape, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) }
}

/** The first dtype that is held by such an array. */
const dtypeOf = (data: SafetensorsArray): SafetensorsDtype =>
  (Object.keys(formats) as SafetensorsDtype[]).find(
    (dtype) => formats[dtype].length === 2 && data instanceof formats[dtype][1],
  )!

/** A whole file that is in memory. Tensors are views of its bytes. */
export function parseSafetensors(
  name: string,
  file: Uint8Array,
): { tensors: Map<string, Tensor>; metadata: ReadonlyMap<string, string> } {
  const { tensors, metadata } = parseSafetensorsHeader(name, file)
  const views = new Map<string, Tensor>()
  for (const [key, { dtype, shape, offset, byteLength }] of tensors) {
    views.set(key, { dtype, shape, bytes: file.subarray(offset, offset + byteLength) })
  }
  return { tensors: views, metadata }
}

/**
 * The chunks of a file, in order, tensors uncopied. Wider dtypes come first, so that every tensor is aligned to its
 * width; among equals the given order stays.
 */
export function safetensorsChunks(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: ReadonlyMap<string, string> = new Map(),
): Uint8Array[] {
  const ordered = [...tensors].sort(([, a], [, b]) => widthOf(b.dtype) - widthOf(a.dtype))
  const fields: string[] = []
  if (metadata.size > 0) {
    const pairs = [...metadata].map(([key, text]) => `${JSON.stringify(key)}:${JSON.stringify(text)}`)
    fields.push(`"__metadata__":{${pairs.join(',')}}`)
  }
  let end = 0
  for (const [key, { dtype, shape, bytes }] of ordered) {
    const expected = shape.reduce((product, size) => product * size, widthOf(dtype))
    if (bytes.length !== expected) throw new Error(`tensor ${key}: ${bytes.length} bytes, not ${expected}`)
    fields.push(
      `${JSON.stringify(key)}:{"dtype":"${dtype}","shape":[${shape.join(',')}],"data_offsets":[${end},${end + bytes.length}]}`,
    )
    end += bytes.length
  }
  const text = new TextEncoder().encode(`{${fields.join(',')}}`)
  // Trailing spaces bring the tensors to a multiple of eight bytes.
  const header = new Uint8Array(Math.ceil((8 + text.length) / 8) * 8).fill(0x20)
  new DataView(header.buffer).setBigUint64(0, BigInt(header.length - 8), true)
  header.set(text, 8)
  return [header, ...ordered.map(([, tensor]) => tensor.bytes)]
}

export function joinChunks(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const file = new Uint8Array(chunks.reduce((total, chunk) => total + chunk.length, 0))
  let at = 0
  for (const chunk of chunks) {
    file.set(chunk, at)
    at += chunk.length
  }
  return file
}
