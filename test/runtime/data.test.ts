/** Files to batches: IDX, gzip, CSV, stages, splits, shuffling, streams, and what is said when something is wrong. */
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { StageDescription } from '../../runtime/abi.ts'
import { type Batch, datasetBatches, type WantedField } from '../../runtime/data/batches.ts'
import { parseCsv } from '../../runtime/data/csv.ts'
import { DataError } from '../../runtime/data/data-error.ts'
import { type Dataset, firstExamples, makeDataset, splitDataset } from '../../runtime/data/dataset.ts'
import { type Column, fillExample } from '../../runtime/data/field.ts'
import { gunzip } from '../../runtime/data/gunzip.ts'
import { parseIdx, parseIdxHeader } from '../../runtime/data/idx.ts'
import { makeField } from '../../runtime/data/make-field.ts'
import { prefetch } from '../../runtime/data/prefetch.ts'
import { givenBatches, streamBatches } from '../../runtime/data/stream-batches.ts'
import { randomStream } from '../../runtime/random.ts'

function idx(code: number, shape: readonly number[], data: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 + 4 * shape.length + data.length)
  bytes[2] = code
  bytes[3] = shape.length
  for (const [i, size] of shape.entries()) new DataView(bytes.buffer).setUint32(4 + 4 * i, size)
  bytes.set(data, 4 + 4 * shape.length)
  return bytes
}
const bytes = (count: number) => Array.from({ length: count }, (_, i) => i & 255)

function example(
  column: Column,
  stages: readonly StageDescription[],
  index: number,
): { values: number[]; shape: readonly number[]; dtype: string } {
  const field = makeField('x', column, stages)
  const values = new Float32Array(field.shape.reduce((a, b) => a * b, 1))
  fillExample(field)(values, 0, index)
  return { values: [...values], shape: field.shape, dtype: field.dtype }
}

describe('IDX', () => {
  test('bytes, signed bytes, and the wider types, big-endian', () => {
    expect(example(parseIdx('f', idx(0x08, [2, 2], [1, 2, 3, 255])), [], 1)).toEqual({
      values: [3, 255],
      shape: [2],
      dtype: 'int',
    })
    expect(example(parseIdx('f', idx(0x09, [2], [1, 255])), [], 1)).toEqual({ values: [-1], shape: [], dtype: 'int' })
    expect(example(parseIdx('f', idx(0x0b, [1], [0xff, 0xfe])), [], 0).values).toEqual([-2])
    expect(example(parseIdx('f', idx(0x0c, [2], [0, 0, 0, 1, 0, 1, 0, 0])), [], 1).values).toEqual([65536])
    expect(example(parseIdx('f', idx(0x0d, [1], [0x3f, 0xc0, 0, 0])), [], 0)).toEqual({
      values: [1.5],
      shape: [],
      dtype: 'float',
    })
    expect(example(parseIdx('f', idx(0x0e, [1], [0xc0, 0x04, 0, 0, 0, 0, 0, 0])), [], 0).values).toEqual([-2.5])
  })
  test.each([
    ['images', idx(0x08, [3, 4, 4], bytes(48))],
    ['labels', idx(0x08, [10], bytes(10))],
    ['doubles', idx(0x0e, [2, 2], bytes(32))],
  ])('%s cut at any byte, or longer by one, are refused with the place', (_, file) => {
    for (let length = 0; length < file.length; length++) {
      expect(() => parseIdx('t.idx', file.subarray(0, length))).toThrow(DataError)
      expect(() => parseIdx('t.idx', file.subarray(0, length))).toThrow(`t.idx at byte ${length}`)
    }
    expect(() => parseIdx('t.idx', Uint8Array.of(...file, 0))).toThrow(/1 bytes after its end/)
  })
  test.each([
    ['text', new TextEncoder().encode('<html>404'), /does not start with two zero bytes/],
    ['unknown element type', idx(0x0a, [1], [0]), /no element type has the code 0xa/],
    ['no dims', idx(0x08, [], []), /0 dims/],
    ['255 dims', Uint8Array.of(0, 0, 8, 255), /255 dims/],
    ['dims beyond 2^53', idx(0x08, [0xffffffff, 0xffffffff, 2], []), /more than 2\^53/],
    ['dims far beyond the file', idx(0x08, [0xffffffff], [1]), /cut short: its header describes 4294967303 bytes/],
  ])('%s is refused', (_, file, reason) => {
    expect(() => parseIdx('t.idx', file)).toThrow(reason)
  })
})

describe('gzip', () => {
  const plain = idx(0x08, [100, 10], bytes(1000))
  const expected = (start: Uint8Array) => parseIdxHeader('t.gz', start)?.byteLength
  test('is inflated to what the header describes', async () => {
    expect(await gunzip('t.gz', gzipSync(plain), expected)).toEqual(plain)
    expect(await gunzip('t.gz', gzipSync('a,b\n'))).toEqual(new Uint8Array([97, 44, 98, 10]))
  })
  test('cut anywhere, it is refused', async () => {
    const packed = gzipSync(plain)
    for (let length = 1; length < packed.length; length++) {
      await expect(gunzip('t.gz', packed.subarray(0, length), expected)).rejects.toThrow(DataError)
    }
  })
  test('a bomb stops at the length that its header claims', async () => {
    const bomb = new Uint8Array(64 << 20)
    bomb.set(idx(0x08, [1000], []))
    await expect(gunzip('t.gz', gzipSync(bomb), expected)).rejects.toThrow(/more than the 1008 bytes/)
    const claims = new Uint8Array(1000)
    claims.set(idx(0x08, [0x7fffffff, 1000], []))
    await expect(gunzip('t.gz', gzipSync(claims), expected)).rejects.toThrow(/more than it can hold/)
  })
})

describe('CSV', () => {
  const text = '\ufeffx,y,name\r\n1,0.5,"a, b"\r\n2,1e2,"two\nlines"\r\n\r\n3,-1,c'
  test('columns by name, whole numbers apart from fractions', () => {
    const x = parseCsv('t.csv', text, { columns: ['x'], header: true })
    expect(x).toMatchObject({ examples: 3, shape: [] })
    expect(x.values).toEqual({ kind: 'host', array: Int32Array.of(1, 2, 3) })
    const both = parseCsv('t.csv', text, { columns: ['y', 'x'], header: true })
    expect(both.shape).toEqual([2])
    expect(both.values).toEqual({ kind: 'host', array: Float64Array.of(0.5, 1, 100, 2, -1, 3) })
  })
  test('columns by position when there is no header; all when none are named', () => {
    expect(parseCsv('t.csv', '1,2\n3,4\n', { columns: ['1'], header: false }).values).toEqual({
      kind: 'host',
      array: Int32Array.of(2, 4),
    })
    expect(parseCsv('t.csv', '1,2\n3,4\n', { columns: [], header: false }).shape).toEqual([2])
    expect(parseCsv('t.tsv', '1\t2\n', { columns: [], header: false }).shape).toEqual([2])
  })
  test.each([
    ['a word', 'x\n1\n\n"2\n"\nfour\n', 't.csv:6: column `x` holds "four"'],
    ['an empty cell', 'x,y\n1,2\n3,\n', 't.csv:3: column `y` is empty'],
    ['infinity', 'x,y\n1,2\n3,1e999\n', 't.csv:3: column `y` holds "1e999"'],
    ['a short line', 'x,y\n1,2\n3\n', 't.csv:3: 1 cells'],
    ['an open quote', 'x,y\n1,2\n"3,4\n', 't.csv:3: quoted field unterminated'],
    ['a missing column', 'a,b\n1,2\n', 't.csv:1: no column `y`'],
    ['nothing', '', 't.csv:1: empty'],
  ])('%s is named with its line', (_, csv, message) => {
    expect(() => parseCsv('t.csv', csv, { columns: csv.startsWith('x\n') ? ['x'] : ['y'], header: true })).toThrow(
      message,
    )
  })
})

describe('stages', () => {
  const column = parseIdx('f', idx(0x08, [2, 2, 2], [0, 51, 102, 255, 1, 2, 3, 0]))
  test('scale, shift and normalize compose in their order', () => {
    expect(example(column, [{ kind: 'scale', by: 1 / 255 }], 0)).toEqual({
      values: [0, 0.2, 0.4, 1].map(Math.fround),
      shape: [2, 2],
      dtype: 'float',
    })
    expect(
      example(
        column,
        [
          { kind: 'shift', by: 1 },
          { kind: 'scale', by: 2 },
        ],
        1,
      ).values,
    ).toEqual([4, 6, 8, 2])
    expect(
      example(
        column,
        [
          { kind: 'scale', by: 2 },
          { kind: 'shift', by: 1 },
        ],
        1,
      ),
    ).toEqual({ values: [3, 5, 7, 1], shape: [2, 2], dtype: 'int' })
    expect(example(column, [{ kind: 'normalize', mean: 1, deviation: 2 }], 1).values).toEqual([0, 0.5, 1, -0.5])
  })
  test('the same numbers whether a column is bytes or something wider', () => {
    const wide: Column = { ...column, values: { kind: 'host', array: Float64Array.of(0, 51, 102, 255, 1, 2, 3, 0) } }
    const stages: StageDescription[] = [
      { kind: 'scale', by: 1 / 255 },
      { kind: 'normalize', mean: 0.1307, deviation: 0.3081 },
    ]
    expect(example(wide, stages, 0).values).toEqual(example(column, stages, 0).values)
  })
  test('reshape and one_hot', () => {
    expect(example(column, [{ kind: 'reshape', shape: [4] }], 0).shape).toEqual([4])
    const labels = parseIdx('f', idx(0x08, [3], [0, 2, 1]))
    expect(example(labels, [{ kind: 'one_hot', classes: 3 }], 1)).toEqual({
      values: [0, 0, 1],
      shape: [3],
      dtype: 'float',
    })
  })
  test.each([
    [[{ kind: 'reshape', shape: [5] }], /a shape of 4 elements/],
    [[{ kind: 'normalize', mean: 0, deviation: 0 }], /deviation of 0/],
    [[{ kind: 'one_hot', classes: 10 }], /has the class 51, and `one_hot\(10\)` knows 0 to 9/],
    [
      [
        { kind: 'scale', by: 0.5 },
        { kind: 'one_hot', classes: 10 },
      ],
      /of fractions/,
    ],
    [
      [
        { kind: 'one_hot', classes: 256 },
        { kind: 'scale', by: 2 },
      ],
      /last stage/,
    ],
  ] as const)('%j is refused', (stages, reason) => {
    expect(() => makeField('x', column, stages)).toThrow(reason)
  })
})

const numbers = (count: number): Dataset =>
  makeDataset('D.train', [
    makeField(
      'x',
      {
        file: 'f',
        examples: count,
        shape: [],
        values: { kind: 'host', array: Int32Array.from({ length: count }, (_, i) => i) },
      },
      [],
    ),
  ])
const wanted: readonly WantedField[] = [{ name: 'x', shape: [], dtype: 'int' }]

async function drain(source: AsyncIterable<Batch>): Promise<number[][]> {
  const all: number[][] = []
  for await (const { fields } of source) all.push([...fields.get('x')!])
  return all
}

describe('datasets', () => {
  test('fields of different length, no examples, a missing field, another shape, fractions for whole numbers', () => {
    const column = (examples: number): Column => ({
      file: `f${examples}`,
      examples,
      shape: [2],
      values: { kind: 'host', array: new Float64Array(2 * examples) },
    })
    const field = (name: string, examples: number) => makeField(name, column(examples), [])
    expect(() => makeDataset('D.train', [field('a', 2), field('b', 3)])).toThrow(
      /field `b` has 3 examples, and `a` \(f2\) has 2/,
    )
    expect(() => makeDataset('D.train', [field('a', 0)])).toThrow(/no examples/)
    const dataset = makeDataset('D.train', [field('a', 2)])
    const open = (want: WantedField) => () => datasetBatches(dataset, [want], { batch: 1, dropLast: true })
    expect(open({ name: 'x', shape: [2], dtype: 'float' })).toThrow(/no field `x`.*it has a/)
    expect(open({ name: 'a', shape: [2, 1], dtype: 'float' })).toThrow(
      /shape \[2\], and the model takes \[2, 1\].*reshape\(2, 1\)/,
    )
    expect(open({ name: 'a', shape: [2], dtype: 'int' })).toThrow(/holds fractions/)
    expect(() => datasetBatches(dataset, [], { batch: 3, dropLast: true })).toThrow(/at most 2/)
  })
  test('a split is a partition of the rows, the same every time, nested splits too', async () => {
    const { rest, part } = splitDataset(numbers(1000), 'D.validation', 0.1)
    expect([rest.examples, part.examples]).toEqual([900, 100])
    expect([...rest.rows!, ...part.rows!].sort((a, b) => a - b)).toEqual(
      bytes(0).concat(Array.from({ length: 1000 }, (_, i) => i)),
    )
    expect(splitDataset(numbers(1000), 'D.validation', 0.1).part.rows).toEqual(part.rows)
    const second = splitDataset(rest, 'D.held', 0.5)
    expect(new Set([...second.rest.rows!, ...second.part.rows!, ...part.rows!]).size).toBe(1000)
    const seen = await drain(
      datasetBatches(rest, wanted, { batch: 7, shuffle: { seed: 1 }, dropLast: false }).epoch(0, 0),
    )
    expect(seen.flat().some((x) => part.rows!.includes(x))).toBe(false)
    expect(() => splitDataset(numbers(3), 'v', 0.01)).toThrow(/leaves one side empty/)
  })
  test('the first examples only', () => expect(firstExamples(numbers(10), 3).rows).toEqual(Uint32Array.of(0, 1, 2)))
})

describe('batches', () => {
  const source = (options: { shuffle?: { seed: number }; dropLast: boolean }) =>
    datasetBatches(numbers(10), wanted, { batch: 4, ...options })
  test('in order with a last partial one, or without it', async () => {
    expect(await drain(source({ dropLast: false }).epoch(0, 0))).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9],
    ])
    expect(await drain(source({ dropLast: true }).epoch(0, 0))).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ])
    expect(source({ dropLast: true }).batchesPerEpoch).toBe(2)
  })
  test('shuffled by seed and epoch; going on in the middle gives the rest', async () => {
    const shuffled = source({ shuffle: { seed: 3 }, dropLast: false })
    const whole = await drain(shuffled.epoch(0, 0))
    expect(whole.flat().sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(await drain(shuffled.epoch(0, 0))).toEqual(whole)
    expect(await drain(shuffled.epoch(0, 2))).toEqual(whole.slice(2))
    expect(await drain(shuffled.epoch(1, 0))).not.toEqual(whole)
    expect(await drain(source({ shuffle: { seed: 4 }, dropLast: false }).epoch(0, 0))).not.toEqual(whole)
  })
})

describe('streams', () => {
  const open = async function* () {
    for (let x = 0; x < 50; x++) yield { x }
  }
  const stream = (shuffle?: { seed: number; buffer: number }, dropLast = false) =>
    streamBatches(open, wanted, { name: 's', batch: 8, dropLast, ...(shuffle && { shuffle }) })
  test('keep their order without shuffling, and lose nothing with it', async () => {
    expect((await drain(stream().epoch(0, 0))).flat()).toEqual(Array.from({ length: 50 }, (_, i) => i))
    const shuffled = await drain(stream({ seed: 1, buffer: 16 }).epoch(0, 0))
    expect(shuffled.flat()).not.toEqual([...shuffled.flat()].sort((a, b) => a - b))
    expect(new Set(shuffled.flat()).size).toBe(50)
    expect(shuffled.map((batch) => batch.length)).toEqual([8, 8, 8, 8, 8, 8, 2])
    expect(await drain(stream({ seed: 1, buffer: 16 }).epoch(0, 3))).toEqual(shuffled.slice(3))
    expect(await drain(stream({ seed: 1, buffer: 16 }, true).epoch(0, 0))).toEqual(shuffled.slice(0, 6))
    // An example cannot come earlier than the buffer lets it.
    for (const [place, x] of shuffled.flat().entries()) expect(x - place).toBeLessThan(16 + 1)
  })
  test('an example without a field, or of the wrong length, is refused', async () => {
    const bad = streamBatches(() => [{ y: 1 }], wanted, { name: 's', batch: 1, dropLast: false })
    await expect(drain(bad.epoch(0, 0))).rejects.toThrow(/'x' takes 1 numbers an example, and was given none/)
  })
  test('batches that the caller makes', async () => {
    const given = givenBatches('mine', () => [{ x: Int32Array.of(1, 2) }, { x: Int32Array.of(3) }], wanted)
    expect(await drain(given.epoch(0, 0))).toEqual([[1, 2], [3]])
    expect(await drain(given.epoch(0, 1))).toEqual([[3]])
    await expect(drain(givenBatches('mine', () => [{}], wanted).epoch(0, 0))).rejects.toThrow(/'x' takes/)
  })
})

describe('prefetch', () => {
  test('asks one ahead, passes failures on in their turn, and closes what it reads', async () => {
    const log: string[] = []
    const source = async function* () {
      try {
        for (let i = 0; i < 3; i++) {
          log.push(`make ${i}`)
          yield i
        }
        throw new Error('torn')
      } finally {
        log.push('closed')
      }
    }
    const seen: number[] = []
    await expect(
      (async () => {
        for await (const item of prefetch(source())) {
          await new Promise((resolve) => setTimeout(resolve, 1))
          log.push(`use ${item}`)
          seen.push(item)
        }
      })(),
    ).rejects.toThrow('torn')
    expect(seen).toEqual([0, 1, 2])
    expect(log).toEqual(['make 0', 'make 1', 'use 0', 'make 2', 'use 1', 'closed', 'use 2'])
    log.length = 0
    for await (const _ of prefetch(source())) break
    expect(log.at(-1)).toBe('closed')
  })
})

describe('mutated files are read or refused, never anything else', () => {
  const runs = Number(process.env['DLM_FUZZ_RUNS'] ?? 10_000)
  const mutate = (file: Uint8Array, random: ReturnType<typeof randomStream>): Uint8Array => {
    const bytes = file.slice(0, random.below(4) === 0 ? random.below(file.length + 1) : file.length)
    for (let edits = random.below(4); edits > 0 && bytes.length > 0; edits--)
      bytes[random.below(bytes.length)] = random.below(256)
    return bytes
  }
  test('IDX', () => {
    const random = randomStream(1, 'idx')
    const samples = [idx(0x08, [3, 4, 4], bytes(48)), idx(0x0d, [2, 3], bytes(24)), idx(0x0b, [4], bytes(8))]
    for (let run = 0; run < runs; run++) {
      try {
        const column = parseIdx('f', mutate(samples[run % 3]!, random))
        if (column.examples > 0) example(column, [], column.examples - 1)
      } catch (error) {
        if (!(error instanceof DataError)) throw error
      }
    }
  })
  test('CSV', () => {
    const random = randomStream(2, 'csv')
    const sample = new TextEncoder().encode('a,b,"c, d"\n1,2,"x\ny"\n3,4e5,""""\r\n-1,0.5,z\n')
    for (let run = 0; run < runs / 5; run++) {
      try {
        parseCsv('f.csv', new TextDecoder().decode(mutate(sample, random)), {
          columns: random.below(2) === 0 ? ['a', 'b'] : [],
          header: random.below(4) > 0,
        })
      } catch (error) {
        if (!(error instanceof DataError)) throw error
      }
    }
  })
  test('gzip', async () => {
    const random = randomStream(3, 'gzip')
    const packed = new Uint8Array(gzipSync(idx(0x08, [20, 10], bytes(200))))
    for (let run = 0; run < runs / 20; run++) {
      try {
        parseIdx('f', await gunzip('f', mutate(packed, random), (start) => parseIdxHeader('f', start)?.byteLength))
      } catch (error) {
        if (!(error instanceof DataError)) throw error
      }
    }
  })
})
