/**
 * Bytes of an IDX file (MNIST's format) → a column. The file is two zero bytes, a type code, the number of dims, each
 * dim as a big-endian uint32, then the elements, big-endian; the first dim counts examples. Sizes are checked against the
 * file before anything is allocated.
 */
import { DataError } from './data-error.ts'
import type { Column, ColumnValues } from './field.ts'
import { elementCount } from './field.ts'

const elements = new Map<number, { readonly width: number; readonly name: string }>([
  [0x08, { width: 1, name: 'uint8' }],
  [0x09, { width: 1, name: 'int8' }],
  [0x0b, { width: 2, name: 'int16' }],
  [0x0c, { width: 4, name: 'int32' }],
  [0x0d, { width: 4, name: 'float32' }],
  [0x0e, { width: 8, name: 'float64' }],
])

const whole = 'fetch the file again: it is not a whole IDX file'

export interface IdxHeader {
  readonly code: number
  readonly shape: readonly number[]
  /** Of the whole file. */
  readonly byteLength: number
  readonly dataStart: number
}

/** Reads the header from the first bytes; `undefined` when they do not reach to its end. */
export function parseIdxHeader(file: string, bytes: Uint8Array): IdxHeader | undefined {
  const fail = (offset: number, problem: string, fix = whole): never => {
    throw new DataError({ file, offset, problem, fix })
  }
  for (let i = 0; i < Math.min(2, bytes.length); i++) {
    if (bytes[i] !== 0)
      fail(i, 'not an IDX file: it does not start with two zero bytes', 'check that the path names an IDX file')
  }
  if (bytes.length < 4) return undefined
  const element = elements.get(bytes[2]!)
  if (element === undefined) return fail(2, `not an IDX file: no element type has the code 0x${bytes[2]!.toString(16)}`)
  const rank = bytes[3]!
  if (rank === 0 || rank > 8) return fail(3, `an IDX file of ${rank} dims: 1 to 8 can be read`)
  const dataStart = 4 + 4 * rank
  if (bytes.length < dataStart) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const shape: number[] = []
  let byteLength = element.width
  for (let axis = 0; axis < rank; axis++) {
    shape.push(view.getUint32(4 + 4 * axis))
    byteLength *= shape[axis]!
    if (!Number.isSafeInteger(byteLength)) fail(4 + 4 * axis, 'its dims make more than 2^53 bytes')
  }
  return { code: bytes[2]!, shape, byteLength: dataStart + byteLength, dataStart }
}

/** The whole (uncompressed) file as a column; its bytes are used where they lie. */
export function parseIdx(file: string, bytes: Uint8Array): Column {
  const header = parseIdxHeader(file, bytes)
  if (header === undefined) {
    throw new DataError({ file, offset: bytes.length, problem: 'cut short inside its header', fix: whole })
  }
  const { shape, byteLength, dataStart } = header
  if (bytes.length !== byteLength) {
    const problem =
      bytes.length < byteLength
        ? `cut short: its header describes ${byteLength} bytes (${shape.join('×')}), and it has ${bytes.length}`
        : `${bytes.length - byteLength} bytes after its end: its header describes ${byteLength} (${shape.join('×')})`
    throw new DataError({ file, offset: Math.min(bytes.length, byteLength), problem, fix: whole })
  }
  const [examples = 0, ...each] = shape
  return { file, examples, shape: each, values: valuesOf(header, bytes, elementCount(shape), dataStart) }
}

function valuesOf(header: IdxHeader, bytes: Uint8Array, count: number, start: number): ColumnValues {
  if (header.code === 0x08) return { kind: 'host', array: bytes.subarray(start) }
  if (header.code === 0x09) return { kind: 'host', array: new Int8Array(bytes.buffer, bytes.byteOffset + start, count) }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const element = header.code === 0x0b ? 'i16' : header.code === 0x0c ? 'i32' : header.code === 0x0d ? 'f32' : 'f64'
  return { kind: 'big_endian', element, view, start }
}
