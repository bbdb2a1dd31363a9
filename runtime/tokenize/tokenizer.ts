/**
 * What turns text into token ids and back. Ids 0 to 3 mean the same in every vocabulary: `<pad>` fills up, `<bos>` begins,
 * `<eos>` ends, `<unk>` stands for what the vocabulary lacks. What a tokenizer has learnt is its record, plain JSON.
 */
import type { TokenizerDescription } from '../abi.ts'
import { bpeTokenizer, trainBpe } from './bpe.ts'
import { bytesTokenizer } from './bytes.ts'
import { charsTokenizer, trainChars } from './chars.ts'
import { trainWords, wordsTokenizer } from './words.ts'

/** `size` counts all ids, the special ones included; there may be fewer tokens than that. */
export type TokenizerRecord =
  | { readonly kind: 'bytes' }
  /** Tokens from id 4 on. */
  | { readonly kind: 'chars' | 'words'; readonly size: number; readonly tokens: readonly string[] }
  /** Merge i joins two ids to id 260 + i; byte b is id 4 + b. */
  | { readonly kind: 'bpe'; readonly size: number; readonly merges: readonly (readonly [number, number])[] }

export interface Tokenizer {
  readonly record: TokenizerRecord
  /** One more than the greatest id. */
  readonly size: number
  encode(text: string): Int32Array
  /** The text of ids; special tokens say nothing, but for `<unk>`. */
  decode(ids: ArrayLike<number>): string
  /** The same bit by bit: a character whose bytes are not all there yet waits for the rest. */
  stream(): TextStream
}
export interface TextStream {
  push(id: number): string
  end(): string
}

export function tokenizerOf(record: TokenizerRecord): Tokenizer {
  switch (record.kind) {
    case 'bytes':
      return bytesTokenizer()
    case 'chars':
      return charsTokenizer(record.size, record.tokens)
    case 'words':
      return wordsTokenizer(record.size, record.tokens)
    case 'bpe':
      return bpeTokenizer(record.size, record.merges)
    default:
      return record satisfies never
  }
}

/** Learns a vocabulary from texts; the same texts give the same vocabulary. */
export function trainTokenizer(description: TokenizerDescription, texts: Iterable<string>): Tokenizer {
  switch (description.kind) {
    case 'bytes':
      return bytesTokenizer()
    case 'chars':
      return charsTokenizer(description.size, trainChars(description.size, texts))
    case 'words':
      return wordsTokenizer(description.size, trainWords(description.size, texts))
    case 'bpe':
      return bpeTokenizer(description.size, trainBpe(description.size, texts))
    default:
      return description satisfies never
  }
}

/** How many ids there are, known without reading any text. */
export function vocabularySize(description: TokenizerDescription): number {
  return description.kind === 'bytes' ? 260 : description.size
}
