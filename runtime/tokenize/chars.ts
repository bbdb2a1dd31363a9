/** Text ↔ its characters (Unicode code points); those that are not among the most frequent of the training text are `<unk>`. */
import { mostFrequent } from './counted.ts'
import { special, specialTokens } from './special.ts'
import type { Tokenizer } from './tokenizer.ts'

export function trainChars(size: number, texts: Iterable<string>): string[] {
  const counts = new Map<string, number>()
  for (const text of texts) for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1)
  return mostFrequent(counts, size - specialTokens.length)
}

export function charsTokenizer(size: number, tokens: readonly string[]): Tokenizer {
  const ids = new Map(tokens.map((token, i) => [token, i + specialTokens.length]))
  const textOf = (id: number) => (id === special.unk ? '\ufffd' : (tokens[id - specialTokens.length] ?? ''))
  return {
    record: { kind: 'chars', size, tokens },
    size,
    encode(text) {
      const encoded = new Int32Array(text.length)
      let count = 0
      for (const character of text) encoded[count++] = ids.get(character) ?? special.unk
      return encoded.subarray(0, count)
    },
    decode: (encoded) => Array.from(encoded, textOf).join(''),
    stream: () => ({ push: textOf, end: () => '' }),
  }
}
