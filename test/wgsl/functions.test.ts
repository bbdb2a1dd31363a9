/**
 * Every scalar function on the device against its float64 meaning, within what WGSL promises for the operations it is
 * made of (Concrete Floating Point Accuracy; reliability bounds), or within our own bound where it is our own code.
 */
import { describe, expect, it } from 'vitest'
import { emitKernel } from '../../compiler/7-emit/wgsl/emit.ts'
import type { DType } from '../../compiler/ir/graph.ts'
import type { MapKernel, Scalar } from '../../compiler/ir/kernel.ts'
import { type ScalarFunction, scalarMeaning, scalarMeaningFor } from '../../compiler/ir/scalar.ts'
import { runOnDevice, storageOf } from '../device/run-kernels.ts'
import { apply, at, axis, base, load, num, read, tensor, write } from './build.ts'
import { random } from './numbers.ts'

const count = 4096

/** out = fn(operands…), element by element. */
async function evaluate(
  fn: ScalarFunction,
  operands: readonly { dtype: DType; data: readonly number[] }[],
  literal?: number,
): Promise<number[]> {
  const inputs = operands.map(({ dtype, data }) => tensor([data.length], dtype))
  const i = axis('i', operands[0]!.data.length)
  const slots = inputs.map(read)
  const args: Scalar[] = inputs.map((_, n) => load(slots, n, [i]))
  if (literal !== undefined) args.push(num(literal))
  const value = apply(fn, ...args)
  const out = tensor([operands[0]!.data.length], value.dtype)
  const all = [...slots, write(out)]
  const kernel: MapKernel = {
    ...base(all),
    kind: 'map',
    axes: [i],
    stores: [{ slot: inputs.length, index: at(i), value }],
  }
  const emitted = emitKernel(kernel, { storageOf, target: 'gpu' })
  const got = await runOnDevice(
    [{ kernel, emitted }],
    new Map(inputs.map((node, n) => [node, operands[n]!.data])),
    new Map(),
    [out],
  )
  return [...got.get(out)!]
}

function draw(low: number, high: number, seed: number): number[] {
  const next = random(seed)
  return Array.from({ length: count }, () => Math.fround(low + (high - low) * next()))
}

const ulp = (value: number): number => 2 ** (Math.floor(Math.log2(Math.max(Math.abs(value), 2 ** -126))) - 23)

/** Bounds as a function of the operands and the exact result. */
const floats: Record<
  string,
  { fn: ScalarFunction; ranges: [number, number][]; bound: (y: number, x: number, b: number) => number }
> = {
  add: {
    fn: 'add',
    ranges: [
      [-9, 9],
      [-9, 9],
    ],
    bound: (y) => ulp(y),
  },
  sub: {
    fn: 'sub',
    ranges: [
      [-9, 9],
      [-9, 9],
    ],
    bound: (y) => ulp(y),
  },
  mul: {
    fn: 'mul',
    ranges: [
      [-9, 9],
      [-9, 9],
    ],
    bound: (y) => ulp(y),
  },
  div: {
    fn: 'div',
    ranges: [
      [-9, 9],
      [0.1, 9],
    ],
    bound: (y) => 2.5 * ulp(y),
  },
  'pow, positive base': {
    fn: 'pow',
    ranges: [
      [0.01, 20],
      [-4, 4],
    ],
    bound: (y, x, b) => (8 + 8 * Math.abs(b * Math.log2(x))) * ulp(y),
  },
  min: {
    fn: 'min',
    ranges: [
      [-9, 9],
      [-9, 9],
    ],
    bound: () => 0,
  },
  max: {
    fn: 'max',
    ranges: [
      [-9, 9],
      [-9, 9],
    ],
    bound: () => 0,
  },
  // A quotient off by 2.5 units may land on the other side of a whole number.
  'floor_div, away from whole quotients': {
    fn: 'floor_div',
    ranges: [
      [-9, 9],
      [0.5, 3],
    ],
    bound: () => 1,
  },
  neg: { fn: 'neg', ranges: [[-9, 9]], bound: () => 0 },
  abs: { fn: 'abs', ranges: [[-9, 9]], bound: () => 0 },
  sign: { fn: 'sign', ranges: [[-9, 9]], bound: () => 0 },
  floor: { fn: 'floor', ranges: [[-9, 9]], bound: () => 0 },
  ceil: { fn: 'ceil', ranges: [[-9, 9]], bound: () => 0 },
  round: { fn: 'round', ranges: [[-9, 9]], bound: () => 0 },
  exp: { fn: 'exp', ranges: [[-80, 80]], bound: (y, x) => (3 + 2 * Math.abs(x)) * ulp(y) },
  log: { fn: 'log', ranges: [[1e-6, 100]], bound: (y, x) => (x >= 0.5 && x <= 2 ? 2 ** -21 : 3 * ulp(y)) },
  sqrt: { fn: 'sqrt', ranges: [[0, 100]], bound: (y) => 5 * ulp(y) },
  rsqrt: { fn: 'rsqrt', ranges: [[1e-6, 100]], bound: (y) => 2 * ulp(y) },
  sin: { fn: 'sin', ranges: [[-3.14, 3.14]], bound: () => 2 ** -11 },
  cos: { fn: 'cos', ranges: [[-3.14, 3.14]], bound: () => 2 ** -11 },
  // Our own: 2·10⁻⁷ by design, and what exp and the quotient add to it.
  tanh: { fn: 'tanh', ranges: [[-12, 12]], bound: (y) => 8e-7 * Math.abs(y) },
  'tanh near 0': { fn: 'tanh', ranges: [[-0.7, 0.7]], bound: (y) => 8e-7 * Math.abs(y) },
  erf: { fn: 'erf', ranges: [[-6, 6]], bound: (y) => 1e-6 * Math.abs(y) },
  'erf near 0': { fn: 'erf', ranges: [[-1.1, 1.1]], bound: (y) => 1e-6 * Math.abs(y) },
}

describe('scalar functions of floats', () => {
  it.each(Object.keys(floats))('%s', async (name) => {
    const { fn, ranges, bound } = floats[name]!
    const operands = ranges.map(([low, high], i) => draw(low, high, i + 1))
    const got = await evaluate(
      fn,
      operands.map((data) => ({ dtype: 'float', data })),
    )
    const outside = got.flatMap((value, i) => {
      const x = operands.map((o) => o[i]!)
      const exact = scalarMeaning[fn].apply(...x)
      // A result below the normal numbers may be flushed to zero.
      return Math.abs(value - exact) <= bound(exact, x[0]!, x[1] ?? 0) + 2 ** -126 ? [] : [{ x, value, exact }]
    })
    expect(outside.slice(0, 5)).toEqual([])
  })

  it('round takes a tie to the even neighbour', async () => {
    expect(await evaluate('round', [{ dtype: 'float', data: [0.5, 1.5, 2.5, 3.5, -0.5, -1.5, -2.5] }])).toEqual([
      0, 2, 2, 4, -0, -2, -2,
    ])
  })

  it('modulo has the sign of the divisor', async () => {
    const got = await evaluate('modulo', [
      { dtype: 'float', data: [5.25, -5.25, 5.25, -5.25] },
      { dtype: 'float', data: [2, 2, -2, -2] },
    ])
    expect(got).toEqual([1.25, 0.75, -0.75, -1.25])
  })

  it.each([2, 3, 4, 1, 0.5, -1, -2, -0.5])(
    'pow with the literal exponent %d is right for every base it is defined for',
    async (exponent) => {
      const base = exponent % 1 === 0 ? [-3, -1.5, -1, 0.25, 1, 7] : [0.25, 1, 7]
      const got = await evaluate('pow', [{ dtype: 'float', data: base }], exponent)
      for (const [i, value] of got.entries())
        expect(Math.abs(value - base[i]! ** exponent)).toBeLessThanOrEqual(8 * ulp(base[i]! ** exponent))
    },
  )

  it('pow of a negative base and a whole exponent that is data', async () => {
    const got = await evaluate('pow', [
      { dtype: 'float', data: [-2, -2, -2, 0, 0, -1.5] },
      { dtype: 'float', data: [3, 2, -1, 0, 2, 5] },
    ])
    for (const [i, exact] of [-8, 4, -0.5, 1, 0, -7.59375].entries()) expect(got[i]).toBeCloseTo(exact, 4)
  })

  it('exp of the lowest float, which masks use for minus infinity, is 0', async () => {
    expect(await evaluate('exp', [{ dtype: 'float', data: [-3.4028234663852886e38, -1000, -200] }])).toEqual([0, 0, 0])
  })
})

const edges = [-2147483648, -2147483647, -7, -3, -1, 0, 1, 2, 3, 7, 2147483647]
const pairs = (list: readonly number[]) => ({
  a: list.flatMap((x) => list.map(() => x)),
  b: list.flatMap(() => [...list]),
})

describe('scalar functions of integers', () => {
  it.each(['add', 'sub', 'mul', 'min', 'max', 'floor_div', 'modulo', 'eq', 'ne', 'lt', 'le'] as const)(
    'int %s wraps and rounds as it should',
    async (fn) => {
      const { a, b } = pairs(edges)
      const got = await evaluate(fn, [
        { dtype: 'int', data: a },
        { dtype: 'int', data: b },
      ])
      a.forEach((x, i) => {
        // The one quotient that no int holds; WGSL gives the dividend.
        if (x === -2147483648 && b[i] === -1) return
        expect([x, b[i], got[i]! + 0]).toEqual([x, b[i], scalarMeaningFor(fn, 'int')(x, b[i]!) + 0])
      })
    },
  )
  it.each(['add', 'sub', 'mul', 'min', 'max', 'floor_div', 'modulo', 'lt'] as const)('uint %s', async (fn) => {
    const { a, b } = pairs([0, 1, 2, 7, 2147483648, 4294967295])
    const got = await evaluate(fn, [
      { dtype: 'uint', data: a },
      { dtype: 'uint', data: b },
    ])
    expect(got).toEqual(a.map((x, i) => scalarMeaningFor(fn, 'uint')(x, b[i]!)))
  })
  it.each(['neg', 'abs', 'sign'] as const)('int %s', async (fn) => {
    expect((await evaluate(fn, [{ dtype: 'int', data: [-7, -1, 0, 3] }])).map((v) => v + 0)).toEqual(
      [-7, -1, 0, 3].map((x) => scalarMeaning[fn].apply(x) + 0),
    )
  })
})

describe('truth, choice and conversion', () => {
  it.each(['and', 'or', 'eq', 'ne'] as const)('bool %s', async (fn) => {
    const { a, b } = pairs([0, 1])
    expect(
      await evaluate(fn, [
        { dtype: 'bool', data: a },
        { dtype: 'bool', data: b },
      ]),
    ).toEqual(a.map((x, i) => scalarMeaning[fn].apply(x, b[i]!)))
  })
  it('not and select', async () => {
    expect(await evaluate('not', [{ dtype: 'bool', data: [0, 1] }])).toEqual([1, 0])
    expect(
      await evaluate('select', [
        { dtype: 'bool', data: [0, 1] },
        { dtype: 'float', data: [5, 6] },
        { dtype: 'float', data: [7, 8] },
      ]),
    ).toEqual([7, 6])
  })
  it.each([
    ['to_int', 'float', [-2.9, -0.5, 0, 2.9, 3e9, -3e9], [-2, 0, 0, 2, 2147483647, -2147483648]],
    ['to_float', 'int', [-5, 0, 7], [-5, 0, 7]],
    ['to_float', 'bool', [0, 1], [0, 1]],
    ['to_int', 'bool', [0, 1], [0, 1]],
    ['to_bool', 'float', [0, 0.5, -1], [0, 1, 1]],
    ['to_bool', 'int', [0, 5], [0, 1]],
    ['to_uint', 'float', [0, 2.9, 4e9], [0, 2, 4e9]],
    ['unit_float', 'uint', [0, 255, 256, 4294967295], [0, 0, 2 ** -24, 1 - 2 ** -24]],
  ] as const)('%s of %s', async (fn, dtype, data, expected) => {
    const got = (await evaluate(fn, [{ dtype, data: [...data] }])).map((v) => v + 0)
    // The greatest float below 2³¹ is what an implementation that clamps before it converts gives.
    for (const [i, v] of got.entries())
      expect(Math.abs(v - expected[i]!)).toBeLessThanOrEqual(Math.abs(expected[i]!) > 2e9 ? 256 : 0)
  })
})

describe('random bits', () => {
  // Known answers of the Random123 distribution (kat_vectors: threefry2x32, 20 rounds), first word.
  it.each([
    [[0, 0], [0, 0], 0x6b200159],
    [[0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff], 0x1cb996fc],
    [[0x13198a2e, 0x03707344], [0x243f6a88, 0x85a308d3], 0xc4923a9c],
  ] as const)('threefry with key %j and counter %j', async (key, counter, expected) => {
    const words = [...key, ...counter].map((word) => ({ dtype: 'uint' as const, data: [word] }))
    expect(scalarMeaning.threefry.apply(...key, ...counter)).toBe(expected)
    expect(await evaluate('threefry', words)).toEqual([expected])
  })
})
