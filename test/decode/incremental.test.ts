/**
 * Generation on what is carried, against generation that evaluates whole sequences: the same tokens and hypotheses. A token
 * takes nothing of the device that was not there before it, and leaves nothing on the heap.
 */
import { expect, it } from 'vitest'
import { compile } from '../../compiler/pipeline.ts'
import type { Program } from '../../compiler/program.ts'
import { openReference } from '../../compiler/reference/executor.ts'
import { beamSearch } from '../../runtime/decode/beam.ts'
import { generate } from '../../runtime/decode/generate.ts'
import { incremental, incrementalEntries } from '../../runtime/decode/incremental.ts'
import type { NextLogits } from '../../runtime/decode/next-logits.ts'
import { wholeSequence } from '../../runtime/decode/whole-sequence.ts'
import type { Executor } from '../../runtime/executor.ts'
import { enableRelaxedSimd } from '../../runtime/node/threads.ts'
import { randomStream } from '../../runtime/random.ts'
import { wasmDevice } from '../../runtime/wasm/device.ts'
import { fillParameters } from '../incremental/agreement.ts'
import { collectGarbage } from '../runtime/garbage.ts'
import { faultyDevice } from '../runtime/open.ts'
import { checkText } from '../std/cases.ts'

enableRelaxedSimd()
const processor = wasmDevice({ threads: 1 })

const gpt = checkText(`model M {
  input text: int[batch, T]
  let x = text |> Embedding(11, 12) |> LearnedPositions(40, 12)
  output logits = Encoder(2, 12, 3, 20, 0.0)(x, causal_mask(T)) |> Linear(11)
}`)
const cell = checkText(`model M {
  input text: int[batch, T]
  output logits = Recurrent(LSTM, 6, layers: 2)(Embedding(11, 5)(text)).all |> Linear(11)
}`)

type Entries = Parameters<typeof compile>[1]['entries']
const described = { kind: 'reference', name: 'reference' } as const

async function openOn(program: Program, where: 'reference' | 'wasm', entries: Entries, rows: number, T: number) {
  const target = where === 'wasm' ? ('wasm' as const) : ('gpu' as const)
  const { program: compiled, simplified } = compile(program, { model: 'M', entries, target })
  const options = { dims: { batch: rows, T }, entries: compiled.entries.map(({ name }) => name) }
  const executor =
    where === 'wasm'
      ? await processor.open(compiled, options)
      : await openReference(simplified, compiled, { ...options, precision: 'float64', description: described })
  fillParameters(executor, randomStream(4, 'parameters'))
  return executor
}
const incrementally: Entries = ['begin', 'prefill', 'advance', 'reorder']
const ports = (rows: number, context: number) => ({ input: 'text', output: 'logits', rows, context, vocabulary: 11 })

async function both(program: Program, rows: number, T: number): Promise<[NextLogits, NextLogits, () => void]> {
  const whole: Executor = await openOn(program, 'reference', ['infer'], rows, T)
  const single = await openOn(program, 'reference', incrementally, rows, T)
  const end = () => {
    whole.dispose()
    single.dispose()
  }
  return [wholeSequence(whole, ports(rows, T)), incremental(single, ports(rows, T)), end]
}
const all = async (model: NextLogits, prompt: number[], options: Parameters<typeof generate>[2]) => {
  const tokens: number[] = []
  for await (const token of generate(model, prompt, options)) tokens.push(token)
  return tokens
}

it.each([
  ['a transformer', gpt],
  ['a recurrence', cell],
])('%s says the same tokens, whatever is drawn, up to the full context', async (_, program) => {
  const [whole, single, end] = await both(program, 1, 24)
  for (const [prompt, options] of [
    [[3], { temperature: 0 }],
    [[1, 2, 3], { temperature: 1, seed: 5 }],
    [Array.from({ length: 18 }, (_v, i) => (i * 7) % 11), { topK: 3, topP: 0.8, seed: 2 }],
    [Array.from({ length: 17 }, (_v, i) => (i * 5) % 11), { temperature: 0.5, stop: [4], seed: 3 }],
  ] as const) {
    const length = 25 - prompt.length
    expect(await all(single, [...prompt], { length, ...options })).toEqual(
      await all(whole, [...prompt], { length, ...options }),
    )
  }
  end()
})

it.each([
  ['a transformer', gpt],
  ['a recurrence', cell],
])('%s finds the same hypotheses with beams', async (_, program) => {
  const [whole, single, end] = await both(program, 4, 20)
  for (const [prompt, lengthPenalty] of [
    [[3], 0.6],
    [[1, 2, 3, 4, 5], 0],
  ] as const) {
    const request = { length: 12, stop: [0, 9], lengthPenalty }
    const expected = await beamSearch(whole, [...prompt], request)
    const found = await beamSearch(single, [...prompt], request)
    expect(found.map(({ tokens }) => tokens)).toEqual(expected.map(({ tokens }) => tokens))
    for (const [i, { logProbability }] of found.entries())
      expect(Math.abs(logProbability - expected[i]!.logProbability)).toBeLessThan(1e-5)
  }
  end()
})

it('what outgrows the context goes on from its later half; a recurrence goes on from all there was', async () => {
  const executor = await openOn(gpt, 'reference', incrementally, 2, 10)
  const model = incremental(executor, ports(2, 10))
  await model.start([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  const tokens = Int32Array.of(3, 4)
  const after = Float32Array.from(await model.step(tokens))
  const fresh = Float32Array.from(await model.start([6, 7, 8, 9, 10, 3]))
  expect(Array.from(after.subarray(0, 11))).toEqual(Array.from(fresh.subarray(0, 11)))
  expect(Array.from(after.subarray(11))).not.toEqual(Array.from(fresh.subarray(11)))
  executor.dispose()
  const [short, long] = [
    await openOn(cell, 'reference', incrementally, 1, 4),
    await openOn(cell, 'reference', incrementally, 1, 30),
  ]
  const options = { length: 25, temperature: 0 }
  expect(await all(incremental(short, ports(1, 4)), [1], options)).toEqual(
    await all(incremental(long, ports(1, 30)), [1], options),
  )
  short.dispose()
  long.dispose()
})

it('10,000 tokens leave the heap as it was', { timeout: 300_000 }, async () => {
  const executor = await openOn(gpt, 'wasm', incrementally, 2, 32)
  const model = incremental(executor, ports(2, 32))
  const heap = async () => {
    await collectGarbage()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  const tokens = Int32Array.of(1, 2)
  const row = await model.start([1])
  const say = async (count: number) => {
    for (let i = 0; i < count; i++) {
      tokens[0] = i % 11
      tokens[1] = (i * 3) % 11
      const next = await model.step(tokens)
      // The same array each time.
      if (next !== row) throw new Error('another array')
    }
  }
  // Until V8 has made of the loop what it will: on Node 22 that takes 150 KB, most of it after the first thousand.
  await say(10_000)
  const before = await heap()
  await say(10_000)
  // Seven bytes a token: less than anything that is kept takes.
  expect((await heap()) - before).toBeLessThan(64 * 1024)
  executor.dispose()
})

it('a token creates nothing on the device', { timeout: 300_000 }, async () => {
  const faulty = await faultyDevice()
  const { program } = compile(cell, { model: 'M', entries: incrementally, target: faulty.gpu.target })
  const executor = await faulty.gpu.open(program, { dims: { batch: 2, T: 16 }, entries: incrementalEntries(program) })
  fillParameters(executor, randomStream(4, 'parameters'))
  const model = incremental(executor, ports(2, 16))
  await model.start([1, 2])
  const before = { ...faulty.created }
  const tokens = Int32Array.of(3, 4)
  for (let i = 0; i < 20; i++) await model.step(tokens, i % 5 === 0 ? Int32Array.of(1, 0) : undefined)
  expect(faulty.created).toEqual(before)
  executor.dispose()
})
