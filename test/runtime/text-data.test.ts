/** Text of every source through its stages to batches: tokens, windows, padding, masks, vocabularies; and each fault by its line. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DataDescription, FieldDescription, SourceDescription, StageDescription } from '../../runtime/abi.ts'
import { datasetBatches } from '../../runtime/data/batches.ts'
import type { Dataset } from '../../runtime/data/dataset.ts'
import { openData } from '../../runtime/node/open-data.ts'
import { trainTokenizer } from '../../runtime/tokenize/tokenizer.ts'

let directory = ''
const files = {
  'text.txt': 'abcabcabd',
  'other.txt': 'cbaz',
  'pairs.tsv': 'word\tphonemes\ncat\tK AE1 T\nat\tAE1 T\n',
  'lines.txt': 'ab\r\n\r\nabc\n',
  'sentences.jsonl':
    '{"words":["the","dog"],"tags":"DET NOUN","score":1,"pair":[1,2.5]}\n\n{"words":["the"],"tags":"DET","score":4,"pair":[3,4]}\n',
  'broken.jsonl': '{"words":["a b"],"x":1}\n{"words":["a"],"x":"1"}\nnope\n',
} as const
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'dlm-text-'))
  writeFileSync(join(directory, 'package.json'), '{}')
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

type Fields = Readonly<Record<string, readonly [SourceDescription, ...StageDescription[]]>>
const partition = (name: string, fields: Fields): DataDescription['partitions'][number] => ({
  kind: 'fields',
  name,
  fields: Object.entries(fields).map(
    ([field, [source, ...stages]]): FieldDescription => ({ name: field, source, stages }),
  ),
})
const open = (...partitions: DataDescription['partitions']) =>
  openData({ name: 'D', partitions }, { directory, overrides: new Map() })
const opened = async (fields: Fields): Promise<Dataset> => (await open(partition('train', fields))).get('train')!
async function rows(dataset: Dataset): Promise<Record<string, number[][]>> {
  const wanted = dataset.fields.map(({ name, shape, dtype }) => ({ name, shape, dtype }))
  const all: Record<string, number[][]> = Object.fromEntries(wanted.map(({ name }) => [name, []]))
  for await (const { fields } of datasetBatches(dataset, wanted, { batch: 1, dropLast: false }).epoch(0, 0))
    for (const [name, data] of fields) all[name]!.push([...data])
  return all
}
const text = (path: string): SourceDescription => ({ kind: 'text', path })
const chars: StageDescription = { kind: 'tokenize', tokenizer: { kind: 'chars', size: 8 } }
const words: StageDescription = { kind: 'tokenize', tokenizer: { kind: 'words', size: 8 } }

describe('windows over one text', () => {
  // a b c a b c a b d: a 3, b 3, c 2, d 1 are ids 4 5 6 7.
  const window = (length: number, stride: number, ahead: number): StageDescription => ({
    kind: 'window',
    length,
    stride,
    ahead,
  })
  test('side by side, the target one ahead', async () => {
    const data = await opened({
      input: [text('text.txt'), chars, window(3, 3, 0)],
      target: [text('text.txt'), chars, window(3, 3, 1)],
    })
    expect(await rows(data)).toEqual({
      input: [
        [4, 5, 6],
        [4, 5, 6],
      ],
      target: [
        [5, 6, 4],
        [5, 6, 4],
      ],
    })
  })
  test('overlapping ones share their tokens', async () => {
    const data = await opened({ input: [text('text.txt'), chars, window(4, 1, 0)] })
    expect((await rows(data)).input).toEqual([
      [4, 5, 6, 4],
      [5, 6, 4, 5],
      [6, 4, 5, 6],
      [4, 5, 6, 4],
      [5, 6, 4, 5],
    ])
    const { values } = data.fields[0]!.column
    expect(values.kind === 'host' && values.array.length).toBe(9)
  })
  test('a one-hot window', async () => {
    const data = await opened({ input: [text('text.txt'), chars, window(2, 6, 0), { kind: 'one_hot', classes: 8 }] })
    expect((await rows(data)).input).toEqual([
      [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0],
      [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0],
    ])
  })
  test('the vocabulary is that of `train`', async () => {
    const fields = (path: string): Fields => ({ input: [text(path), chars, window(3, 1, 0)] })
    const data = await open(partition('test', fields('other.txt')), partition('train', fields('text.txt')))
    expect((await rows(data.get('test')!)).input).toEqual([[6, 5, 4]])
    expect(data.get('test')!.fields[0]!.vocabulary).toEqual(data.get('train')!.fields[0]!.vocabulary)
  })
  test('a vocabulary that is given is used', async () => {
    const given = trainTokenizer({ kind: 'chars', size: 8 }, ['dcba'])
    const data = await openData(
      { name: 'D', partitions: [partition('train', { input: [text('text.txt'), chars, window(3, 6, 0)] })] },
      { directory, overrides: new Map(), vocabularies: new Map([['input', given]]) },
    )
    expect((await rows(data.get('train')!)).input).toEqual([[4, 5, 6]])
  })
})

describe('pairs, begun and ended', () => {
  test('the inputs of a decoder are its targets, one later', async () => {
    const csv = (column: string): SourceDescription => ({
      kind: 'csv',
      path: 'pairs.tsv',
      columns: [column],
      header: true,
    })
    const data = await opened({
      source: [csv('word'), chars, { kind: 'pad', length: 3 }],
      input: [csv('phonemes'), words, { kind: 'begin' }, { kind: 'pad', length: 5 }],
      target: [csv('phonemes'), words, { kind: 'end' }, { kind: 'pad', length: 5 }],
      mask: [csv('phonemes'), words, { kind: 'end' }, { kind: 'pad', length: 5 }, { kind: 'mask' }],
    })
    // a 2, t 2, c 1 are 4 5 6; AE1 2, T 2, K 1 are 4 5 6.
    expect(await rows(data)).toEqual({
      source: [
        [6, 4, 5],
        [4, 5, 0],
      ],
      input: [
        [1, 6, 4, 5, 0],
        [1, 4, 5, 0, 0],
      ],
      target: [
        [6, 4, 5, 2, 0],
        [4, 5, 2, 0, 0],
      ],
      mask: [
        [1, 1, 1, 1, 0],
        [1, 1, 1, 0, 0],
      ],
    })
  })
  test('lines and their order; an empty one is empty', async () => {
    const data = await opened({
      x: [{ kind: 'lines', path: 'lines.txt' }, chars, { kind: 'truncate', length: 2 }, { kind: 'pad', length: 2 }],
    })
    expect((await rows(data)).x).toEqual([
      [4, 5],
      [0, 0],
      [4, 5],
    ])
  })
  test('JSON lines: lists of words, texts, numbers, lists of numbers, categories', async () => {
    const json = (field: string): SourceDescription => ({ kind: 'jsonl', path: 'sentences.jsonl', field })
    const data = await opened({
      words: [json('words'), words, { kind: 'pad', length: 2 }],
      tags: [json('tags'), words, { kind: 'pad', length: 2 }],
      score: [json('score'), { kind: 'shift', by: -1 }],
      pair: [json('pair')],
    })
    expect(await rows(data)).toEqual({
      words: [
        [4, 5],
        [4, 0],
      ],
      tags: [
        [4, 5],
        [4, 0],
      ],
      score: [[0], [3]],
      pair: [
        [1, 2.5],
        [3, 4],
      ],
    })
    const first = await opened({
      x: [
        { kind: 'csv', path: 'pairs.tsv', columns: ['word'], header: true },
        { kind: 'categories', names: ['at', 'cat'] },
      ],
    })
    expect((await rows(first)).x).toEqual([[1], [0]])
  })
})

describe('faults are told with file and line', () => {
  const jsonl = (field: string): SourceDescription => ({ kind: 'jsonl', path: 'broken.jsonl', field })
  const cases: readonly (readonly [string, Fields, RegExp])[] = [
    [
      'too long for its padding',
      { x: [{ kind: 'lines', path: 'lines.txt' }, chars, { kind: 'pad', length: 2 }] },
      /lines\.txt:3: field `x`: 3 tokens, and `pad\(2\)`/,
    ],
    [
      'too short for a window',
      { x: [text('text.txt'), chars, { kind: 'window', length: 9, stride: 9, ahead: 0 }] },
      /9 tokens in all, too few for a window of 9/,
    ],
    ['never tokens', { x: [text('text.txt')] }, /it is text to the end/],
    ['of any length', { x: [text('text.txt'), chars] }, /tokens of any number/],
    ['padded before it is tokens', { x: [text('text.txt'), { kind: 'pad', length: 3 }] }, /`pad` cannot stand/],
    ['no JSON', { x: [jsonl('x')] }, /broken\.jsonl:3: not JSON/],
    [
      'no such field',
      { x: [{ ...jsonl('z'), path: 'sentences.jsonl' } as SourceDescription] },
      /sentences\.jsonl:1: no field `z`/,
    ],
    [
      'no category',
      {
        x: [
          { kind: 'lines', path: 'lines.txt' },
          { kind: 'categories', names: ['ab', 'abc'] },
        ],
      },
      /lines\.txt:2: field `x`: "" is none of the categories/,
    ],
  ]
  for (const [name, fields, reason] of cases) test(name, async () => expect(opened(fields)).rejects.toThrow(reason))
  test('no vocabulary without `train`', () =>
    expect(open(partition('test', { x: [text('text.txt'), chars, { kind: 'pad', length: 20 }] }))).rejects.toThrow(
      /`x` of `D` has no vocabulary/,
    ))
})

describe('batches of like length', () => {
  const lengths = [1, 5, 2, 3, 8, 1, 2, 7, 4, 1]
  const make = async (texts: readonly string[], buckets: readonly number[]) => {
    writeFileSync(join(directory, 'many.txt'), texts.map((text) => `${text}\n`).join(''))
    const pad: StageDescription = { kind: 'pad', length: buckets.at(-1)!, buckets }
    const lines: SourceDescription = { kind: 'lines', path: 'many.txt' }
    return opened({
      x: [lines, chars, pad],
      m: [lines, chars, pad, { kind: 'mask' }],
      y: [lines, chars, { kind: 'truncate', length: 1 }, { kind: 'pad', length: 1 }],
    })
  }
  const wanted = [
    { name: 'x', shape: [8], dtype: 'int' as const, dim: 'T' },
    { name: 'm', shape: [8], dtype: 'float' as const, dim: 'T' },
    { name: 'y', shape: [1], dtype: 'int' as const },
  ]
  const texts = lengths.map((length, i) => 'abcd'[i % 4]!.repeat(length))

  test('each is as long as the least bucket that holds it, and every example is in one', async () => {
    const source = datasetBatches(await make(texts, [2, 4, 8]), wanted, {
      batch: 2,
      dropLast: false,
      shuffle: { seed: 3 },
    })
    expect(source.variants).toEqual([{ T: 2 }, { T: 4 }])
    const seen: number[] = []
    const shapes: (number | undefined)[] = []
    for await (const { examples, fields, dims } of source.epoch(0, 0)) {
      const T = dims?.['T'] ?? 8
      shapes.push(T)
      const [x, m, y] = [fields.get('x')!, fields.get('m')!, fields.get('y')!]
      expect([x.length, m.length, y.length]).toEqual([examples * T, examples * T, examples])
      for (let i = 0; i < examples; i++) {
        const row = [...x.subarray(i * T, (i + 1) * T)].filter((id) => id !== 0)
        expect(row.every((id) => id === y[i])).toBe(true)
        expect([...m.subarray(i * T, (i + 1) * T)].reduce((a, b) => a + b, 0)).toBe(row.length)
        seen.push(row.length)
      }
    }
    expect(seen.sort()).toEqual([...lengths].sort())
    // Five of the ten are of at most 2 letters, two of 3 and 4, three longer: 2 batches, 1, 1, and one of what is left.
    expect(shapes.filter((T) => T === 2)).toHaveLength(2)
    expect(shapes.filter((T) => T === 4)).toHaveLength(1)
    expect(shapes).toHaveLength(source.batchesPerEpoch!)
  })
  test('the same order for the same seed, whole or from the middle', async () => {
    const source = datasetBatches(await make(texts, [2, 8]), wanted, { batch: 2, dropLast: true, shuffle: { seed: 5 } })
    const list = async (skip: number) => {
      const found: number[][] = []
      for await (const { fields } of source.epoch(4, skip)) found.push([...fields.get('x')!])
      return found
    }
    const all = await list(0)
    expect(all).toHaveLength(5)
    expect(await list(3)).toEqual(all.slice(3))
  })
  test('where the model fixes the length, all are of the greatest', async () => {
    const fixed = wanted.map(({ dim: _, ...want }) => want)
    const source = datasetBatches(await make(texts, [2, 8]), fixed, { batch: 2, dropLast: false })
    expect(source.variants).toBe(undefined)
    for await (const { fields } of source.epoch(0, 0)) expect(fields.get('x')!.length).toBe(16)
  })
  test('fields of different lengths of one dim are refused', async () => {
    writeFileSync(join(directory, 'many.txt'), 'ab\n')
    const lines: SourceDescription = { kind: 'lines', path: 'many.txt' }
    const pad = (...buckets: number[]): StageDescription => ({ kind: 'pad', length: buckets.at(-1)!, buckets })
    const data = await opened({
      x: [lines, chars, pad(2, 8)],
      m: [lines, chars, pad(4, 8)],
      y: [lines, chars, { kind: 'truncate', length: 1 }, { kind: 'pad', length: 1 }],
    })
    expect(() => datasetBatches(data, wanted, { batch: 1, dropLast: false })).toThrow(
      /`m` is padded to one of 4, 8, and `x` to one of 2, 8/,
    )
  })
})
