/**
 * Bytes that may be gzip → the plain bytes, through the platform's DecompressionStream (browsers and Node). Inflating stops
 * as soon as more comes out than the content's own header says: a small file cannot take all memory.
 */
import { DataError } from './data-error.ts'

export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}

/** How far content is collected before its length must be known. */
const startLength = 64
/** The most that content of unknown length may be. */
const unknownLimit = 2 ** 31

/** `expected` is asked once, with the first bytes that came out, for the length of the whole. */
export async function gunzip(
  file: string,
  compressed: Uint8Array,
  expected: (start: Uint8Array) => number | undefined = () => undefined,
  allocate: (byteLength: number) => Uint8Array = (byteLength) => new Uint8Array(byteLength),
): Promise<Uint8Array> {
  const source = new Blob([compressed as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream('gzip'))
  const reader = source.getReader()
  const chunks: Uint8Array[] = []
  let length = 0
  let limit: number | undefined
  try {
    while (true) {
      const { done, value } = await reader.read()
      if (done) break
      chunks.push(value)
      length += value.length
      if (limit === undefined && length >= startLength) {
        limit = expected(concatenate(chunks, length)) ?? unknownLimit
        // DEFLATE makes at most 1032 bytes of one, so a greater claim is false and nothing need be read for it.
        if (limit !== unknownLimit && limit > compressed.length * 1032) {
          throw tooLong(file, length, `its header claims ${limit} bytes, more than it can hold`)
        }
      }
      if (limit !== undefined && length > limit)
        throw tooLong(file, limit, `more than the ${limit} bytes that its header describes`)
    }
  } catch (cause) {
    await reader.cancel().catch(() => {})
    if (cause instanceof DataError) throw cause
    const fault = {
      file,
      offset: length,
      problem: 'damaged gzip data',
      fix: 'fetch the file again: it was cut short or changed',
    }
    throw new DataError(fault, cause)
  }
  return concatenate(chunks, length, allocate(length))
}

function concatenate(
  chunks: readonly Uint8Array[],
  length: number,
  whole: Uint8Array = new Uint8Array(length),
): Uint8Array {
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}

function tooLong(file: string, offset: number, problem: string): DataError {
  return new DataError({ file, offset, problem, fix: 'fetch the file again: it is not what its header says' })
}
