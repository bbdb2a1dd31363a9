/** Text ↔ what stands between white space; words that are not among the most frequent of the training text are `<unk>`. */
import { mostFrequent } from './counted.ts'
import { special, specialTokens } from './special.ts'
import type { Tokenizer } from './tokenizer.ts'

const wordsOf = (text: string): string[] => text.split(/\s/).filter((word) => word !== '')

export function trainWords(size: number, texts: Iterable<string>): string[] {
  const counts = new Map<string, number>()
  for (const text of texts) for (const word of wordsOf(text)) counts.set(word, (counts.get(word) ?? 0) + 1)
  return mostFrequent(counts, size - specialTokens.length)
}

export function wordsTokenizer(size: number, tokens: readonly string[]): Tokenizer {
  const ids = new Map(tokens.map((token, i) => [token, i + specialTokens.length]))
  const textOf = (id: number) =>
    id === special.unk ? specialTokens[special.unk] : (tokens[id - specialTokens.length] ?? '')
  return {
    record: { kind: 'words', size, tokens },
    size,
    encode: (text) => Int32Array.from(wordsOf(text), (word) => ids.get(word) ?? special.unk),
    decode: (encoded) =>
      Array.from(encoded, textOf)
        .filter((word) => word !== '')
        .join(' '),
    stream() {
      let first = true
      return {
        push(id) {
          const word = textOf(id)
          if (word === '') return ''
          const text = first ? word : ` ${word}`
          first = false
          return text
        },
        end: () => '',
      }
    },
  }
}
