/** Mixed precision: what is stored in 16 bits, that it trains as float32 does, and what happens when 16 bits overflow. */
import { afterAll, describe, expect, it } from 'vitest'
import { check } from '../../compiler/1-check/index.ts'
import { compile } from '../../compiler/pipeline.ts'
import { openReference } from '../../compiler/reference/executor.ts'
import type { CompiledProgram } from '../../runtime/abi.ts'
import type { Executor } from '../../runtime/executor.ts'
import { checkHalf } from '../../runtime/half-check.ts'
import { elements, evaluate } from '../../runtime/size.ts'
import { initialize } from '../../runtime/variables.ts'
import { generator } from '../ops/sample-graph.ts'
import { freshDevice } from './open.ts'

const gpu = await freshDevice()
const fault = await checkHalf(gpu.device)
afterAll(() => gpu.dispose())

const text = (factor: number, optimizer: string) => `
model Net {
  input  image: float[batch, 1, 9, 9]
  input  words: int[batch, 5]
  target label: int[batch]
  let seen = image |> Conv2d(4, kernel: 3, padding: same) |> relu |> max_pool2d(2) |> flatten
  let read = words |> Embedding(11, 8) |> MultiHead() |> mean(axis: 1)
  output logits = concat([seen, read], axis: -1) |> Linear(17) |> LayerNorm() |> gelu |> Linear(5)
  loss cross_entropy(logits, label) * ${factor}
}
module MultiHead() {
  layer attention = MultiHeadAttention(8, 2)
  forward(x: float[B, T, 8]) -> float[B, T, 8] { return x + attention(x, x) }
}
train { model: Net; optimizer: ${optimizer}; batch: 6; steps: 10; precision: mixed }
`

function compiled(half: boolean, factor = 1, optimizer = 'adam(lr: 1e-2)') {
  const program = check({ path: 'mixed.dlm', text: text(factor, optimizer) })
  expect(program.diagnostics).toEqual([])
  const train = program.trains[0]!
  return compile(program, {
    model: 'Net',
    entries: ['step', 'evaluate'],
    train,
    target: gpu.target,
    subgroup: gpu.subgroup,
    half,
    verify: true,
  })
}
const dims = { batch: 6 }
const options = { dims, entries: ['step', 'evaluate'] }

function fill(executor: Executor, program: CompiledProgram): void {
  const random = generator(7)
  initialize(executor, 3)
  for (const { name, role, shape, dtype } of program.tensors) {
    if (role !== 'input' && role !== 'target') continue
    const draw = () => (dtype === 'float' ? random() * 2 - 1 : Math.floor(random() * 5))
    const made = Array.from({ length: elements(shape, dims) }, draw)
    executor.write(name, dtype === 'float' ? Float32Array.from(made) : Int32Array.from(made))
  }
}
async function steps(executor: Executor, count: number, rate = 1e-2) {
  for (let step = 1; step <= count; step++)
    await executor.run('step', { seed: 1, counter: step, step, rate, 'rate.0': rate })
  return (await executor.scalars()).map(({ values }) => values)
}

describe('an adapter', () => {
  it('has 16-bit floats that pass the check, or none', () => expect([undefined, 'absent']).toContain(fault))
  it('that gets them wrong is found out', async () => {
    const { device } = gpu
    const wrong = new Proxy(device, {
      get(target, key) {
        if (key === 'features') return new Set(['shader-f16'])
        if (key === 'createShaderModule')
          return ({ code }: GPUShaderModuleDescriptor) =>
            target.createShaderModule({
              code: code.replace('f16(given[id.x])', 'f16(given[id.x] * 1.01f)'),
            })
        const value = Reflect.get(target, key)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    expect(await checkHalf(wrong)).toBe('wrong')
  })
})

describe('a step in mixed precision', () => {
  const { program } = compiled(true)
  const { program: single, simplified } = compiled(false)
  const bytes = (p: CompiledProgram, role: string) =>
    p.arenas
      .filter((a) => a.role === role && a.name !== 'half')
      .reduce((sum, a) => sum + evaluate(a.bytes, { batch: 600 }), 0)

  it('keeps activations in half the memory, weights in 32 bits and 16 bits', () => {
    expect(bytes(program, 'activations')).toBeLessThan(0.75 * bytes(single, 'activations'))
    expect(program.arenas.some(({ name }) => name === 'half')).toBe(true)
    for (const { role, storage, dtype } of program.tensors)
      if (role === 'parameter' && dtype === 'float') expect(storage).toBe('f32')
  })

  it('learns as float32 does', async (context) => {
    if (fault) return context.skip()
    const mixed = await gpu.open(program, { ...options, poison: true })
    expect(mixed.allocatedBytes - evaluate(program.footprint.training!.bytes, dims)).toBe(0)
    const reference = await openReference(simplified, single, {
      ...options,
      precision: 'float64',
      description: { kind: 'reference', name: 'reference' },
    })
    fill(mixed, program)
    fill(reference, single)
    const [got, expected] = [await steps(mixed, 30), await steps(reference, 30)]
    mixed.dispose()
    expect(expected.at(-1)!['loss']).toBeLessThan(0.5 * expected[0]!['loss']!)
    for (const [i, { loss }] of got.entries())
      expect(Math.abs(loss! - expected[i]!['loss']!)).toBeLessThan(0.01 * expected[0]!['loss']!)
    expect(got.map((values) => values['loss_scale'])).toEqual(got.map(() => 65536))
  })

  it('changes nothing where a gradient overflows, but halves the scale until none does', async (context) => {
    if (fault) return context.skip()
    const { program } = compiled(true, 3000, 'sgd(lr: 1e-6)')
    const mixed = await gpu.open(program, options)
    fill(mixed, program)
    const path = program.parameters[0]!.path
    const before = await mixed.read(path)
    const [first] = await steps(mixed, 1, 1e-6)
    expect(Number.isFinite(first!['gradient_norm'])).toBe(false)
    expect(await mixed.read(path)).toEqual(before)
    const later = await steps(mixed, 20, 1e-6)
    const scales = later.map((values) => values['loss_scale']!)
    expect(scales[0]).toBe(32768)
    for (const [i, scale] of scales.entries())
      expect(i === 0 || scale === scales[i - 1] || scale === scales[i - 1]! / 2).toBe(true)
    expect(scales.at(-1)).toBe(scales.at(-2))
    expect(Number.isFinite(later.at(-1)!['gradient_norm'])).toBe(true)
    expect(await mixed.read(path)).not.toEqual(before)
    mixed.dispose()
  })
})
