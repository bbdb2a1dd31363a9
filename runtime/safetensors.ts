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

/** Bytes per element of each dtype the format knows. */
const widths = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
} as const
export type SafetensorsDtype = keyof typeof widths

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
  if (typeof dtype !== 'string' || !Object.hasOwn(widths, dtype)) return fail('has no dtype that the format knows')
  const shape = record.get('shape')
  if (!isIntegers(shape) || shape.length > 32) return fail('has no shape, or one of more than 32 dims')
  const offsets = record.get('data_offsets')
  if (!isIntegers(offsets) || offsets.length !== 2) return fail('has no `data_offsets`')
  const [begin, end] = offsets as readonly [number, number]
  let byteLength: number = widths[dtype as SafetensorsDtype]
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
  switch (dtype) {
    case 'F64':
      return new Float64Array(buffer)
    case 'F32':
      return new Float32Array(buffer)
    case 'F16':
      return Float32Array.from(new Uint16Array(buffer), floatFromHalf)
    case 'BF16':
      return Float32Array.from(new Uint16Array(buffer), floatFromBfloat16)
    case 'I64':
      return new BigInt64Array(buffer)
    case 'U64':
      return new BigUint64Array(buffer)
    case 'I32':
      return new Int32Array(buffer)
    case 'U32':
      return new Uint32Array(buffer)
    case 'I16':
      return new Int16Array(buffer)
    case 'U16':
      return new Uint16Array(buffer)
    case 'I8':
      return new Int8Array(buffer)
    case 'U8':
    case 'BOOL':
    case 'F8_E4M3':
    case 'F8_E5M2':
      return new Uint8Array(buffer)
    default:
      return dtype satisfies never
  }
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

function dtypeOf(data: SafetensorsArray): SafetensorsDtype {
  if (data instanceof Float32Array) return 'F32'
  if (data instanceof Int32Array) return 'I32'
  if (data instanceof Uint32Array) return 'U32'
  if (data instanceof Uint8Array) return 'U8'
  if (data instanceof Float64Array) return 'F64'
  if (data instanceof Int8Array) return 'I8'
  if (data instanceof Int16Array) return 'I16'
  if (data instanceof Uint16Array) return 'U16'
  if (data instanceof BigInt64Array) return 'I64'
  if (data instanceof BigUint64Array) return 'U64'
  return data satisfies never
}

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
  const ordered = [...tensors].sort(([, a], [, b]) => widths[b.dtype] - widths[a.dtype])
  const fields: string[] = []
  if (metadata.size > 0) {
    const pairs = [...metadata].map(([key, text]) => `${JSON.stringify(key)}:${JSON.stringify(text)}`)
    fields.push(`"__metadata__":{${pairs.join(',')}}`)
  }
  let end = 0
  for (const [key, { dtype, shape, bytes }] of ordered) {
    const expected = shape.reduce((product, size) => product * size, widths[dtype])
    if (bytes.length !== expected)
      throw new Error(`tensor ${key}: ${bytes.length} bytes for a shape that needs ${expected}`)
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
