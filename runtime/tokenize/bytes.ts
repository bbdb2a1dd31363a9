/** Text ↔ the bytes of its UTF-8, each 4 higher to leave room for the special tokens. Nothing is learnt, nothing unknown. */
import type { TextStream, Tokenizer } from './tokenizer.ts'

/** The first id of a byte: the special tokens lie below. */
export const firstByte = 4

export function bytesTokenizer(): Tokenizer {
  return {
    record: { kind: 'bytes' },
    size: firstByte + 256,
    encode: (text) => Int32Array.from(new TextEncoder().encode(text), (byte) => byte + firstByte),
    decode: (ids) =>
      decodeWith(
        ids,
        byteStream((id) => (id < firstByte ? none : [id - firstByte])),
      ),
    stream: () => byteStream((id) => (id < firstByte ? none : [id - firstByte])),
  }
}
const none: readonly number[] = []

/** A stream of ids that each stand for some bytes. Bytes that are no UTF-8 become U+FFFD. */
export function byteStream(bytesOf: (id: number) => readonly number[] | Uint8Array): TextStream {
  // A leading U+FEFF belongs to the text.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  return {
    push: (id) => decoder.decode(Uint8Array.from(bytesOf(id)), { stream: true }),
    end: () => decoder.decode(),
  }
}

export function decodeWith(ids: ArrayLike<number>, stream: TextStream): string {
  const parts: string[] = []
  for (let i = 0; i < ids.length; i++) parts.push(stream.push(ids[i]!))
  parts.push(stream.end())
  return parts.join('')
}
