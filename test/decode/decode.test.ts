/** Decoding from models written by hand: what is drawn, how often, in which order, and that beams find what greed misses. */
import { describe, expect, test } from 'vitest'
import { beamSearch } from '../../runtime/decode/beam.ts'
import { generate } from '../../runtime/decode/generate.ts'
import { greedyBatch } from '../../runtime/decode/greedy-batch.ts'
import type { NextLogits } from '../../runtime/decode/next-logits.ts'
import { makeSampler, type SampleOptions } from '../../runtime/decode/sample.ts'
import { wholeSequence } from '../../runtime/decode/whole-sequence.ts'
import type { Executor, TensorData } from '../../runtime/executor.ts'
import { randomStream } from '../../runtime/random.ts'
import { special } from '../../runtime/tokenize/special.ts'

const logits = (...probabilities: number[]) => Float32Array.from(probabilities, Math.log)

/** Draws many times and gives the part of each token. */
function parts(probabilities: readonly number[], options: SampleOptions, draws = 20000): number[] {
  const sample = makeSampler(probabilities.length, options, randomStream(3, 'test'))
  const row = logits(...probabilities)
  const counts = probabilities.map(() => 0)
  for (let i = 0; i < draws; i++) counts[sample(row, 0)]! += 1
  return counts.map((count) => count / draws)
}
const near = (given: readonly number[], expected: readonly number[]) => {
  for (const [i, part] of given.entries()) expect(Math.abs(part - expected[i]!)).toBeLessThan(0.015)
}

describe('sampling', () => {
  const p = [0.1, 0.4, 0.2, 0.3]
  test('as likely as the logits say', () => near(parts(p, {}), p))
  test('temperature 0 and top-k 1: the greatest, the first of equals', () => {
    expect(parts(p, { temperature: 0 }, 10)).toEqual([0, 1, 0, 0])
    expect(parts([0.3, 0.35, 0.35], { topK: 1 }, 10)).toEqual([0, 1, 0])
  })
  test('temperature ½ squares the probabilities', () =>
    near(parts(p, { temperature: 0.5 }), [1 / 30, 16 / 30, 4 / 30, 9 / 30]))
  test('top-k', () => near(parts(p, { topK: 2 }), [0, 4 / 7, 0, 3 / 7]))
  test('top-p: the fewest that make it', () => {
    near(parts(p, { topP: 0.65 }), [0, 4 / 7, 0, 3 / 7])
    near(parts(p, { topP: 0.75 }), [0, 4 / 9, 2 / 9, 3 / 9])
    expect(parts(p, { topP: 0.01 }, 10)).toEqual([0, 1, 0, 0])
  })
  test('top-p of what top-k leaves', () => near(parts(p, { topK: 3, topP: 0.5 }), [0, 4 / 7, 0, 3 / 7]))
  test('a token of probability 0 is never drawn', () => expect(parts([0.5, 0, 0.5], {})[1]).toBe(0))
  test('many tokens, any k: always one of the greatest', () => {
    const random = randomStream(1, 'logits')
    const row = Float32Array.from({ length: 1000 }, () => random.normal())
    const order = [...row.keys()].sort((a, b) => row[b]! - row[a]!)
    for (const topK of [2, 17, 999]) {
      const sample = makeSampler(1000, { topK }, random)
      for (let i = 0; i < 300; i++) expect(order.indexOf(sample(row, 0))).toBeLessThan(topK)
    }
  })
})

/** A model of tokens 0 … by a table: the probabilities after each last token. */
function chain(table: readonly (readonly number[])[], rows = 1): NextLogits & { readonly seen: number[][] } {
  const vocabulary = table[0]!.length
  const seen: number[][] = []
  let sequences: number[][] = []
  const result = new Float32Array(rows * vocabulary)
  const give = () => {
    for (const [row, sequence] of sequences.entries()) result.set(logits(...table[sequence.at(-1)!]!), row * vocabulary)
    seen.push(...sequences.map((s) => [...s]))
    return Promise.resolve(result)
  }
  return {
    rows,
    vocabulary,
    seen,
    start(prompt) {
      sequences = Array.from({ length: rows }, () => Array.from(prompt))
      return give()
    },
    step(tokens, from) {
      sequences = sequences.map((_, row) => [...sequences[from?.[row] ?? row]!, tokens[row]!])
      return give()
    },
  }
}

describe('generation', () => {
  const cycle = [
    [0, 1, 0, 0],
    [0, 0, 1, 0],
    [1, 0, 0, 0],
    [0, 0, 0, 1],
  ]
  const all = async (model: NextLogits, options: Parameters<typeof generate>[2]) => {
    const tokens: number[] = []
    for await (const token of generate(model, [0], options)) tokens.push(token)
    return tokens
  }
  test('token by token, up to a length or a stop token', async () => {
    expect(await all(chain(cycle), { length: 5, temperature: 0 })).toEqual([1, 2, 0, 1, 2])
    expect(await all(chain(cycle), { length: 9, stop: [2] })).toEqual([1])
    expect(await all(chain([[0.5, 0.3, 0.2]]), { length: 3, temperature: 0, never: [0], stop: [1] })).toEqual([])
  })
  test('the same for the same seed', async () => {
    const even = Array.from({ length: 4 }, () => [0.25, 0.25, 0.25, 0.25])
    const [a, b, c] = await Promise.all([1, 1, 2].map((seed) => all(chain(even), { length: 40, seed })))
    expect(a).toEqual(b)
    expect(a).not.toEqual(c)
  })
  test('an abort ends it', async () => {
    const abort = new AbortController()
    const tokens: number[] = []
    for await (const token of generate(chain(cycle), [0], { length: 9, signal: abort.signal })) {
      tokens.push(token)
      if (tokens.length === 2) abort.abort()
    }
    expect(tokens).toEqual([1, 2])
  })
})

describe('beam search', () => {
  // 0 begins, 3 ends. Greed takes 1 (0.6) and then at best ends by 0.4: 0.24. Over 2 (0.4) it ends by 1: 0.4.
  const table = [
    [0, 0.6, 0.4, 0],
    [0, 0.3, 0.3, 0.4],
    [0, 0, 0, 1],
    [0, 0, 0, 1],
  ]
  test('two beams find what greed misses', async () => {
    const options = { length: 4, stop: [3], lengthPenalty: 0 }
    const [greedy] = await beamSearch(chain(table, 1), [0], options)
    const [first, second] = await beamSearch(chain(table, 2), [0], options)
    expect(greedy!.tokens).toEqual([1])
    expect(greedy!.logProbability).toBeCloseTo(Math.log(0.24), 5)
    expect(first).toMatchObject({ tokens: [2], finished: true })
    expect(first!.logProbability).toBeCloseTo(Math.log(0.4), 5)
    expect(second!.tokens).toEqual([1])
  })
  test('the length penalty: ((5 + n) / 6)^α, which lets what is longer win', async () => {
    // 0 ends at once by 0.5, or says 1 three times surely, then ends: 0.5 · 0.9.
    const longer = [
      [0, 0.48, 0, 0.52],
      [0, 0.5, 0, 0.5],
      [0, 0, 0, 1],
      [0, 0, 0, 1],
    ]
    const find = (lengthPenalty: number) => beamSearch(chain(longer, 2), [0], { length: 6, stop: [3], lengthPenalty })
    const [short] = await find(0)
    expect(short).toMatchObject({ tokens: [], score: short!.logProbability })
    const [long] = await find(12)
    expect(long!.tokens.length).toBeGreaterThan(0)
    const n = long!.tokens.length + (long!.finished ? 1 : 0)
    expect(long!.score).toBeCloseTo(long!.logProbability / ((5 + n) / 6) ** 12, 10)
  })
  test('as good as looking at all sequences, when there are beams enough', async () => {
    const random = randomStream(5, 'beams')
    const vocabulary = 5
    const rowsOf = Array.from({ length: vocabulary }, () => {
      const row = Array.from({ length: vocabulary }, () => random.uniform() + 0.01)
      const sum = row.reduce((a, b) => a + b)
      return row.map((x) => x / sum)
    })
    const every: { tokens: number[]; p: number }[] = []
    const visit = (tokens: number[], last: number, p: number) => {
      every.push({ tokens, p: p * rowsOf[last]![4]! })
      if (tokens.length < 3) for (let t = 0; t < 4; t++) visit([...tokens, t], t, p * rowsOf[last]![t]!)
    }
    visit([], 0, 1)
    const score = ({ tokens, p }: (typeof every)[number]) => Math.log(p) / ((6 + tokens.length) / 6) ** 0.6
    const expected = every.sort((a, b) => score(b) - score(a)).slice(0, 5)
    const found = (await beamSearch(chain(rowsOf, 100), [0], { length: 4, stop: [4] })).filter((h) => h.finished)
    for (const [i, hypothesis] of expected.entries()) expect(found[i]!.score).toBeCloseTo(score(hypothesis), 5)
  })
  test('beams go on from the beams that they came from', async () => {
    const model = chain(table, 2)
    await beamSearch(model, [0], { length: 3, stop: [3], lengthPenalty: 0 })
    for (const sequence of model.seen) expect(sequence[0]).toBe(0)
    expect(model.seen).toContainEqual([0, 2])
  })
})

describe('whole sequences', () => {
  /** Its logits at each place: the token there, plus one hundredth of the one before, at place 0 of the vocabulary of 2. */
  function echo(rows: number, context: number): Executor & { readonly written: Map<string, TensorData>[] } {
    let tokens: TensorData = new Int32Array()
    const written: Map<string, TensorData>[] = []
    let now = new Map<string, TensorData>()
    return {
      written,
      write(name: string, data: TensorData) {
        now.set(name, data.slice())
        if (name === 'x') tokens = data.slice()
      },
      async run() {
        written.push(now)
        now = new Map()
        return 0
      },
      async read() {
        const result = new Float32Array(rows * context * 2)
        for (let i = 0; i < rows * context; i++)
          result[2 * i] = tokens[i]! + (i % context === 0 ? 0 : tokens[i - 1]! / 100)
        return result
      },
    } as unknown as Executor & { readonly written: Map<string, TensorData>[] }
  }
  test('the last place counts; a full context drops its first token; rows go on from others', async () => {
    const executor = echo(2, 3)
    const model = wholeSequence(executor, {
      input: 'x',
      output: 'y',
      rows: 2,
      context: 3,
      vocabulary: 2,
      others: new Map([['source', Int32Array.of(7)]]),
    })
    const first = async (logits: Promise<Float32Array>) =>
      [(await logits)[0]!, (await logits)[2]!].map((x) => Number(x.toFixed(2)))
    expect(await first(model.start([4, 5]))).toEqual([5.04, 5.04])
    expect(await first(model.step(Int32Array.of(6, 7)))).toEqual([6.05, 7.05])
    expect(await first(model.step(Int32Array.of(8, 9), Int32Array.of(1, 1)))).toEqual([8.07, 9.07])
    expect([...executor.written.at(-1)!.get('x')!]).toEqual([5, 7, 8, 5, 7, 9])
    expect([...executor.written.at(-1)!.get('source')!]).toEqual([7])
    expect(await first(model.start([1, 2, 3, 4]))).toEqual([4.03, 4.03])
  })
})

describe('many sources at once', () => {
  // What is likeliest depends on the row and on all tokens before, in a way that nothing but trying finds.
  const [rows, context, vocabulary] = [7, 9, 11]
  const score = (row: number, before: readonly number[], token: number) => {
    const mixed = before.reduce((sum, t, i) => (sum * 31 + t * (i + 3)) % 9973, row * 101)
    return ((mixed * (token + 7) * 7919) % 9973) / 9973
  }
  const never = [0, 1, 3]
  test('say what is said token after token, in fewer runs than tokens', async () => {
    const whole = (tokens: Int32Array) => {
      const result = new Float32Array(rows * context * vocabulary)
      for (let row = 0; row < rows; row++)
        for (let t = 0; t < context; t++)
          for (let v = 0; v < vocabulary; v++)
            result[(row * context + t) * vocabulary + v] = score(
              row,
              [...tokens.subarray(row * context, row * context + t + 1)],
              v,
            )
      return result
    }
    let runs = 0
    const said = await greedyBatch({
      rows,
      context,
      vocabulary,
      never,
      async logits(tokens) {
        runs += 1
        return whole(tokens)
      },
    })
    expect(runs).toBeLessThanOrEqual(context)
    const ended: number[] = []
    for (let row = 0; row < rows; row++) {
      const tokens: number[] = [special.bos]
      while (tokens.length <= context) {
        const scores = Array.from({ length: vocabulary }, (_, v) =>
          never.includes(v) ? -1 : Math.fround(score(row, tokens, v)),
        )
        const best = scores.indexOf(Math.max(...scores))
        if (best === special.eos) break
        tokens.push(best)
      }
      expect([...said[row]!]).toEqual(tokens.slice(1))
      ended.push(tokens.length - 1)
    }
    expect(new Set(ended).size).toBeGreaterThan(1)
  })
})
