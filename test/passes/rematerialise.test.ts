/** Keeping less of the forward pass: the same gradients, less memory, the smallest budget that works. */
import { describe, expect, it } from 'vitest'
import { compileWithin, parseMemory } from '../../cli/memory.ts'
import { check } from '../../compiler/1-check/index.ts'
import { bottleneckCount, rematerialise } from '../../compiler/4-simplify/rematerialise.ts'
import { fitMemory } from '../../compiler/fit-memory.ts'
import { type CompileOptions, compile } from '../../compiler/pipeline.ts'
import { OutOfMemoryError } from '../../runtime/errors.ts'
import { evaluate } from '../../runtime/size.ts'
import { expectSameMeaning } from './same-meaning.ts'

const head = `
train { model: M; optimizer: sgd(lr: 0.1); batch: 64; steps: 3 }
`
const models = {
  'a deep perceptron': `model M {
  input x: float[batch, 6]
  target y: int[batch]
  output logits = x ${'|> Linear(24) |> gelu '.repeat(8)} |> Linear(3)
  loss cross_entropy(logits, y)
}`,
  'a transformer with dropout and padding': `model M {
  input tokens: int[batch, T]
  target y: int[batch]
  let mask = tokens != 0
  let x = tokens |> Embedding(11, 8)
  layer a = EncoderBlock(8, 2, 16, dropout: 0.3)
  layer b = EncoderBlock(8, 2, 16, dropout: 0.3)
  layer c = EncoderBlock(8, 2, 16, dropout: 0.3)
  let h = x |> a |> b |> c
  output logits = mean(where(reshape(mask, [batch, T, 1]), h, 0), axis: 1) |> Linear(3)
  loss cross_entropy(logits, y)
}`,
  'a convnet with batch norm': `model M {
  input x: float[batch, 2, 8, 8]
  target y: int[batch]
  output logits = x |> Conv2d(3, kernel: 3, padding: same) |> BatchNorm() |> relu |> max_pool2d(2)
    |> Conv2d(4, kernel: 3, padding: same) |> BatchNorm() |> relu |> flatten |> Linear(3)
  loss cross_entropy(logits, y)
}`,
  'a recurrence between layers': `model M {
  input x: float[batch, T, 4]
  target y: int[batch]
  let seen = x |> Linear(6) |> tanh
  layer lstm = LSTM(5)
  let read = lstm(seen)
  output logits = read.last |> Linear(7) |> relu |> Linear(3)
  loss cross_entropy(logits, y)
}`,
}

function compiler(text: string) {
  const program = check({ path: 'm.dlm', text: text + head })
  expect(program.diagnostics.map(({ message }) => message)).toEqual([])
  const options: CompileOptions = {
    model: 'M',
    entries: ['step'],
    train: program.trains[0]!,
    target: 'gpu',
    verify: true,
  }
  return { program, options, make: (rematerialise?: number) => compile(program, { ...options, rematerialise }) }
}
const dims = { batch: 64, T: 5 }
const bytesOf = (compilation: ReturnType<typeof compile>) =>
  evaluate(compilation.program.footprint.training!.bytes, dims)

describe.each(Object.entries(models))('%s', (_, text) => {
  const { make } = compiler(text)
  const { graph } = make().simplified.entries[0]!.phases[0]!

  it.each([1, 2, 3, 100])('means the same when each %ith bottleneck is kept', (stride) => {
    const less = rematerialise(graph, stride)
    expectSameMeaning(
      graph,
      less,
      new Map([
        ['batch', 3],
        ['T', 5],
      ]),
    )
    make(stride)
  })
})

it('takes less memory, since what is computed again is computed late', () => {
  const { make } = compiler(models['a deep perceptron'])
  const plain = make()
  expect(bottleneckCount(plain.simplified.entries[0]!.phases[0]!.graph)).toBeGreaterThan(8)
  const wide = { batch: 4096 }
  const activations = (c: typeof plain) =>
    c.program.arenas.filter((a) => a.role === 'activations').reduce((sum, a) => sum + evaluate(a.bytes, wide), 0)
  const least = Math.min(...[2, 4, 8, 12].map((stride) => activations(make(stride))))
  expect(least).toBeLessThan(0.9 * activations(plain))
})

describe('a budget', () => {
  const { program, options, make } = compiler(models['a transformer with dropout and padding'])
  const plain = bytesOf(make())
  const smallest = fitMemory(make, 0, () => dims)

  it('that is large enough changes nothing', () => {
    expect(fitMemory(make, plain, () => dims).stride).toBeUndefined()
  })
  it('that is smaller is kept by computing again', () => {
    expect(smallest.bytes).toBeLessThan(plain)
    const fit = fitMemory(make, smallest.bytes, () => dims)
    expect([fit.fits, fit.stride === undefined]).toEqual([true, false])
    expect(fit.bytes).toBeLessThanOrEqual(smallest.bytes)
  })
  it('below all is refused with the smallest that works', () => {
    const tell: string[] = []
    const at = (budget: number) =>
      compileWithin(
        budget,
        program,
        options,
        () => dims,
        (line) => tell.push(line),
      )
    expect(() => at(smallest.bytes - 1)).toThrow(OutOfMemoryError)
    try {
      at(smallest.bytes - 1)
    } catch (error) {
      const { fix, largest } = error as OutOfMemoryError
      expect(bytesOf(at(parseMemory(/--memory (\S+?)`/.exec(fix)![1]!)))).toBeGreaterThan(0)
      expect(largest!.value).toBeLessThan(64)
      expect(largest!.value).toBeGreaterThan(0)
    }
  })
  it.each([
    ['2GB', 2e9],
    ['1.5 GiB', 1.5 * 2 ** 30],
    ['800mb', 8e8],
    ['4096', 4096],
  ])('reads %s', (text, bytes) => {
    expect(parseMemory(text)).toBe(bytes)
  })
  it.each(['much', '2TB', '-1GB', ''])('does not take %s', (text) =>
    expect(() => parseMemory(text)).toThrow(/--memory takes/),
  )
})
