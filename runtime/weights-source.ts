/**
 * Where weights come from (a URL, a path, a Blob, bytes) → a source that is read in order, a tensor at a time, so that a
 * file larger than the host's memory can go to the device.
 */
import { CheckpointError } from './checkpoint-error.ts'
import { platform } from './platform.ts'
import { type ByteSource, bytesSource } from './safetensors.ts'

/** A string is a path in Node, and a URL in browsers and where it begins like one. */
export type WeightsSource = string | URL | Blob | ArrayBuffer | Uint8Array | ByteSource

export interface OpenSource extends ByteSource {
  close?(): Promise<void>
}

export async function openSource(source: WeightsSource): Promise<OpenSource> {
  if (source instanceof ArrayBuffer) return bytesSource('weights', new Uint8Array(source))
  if (source instanceof Uint8Array) return bytesSource('weights', source)
  if (source instanceof Blob)
    return {
      // A File has a name, other Blobs have none.
      name: (source as Partial<File>).name ?? 'weights',
      byteLength: source.size,
      read: async (offset, length) => new Uint8Array(await source.slice(offset, offset + length).arrayBuffer()),
    }
  if (typeof source === 'object' && 'read' in source) return source
  const { openFile } = platform()
  const isUrl = source instanceof URL ? source.protocol !== 'file:' : /^(https?|blob|data):/i.test(source)
  return openFile && !isUrl ? openFile(source) : fetchSource(source)
}

async function fetchSource(url: string | URL): Promise<OpenSource> {
  const name = String(url).slice(0, 200)
  const failed = (why: string, cause?: unknown) =>
    new CheckpointError(name, why, { fix: 'check the address, and that the server lets this page read it', cause })
  const response = await fetch(url).catch((cause: unknown) => {
    throw failed(`could not be fetched: ${String(cause)}`, cause)
  })
  if (!response.ok) throw failed(`could not be fetched: status ${response.status}`)
  const length = Number(response.headers.get('content-length'))
  // Of a body that is compressed on its way, the header tells another length than the file's.
  if (!response.body || !(length > 0) || response.headers.get('content-encoding'))
    return bytesSource(name, new Uint8Array(await response.arrayBuffer()))
  return streamSource(name, length, response.body.getReader())
}

/** Reads go forward only; what is passed over is thrown away. */
function streamSource(name: string, byteLength: number, reader: ReadableStreamDefaultReader<Uint8Array>): OpenSource {
  let chunk = new Uint8Array()
  let start = 0
  return {
    name,
    byteLength,
    async read(offset, length) {
      const result = new Uint8Array(length)
      let filled = 0
      while (filled < length) {
        const from = offset + filled - start
        if (from >= chunk.length) {
          start += chunk.length
          const next = await reader.read()
          if (next.done) break
          chunk = next.value as Uint8Array<ArrayBuffer>
          continue
        }
        const part = chunk.subarray(from, from + length - filled)
        result.set(part, filled)
        filled += part.length
      }
      return result.subarray(0, filled)
    },
    close: () => reader.cancel(),
  }
}
