/** The functions of the module against float64, over their whole ranges: in units of float32's last place. */
import { describe, expect, it } from 'vitest'
import { emitWasm } from '../../compiler/7-emit/wasm/emit.ts'
import { dim } from '../../compiler/ir/dim.ts'
import type { DType } from '../../compiler/ir/graph.ts'
import type { MapKernel, Scalar } from '../../compiler/ir/kernel.ts'
import { type ScalarFunction, scalarMeaningFor } from '../../compiler/ir/scalar.ts'
import { GraphBuilder } from '../../compiler/ops/builder.ts'
import { generator } from '../ops/sample-graph.ts'
import { runOnWasm } from './run-kernels.ts'

/** `out[i] = fn(a[i], …)` for operands of one dtype. */
function apply(fn: ScalarFunction, operands: readonly (readonly number[])[], dtype: DType, result: DType) {
  const builder = new GraphBuilder()
  const size = dim(operands[0]!.length)
  const axis = { name: 'i', extent: size }
  const index = { kind: 'axis', axis } as const
  const inputs = operands.map((_, i) => builder.input(`x${i}`, [size], dtype))
  const output = builder.input('out', [size], result)
  const loads = inputs.map((_, slot): Scalar => ({ kind: 'load', slot, index, dtype }))
  const kernel: MapKernel = {
    kind: 'map',
    name: 'apply',
    axes: [axis],
    slots: [...inputs.map((node) => ({ node, access: 'read' as const })), { node: output, access: 'write' }],
    stores: [{ slot: inputs.length, index, value: { kind: 'apply', fn, arguments: loads, dtype: result } }],
    nodes: [],
    origins: [],
    stops: [],
  }
  const leaves = new Map(inputs.map((node, i) => [node, operands[i]!]))
  return runOnWasm([{ kernel, emitted: emitWasm(kernel, new Map()) }], leaves, new Map(), [output]).get(output)!
}

/** The distance of neighbouring floats at a value; that of the least normal number below it. */
const unit = (x: number) => 2 ** Math.max(-149, Math.floor(Math.log2(Math.abs(x))) - 23)

function worstError(fn: ScalarFunction, points: readonly number[], absolute = false): number {
  const meaning = scalarMeaningFor(fn, 'float')
  const xs = points.map(Math.fround)
  const got = apply(fn, [xs], 'float', 'float')
  let worst = 0
  xs.forEach((x, i) => {
    const exact = meaning(x)
    if (Math.abs(exact) > 3.4028235e38) return
    const error = Math.abs(got[i]! - exact) / (absolute ? 1 : unit(exact))
    if (!(error <= worst)) worst = error
  })
  return worst
}

const spread = (low: number, high: number, count = 40_001) =>
  Array.from({ length: count }, (_, i) => low + ((high - low) * i) / (count - 1))
/** Both signs, magnitudes from 2^low to 2^high. */
const magnitudes = (low: number, high: number) => spread(low, high, 20_001).flatMap((e) => [2 ** e, -(2 ** e)])

describe('functions as WebAssembly', () => {
  it('exp', () => {
    expect(worstError('exp', spread(-87, 88.7))).toBeLessThan(2)
    expect(worstError('exp', magnitudes(-40, 0))).toBeLessThan(2)
    // Results below the normal numbers.
    expect(worstError('exp', spread(-103, -87))).toBeLessThan(2)
  })
  it('log', () => {
    expect(worstError('log', magnitudes(-149, 127.9).map(Math.abs))).toBeLessThan(2)
    expect(worstError('log', spread(0.5, 2))).toBeLessThan(2)
  })
  it('tanh', () => {
    expect(worstError('tanh', spread(-12, 12))).toBeLessThan(4)
    expect(worstError('tanh', magnitudes(-100, 0))).toBeLessThan(4)
  })
  it('erf', () => {
    expect(worstError('erf', spread(-5, 5))).toBeLessThan(4)
    expect(worstError('erf', magnitudes(-100, 0))).toBeLessThan(4)
  })
  it('sin and cos', () => {
    for (const fn of ['sin', 'cos'] as const) expect(worstError(fn, spread(-1000, 1000), true)).toBeLessThan(2 ** -22)
  })
  it('sqrt and its inverse', () => {
    expect(worstError('sqrt', magnitudes(-126, 127).map(Math.abs))).toBeLessThanOrEqual(0.5)
    expect(worstError('rsqrt', magnitudes(-126, 127).map(Math.abs))).toBeLessThan(1.5)
  })
  it('pow', () => {
    const random = generator(3)
    const xs = Array.from({ length: 20_000 }, () => Math.fround(random() * 4))
    const ys = Array.from({ length: 20_000 }, () => Math.fround(random() * 8 - 4))
    const got = apply('pow', [xs, ys], 'float', 'float')
    xs.forEach((x, i) => {
      const exact = x ** ys[i]!
      const bound = 4 + 4 * Math.abs(ys[i]! * Math.log2(Math.max(x, 2 ** -126)))
      expect(Math.abs(got[i]! - exact) / unit(exact)).toBeLessThan(bound)
    })
  })
  it('what has no number stays so, and infinities are what they should be', () => {
    const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 1, -1]
    for (const fn of ['exp', 'log', 'tanh', 'erf', 'sqrt', 'neg', 'abs', 'sign', 'floor', 'round'] as const)
      expect([...apply(fn, [special], 'float', 'float')].map(near), fn).toEqual(
        special.map((x) => near(Math.fround(scalarMeaningFor(fn, 'float')(x)))),
      )
    for (const fn of ['min', 'max'] as const)
      for (const other of special)
        expect([...apply(fn, [special, special.map(() => other)], 'float', 'float')], `${fn} ${other}`).toEqual(
          special.map((x) => scalarMeaningFor(fn, 'float')(x, other)),
        )
  })
  it.each(['int', 'uint'] as const)('integers of dtype %s wrap around', (dtype) => {
    const edges = dtype === 'int' ? [0, 1, -1, 2, -7, 7, 2147483647, -2147483648] : [0, 1, 2, 7, 2147483648, 4294967295]
    const pairs = edges.flatMap((a) => edges.map((b) => [a, b] as const))
    const [a, b] = [pairs.map((p) => p[0]), pairs.map((p) => p[1])]
    for (const fn of ['add', 'sub', 'mul', 'min', 'max', 'floor_div', 'modulo'] as const)
      expect([...apply(fn, [a, b], dtype, dtype)], fn).toEqual(
        a.map((x, i) => scalarMeaningFor(fn, dtype)(x, b[i]!)).map((x) => (dtype === 'int' ? x | 0 : x >>> 0) + 0),
      )
    for (const fn of ['neg', 'abs', 'sign'] as const)
      expect([...apply(fn, [edges], dtype, dtype)], fn).toEqual(
        edges.map((x) => scalarMeaningFor(fn, dtype)(x)).map((x) => (dtype === 'int' ? x | 0 : x >>> 0)),
      )
    for (const fn of ['eq', 'ne', 'lt', 'le'] as const)
      expect([...apply(fn, [a, b], dtype, 'bool')], fn).toEqual(a.map((x, i) => scalarMeaningFor(fn, dtype)(x, b[i]!)))
  })
  it('floats become integers as WGSL says', () => {
    const xs = [0, -0.5, 1.9, -1.9, 3e9, -3e9, 5e9, Number.NaN, Number.POSITIVE_INFINITY]
    for (const [fn, dtype] of [
      ['to_int', 'int'],
      ['to_uint', 'uint'],
      ['to_bool', 'bool'],
    ] as const)
      expect(
        [...apply(fn, [xs], 'float', dtype)].map((x) => x + 0),
        fn,
      ).toEqual(xs.map((x) => scalarMeaningFor(fn, 'float')(x) + 0))
  })
})

/** Within three units, as a number that can be compared. */
const near = (x: number) => (Number.isFinite(x) ? Math.round(x * 2 ** 20) / 2 ** 20 + 0 : x)
