/** Tokenizers by hand-worked examples, by what must hold of every text, and through their saved form. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CheckpointError } from '../../runtime/checkpoint-error.ts'
import { type Tokenizer, tokenizerOf, trainTokenizer, vocabularySize } from '../../runtime/tokenize/tokenizer.ts'
import { decodeVocabularies, encodeVocabularies } from '../../runtime/tokenize/vocabularies.ts'

const letter = (character: string) => character.charCodeAt(0) + 4
const streamed = (tokenizer: Tokenizer, ids: ArrayLike<number>): string => {
  const stream = tokenizer.stream()
  return Array.from(ids, (id) => stream.push(id)).join('') + stream.end()
}

describe('characters', () => {
  const chars = trainTokenizer({ kind: 'chars', size: 7 }, ['abba', 'cab'])
  test('the most frequent first, equals by code point, the rest unknown', () => {
    // a 3, b 3, c 1: ids 4, 5, 6.
    expect(chars.record).toEqual({ kind: 'chars', size: 7, tokens: ['a', 'b', 'c'] })
    expect([...chars.encode('cabd')]).toEqual([6, 4, 5, 3])
    expect(chars.decode([1, 6, 4, 3, 2, 0])).toBe('ca\ufffd')
    expect(trainTokenizer({ kind: 'chars', size: 6 }, ['abba', 'cab']).record).toMatchObject({ tokens: ['a', 'b'] })
  })
  test('a character beyond the first plane is one token', () => {
    const smile = trainTokenizer({ kind: 'chars', size: 10 }, ['😀\uffff😀'])
    expect(smile.encode('😀').length).toBe(1)
    expect(smile.record).toMatchObject({ tokens: ['😀', '\uffff'] })
  })
})

describe('words', () => {
  const words = trainTokenizer({ kind: 'words', size: 6 }, ['K AE1 T', 'K AE1', 'B'])
  test('what white space parts', () => {
    expect(words.record).toMatchObject({ tokens: ['AE1', 'K'] })
    expect([...words.encode('  K\tAE1 \n T')]).toEqual([5, 4, 3])
    expect(words.decode([1, 5, 4, 3, 2, 0])).toBe('K AE1 <unk>')
    expect(streamed(words, [1, 5, 4, 3, 2])).toBe('K AE1 <unk>')
  })
})

describe('bytes', () => {
  test('each four higher', () => expect([...tokenizerOf({ kind: 'bytes' }).encode('aé')]).toEqual([101, 199, 173]))
})

describe('byte pairs', () => {
  test('aaabdaaabac: first aa, then ab, then both', () => {
    // aa 4 times; then Za and ab twice each, ab of the lesser ids; then ZY twice; then nothing twice.
    const bpe = trainTokenizer({ kind: 'bpe', size: 300 }, ['aaabdaaabac'])
    const [a, b, c, d] = [letter('a'), letter('b'), letter('c'), letter('d')]
    expect(bpe.record).toEqual({
      kind: 'bpe',
      size: 300,
      merges: [
        [a, a],
        [a, b],
        [260, 261],
      ],
    })
    expect([...bpe.encode('aaabdaaabac')]).toEqual([262, d, 262, a, c])
  })
  test('the first merges of low, lower, newest, widest as in Sennrich et al., algorithm 1', () => {
    const text = [
      ...Array(5).fill('low'),
      ...Array(2).fill('lower'),
      ...Array(6).fill('newest'),
      ...Array(3).fill('widest'),
    ]
    const bpe = trainTokenizer({ kind: 'bpe', size: 262 }, [text.join(' ')])
    expect(bpe.record).toMatchObject({
      merges: [
        [letter('e'), letter('s')],
        [260, letter('t')],
      ],
    })
  })
  test('no merge crosses a word', () => {
    const bpe = trainTokenizer({ kind: 'bpe', size: 400 }, ['of the of the of the'])
    const longest = Math.max(
      ...[...Array(140).keys()].map(
        (i) =>
          bpe
            .decode([260 + i])
            .trim()
            .split(' ').length,
      ),
    )
    expect(longest).toBe(1)
    expect(bpe.decode(bpe.encode(' the').subarray(0, 1))).toBe(' the')
  })
})

describe('every text comes back', () => {
  const corpus = 'the theme of these theses, there: 12 123 1234; naïve café — 東京 😀😀'
  const unicode = fc.string({ unit: 'grapheme', maxLength: 40 })
  for (const description of [{ kind: 'bytes' }, { kind: 'bpe', size: 290 }] as const)
    test(description.kind, () => {
      const tokenizer = trainTokenizer(description, [corpus])
      expect(tokenizer.decode(tokenizer.encode(corpus))).toBe(corpus)
      const known = fc.stringMatching(/^[the :;123]*$/)
      fc.assert(
        fc.property(fc.oneof(unicode, known), (text) => {
          const ids = tokenizer.encode(text)
          const written = new TextDecoder().decode(new TextEncoder().encode(text))
          return (
            tokenizer.decode(ids) === written &&
            streamed(tokenizer, ids) === written &&
            ids.every((id) => id >= 4 && id < vocabularySize(description))
          )
        }),
        { seed: 7, numRuns: 300 },
      )
    })
})

describe('saved', () => {
  const chars = trainTokenizer({ kind: 'chars', size: 9 }, ['hello']).record
  const bpe = trainTokenizer({ kind: 'bpe', size: 270 }, ['hello hello hello']).record
  test('fields of one vocabulary share it, and all come back', () => {
    const text = encodeVocabularies([
      { name: 'input', vocabulary: chars },
      { name: 'label' },
      { name: 'target', vocabulary: chars },
      { name: 'other', vocabulary: bpe },
    ])!
    expect(JSON.parse(text)).toHaveLength(2)
    const found = decodeVocabularies('f', text)
    expect([...found.keys()]).toEqual(['input', 'target', 'other'])
    expect(found.get('input')!.record).toEqual(chars)
    expect(found.get('other')!.record).toEqual(bpe)
    expect(encodeVocabularies([{ name: 'image' }])).toBe(undefined)
  })
  const wrong = [
    '',
    '{}',
    '[1]',
    '[{"fields":["x"],"kind":"chars","size":4,"tokens":["a"]}]',
    '[{"fields":["x"],"kind":"bpe","size":300,"merges":[[260,4]]}]',
    '[{"fields":"x","kind":"bytes"}]',
    '[{"fields":["x"],"kind":"__proto__"}]',
  ]
  for (const text of wrong)
    test(`refused: ${text}`, () => expect(() => decodeVocabularies('f', text)).toThrow(CheckpointError))
})
