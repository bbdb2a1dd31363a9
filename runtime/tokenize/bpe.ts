/**
 * Text ↔ byte pairs: text is cut into words (a space belongs to the word after it), each into bytes, and learnt merges join
 * neighbours, the earliest learnt first. Every text can be said, so nothing is unknown and decoding gives the text back.
 * Source: Sennrich, Haddow and Birch, "Neural machine translation of rare words with subword units", ACL 2016; bytes as
 * the smallest units after Radford et al., "Language models are unsupervised multitask learners", 2019.
 */
import { byteStream, decodeWith, firstByte } from './bytes.ts'
import type { Tokenizer } from './tokenizer.ts'

const firstMerge = firstByte + 256
/** Every character is in one of these, so the pieces side by side are the text. */
const pieces = / ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+/gu

type Merge = readonly [number, number]
/** Two ids as one number: there are fewer than 2^26 of each. */
const pairOf = (left: number, right: number): number => left * 2 ** 26 + right

const bytesOfPiece = (piece: string): number[] =>
  Array.from(new TextEncoder().encode(piece), (byte) => byte + firstByte)

/** The most frequent pair becomes a token, again and again; of equals, that of the least ids. A pair seen once is none. */
export function trainBpe(size: number, texts: Iterable<string>): Merge[] {
  const counted = new Map<string, number>()
  for (const text of texts)
    for (const [piece] of text.matchAll(pieces)) counted.set(piece, (counted.get(piece) ?? 0) + 1)
  const words = [...counted].map(([piece, count]) => ({ ids: bytesOfPiece(piece), count }))

  const counts = new Map<number, number>()
  const places = new Map<number, Set<number>>()
  const add = (word: number, sign: 1 | -1) => {
    const { ids, count } = words[word]!
    for (let i = 0; i + 1 < ids.length; i++) {
      const pair = pairOf(ids[i]!, ids[i + 1]!)
      const now = (counts.get(pair) ?? 0) + sign * count
      if (now === 0) counts.delete(pair)
      else counts.set(pair, now)
      if (sign === 1) {
        const known = places.get(pair)
        if (known) known.add(word)
        else places.set(pair, new Set([word]))
      }
    }
  }
  for (let word = 0; word < words.length; word++) add(word, 1)

  const merges: Merge[] = []
  while (firstMerge + merges.length < size) {
    let best = -1
    let most = 1
    for (const [pair, count] of counts)
      if (count > most || (count === most && best !== -1 && pair < best)) {
        best = pair
        most = count
      }
    if (best === -1) break
    const merge: Merge = [Math.floor(best / 2 ** 26), best % 2 ** 26]
    const id = firstMerge + merges.length
    merges.push(merge)
    for (const word of places.get(best)!) {
      add(word, -1)
      words[word] = { ...words[word]!, ids: joined(words[word]!.ids, merge, id) }
      add(word, 1)
    }
    places.delete(best)
  }
  return merges
}

function joined(ids: readonly number[], [left, right]: Merge, id: number): number[] {
  const result: number[] = []
  for (let i = 0; i < ids.length; i++)
    if (ids[i] === left && ids[i + 1] === right) {
      result.push(id)
      i++
    } else result.push(ids[i]!)
  return result
}

export function bpeTokenizer(size: number, merges: readonly Merge[]): Tokenizer {
  const ranks = new Map(merges.map(([left, right], rank) => [pairOf(left, right), rank]))
  const bytes: number[][] = []
  for (let id = 0; id < firstMerge; id++) bytes.push(id < firstByte ? [] : [id - firstByte])
  for (const [left, right] of merges) bytes.push([...bytes[left]!, ...bytes[right]!])
  const known = new Map<string, readonly number[]>()

  const encodePiece = (piece: string): readonly number[] => {
    const before = known.get(piece)
    if (before) return before
    let ids = bytesOfPiece(piece)
    while (true) {
      let rank = Number.POSITIVE_INFINITY
      for (let i = 0; i + 1 < ids.length; i++) rank = Math.min(rank, ranks.get(pairOf(ids[i]!, ids[i + 1]!)) ?? rank)
      if (rank === Number.POSITIVE_INFINITY) break
      ids = joined(ids, merges[rank]!, firstMerge + rank)
    }
    if (known.size < 1 << 16) known.set(piece, ids)
    return ids
  }
  const stream = () => byteStream((id) => bytes[id] ?? [])
  return {
    record: { kind: 'bpe', size, merges },
    size,
    encode(text) {
      const ids: number[] = []
      for (const [piece] of text.matchAll(pieces)) for (const id of encodePiece(piece)) ids.push(id)
      return Int32Array.from(ids)
    },
    decode: (ids) => decodeWith(ids, stream()),
    stream,
  }
}
