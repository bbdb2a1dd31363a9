/** Values of primitives against formulas that share no code with their rows. */
import { describe, expect, it } from 'vitest'
import { dim, zero } from '../../compiler/ir/dim.ts'
import { erf } from '../../compiler/ir/erf.ts'
import type { Node } from '../../compiler/ir/graph.ts'
import { scalarMeaningFor } from '../../compiler/ir/scalar.ts'
import { threefry } from '../../compiler/ir/threefry.ts'
import { GraphBuilder } from '../../compiler/ops/builder.ts'
import type { ContractAttributes } from '../../compiler/ops/contract.ts'
import { evaluate } from '../../compiler/reference/evaluate.ts'
import { sampleGraph, samplesOf } from './sample-graph.ts'

const b = new GraphBuilder()
const numbers = (node: Node): number[] => [
  ...evaluate([node], {
    leaf: () => {
      throw new Error('no leaf')
    },
  })[0]!.data,
]
const vector = (...values: number[]): Node => b.literal(values, [values.length])
const ints = (...values: number[]): Node => b.literal(values, [values.length], 'int')
const counting = (...shape: number[]): Node =>
  b.literal(
    Array.from({ length: shape.reduce((x, y) => x * y, 1) }, (_, i) => i),
    shape,
  )

describe('scalar functions', () => {
  it("computes erf to a few units of 2⁻⁵³ (values of C's erf)", () => {
    const table: [number, number][] = [
      [1e-20, 1.1283791670955125e-20],
      [0.001, 0.0011283787909692365],
      [0.3, 0.3286267594591274],
      [0.46875, 0.49261347321793797],
      [0.5, 0.5204998778130465],
      [1.0, 0.8427007929497149],
      [1.5, 0.9661051464753108],
      [2.7, 0.9998656672600594],
      [3.99, 0.9999999832607886],
      [4.0, 0.9999999845827421],
      [4.5, 0.9999999998033839],
      [5.9, 0.9999999999999999],
      [-0.7, -0.6778011938374184],
      [-2.0, -0.9953222650189527],
    ]
    for (const [x, y] of table) expect(Math.abs(erf(x) - y)).toBeLessThanOrEqual(4e-16 * Math.abs(y))
    expect(erf(0)).toBe(0)
    expect(erf(Infinity)).toBe(1)
    expect(erf(-Infinity)).toBe(-1)
  })
  it('draws the words of the known-answer tests of Random123 for threefry2x32 with 20 rounds', () => {
    expect(threefry(0, 0, 0, 0)).toEqual([0x6b200159, 0x99ba4efe])
    expect(threefry(0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff)).toEqual([0x1cb996fc, 0xbb002be7])
    expect(threefry(0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3)).toEqual([0xc4923a9c, 0x483df7a0])
  })
  it('rounds a tie to the even neighbour', () => {
    expect(numbers(b.round(vector(0.5, 1.5, 2.5, -0.5, -1.5, 2.4, 2.6)))).toEqual([0, 2, 2, 0, -2, 2, 3])
  })
  it("divides towards minus infinity, with the remainder of the divisor's sign", () => {
    expect(numbers(b.floorDiv(ints(7, -7, 7, -7), ints(2, 2, -2, -2)))).toEqual([3, -4, -4, 3])
    expect(numbers(b.modulo(ints(7, -7, 7, -7), ints(2, 2, -2, -2)))).toEqual([1, 1, -1, -1])
  })
  it('wraps integers at 32 bits and cuts floats towards zero, saturating', () => {
    expect(scalarMeaningFor('add', 'int')(2147483647, 1)).toBe(-2147483648)
    expect(scalarMeaningFor('mul', 'int')(65536, 65537)).toBe(65536)
    expect(scalarMeaningFor('sub', 'uint')(0, 1)).toBe(4294967295)
    expect(numbers(b.cast(vector(-1.7, 1.7, 1e12, -1e12), 'int'))).toEqual([-1, 1, 2147483647, -2147483648])
  })
})

describe('views', () => {
  it('permutes as numpy transposes', () => {
    expect(numbers(b.permute(counting(2, 3), [1, 0]))).toEqual([0, 3, 1, 4, 2, 5])
  })
  it('slices backwards', () => {
    expect(numbers(b.slice(counting(7), [dim(5)], [dim(3)], [-2]))).toEqual([5, 3, 1])
  })
  it('pads and joins', () => {
    expect(numbers(b.pad(counting(2), [dim(1)], [dim(2)], -1))).toEqual([-1, 0, 1, -1, -1])
    expect(numbers(b.concat([counting(2, 1), counting(2, 2)], 1))).toEqual([0, 0, 1, 1, 2, 3])
  })
  it('slides windows', () => {
    const windows = b.window(counting(4), { axis: 0, size: 2, stride: 1, dilation: 2, low: 1, high: 1, fill: 9 })
    expect(numbers(windows)).toEqual([9, 1, 0, 2, 1, 3, 2, 9])
  })
  it("broadcasts by numpy's rules", () => {
    const sum = b.add(b.literal([10, 20], [2, 1]), counting(3))
    expect(sum.shape.map((d) => d.key)).toEqual(['2', '3'])
    expect(numbers(sum)).toEqual([10, 11, 12, 20, 21, 22])
    expect(() => b.add(counting(2), counting(3))).toThrow(/axis -1 of float\[2\] is 2, of float\[3\] 3/)
  })
})

describe('reductions', () => {
  it('finds the first extremum as a flat position over the axes', () => {
    const x = b.literal([1, 5, 5, 0, 5, 2], [2, 3])
    expect(numbers(b.argmax(x, [1]))).toEqual([1, 1])
    expect(numbers(b.argmax(x, [0, 1]))).toEqual([1])
    expect(numbers(b.argmin(x, [0]))).toEqual([1, 0, 1])
  })
  it('takes the mean over a symbolic count', () => {
    expect(numbers(b.mean(counting(2, 5), [1]))).toEqual([2, 7])
  })
  it('sums prefixes in both directions', () => {
    expect(numbers(b.cumsum(vector(1, 2, 4), 0))).toEqual([1, 3, 7])
    expect(numbers(b.cumsum(vector(1, 2, 4), 0, { exclusive: true, reverse: true }))).toEqual([6, 4, 0])
  })
})

describe('data-dependent places', () => {
  it('gathers with clamped indices and scatters sums', () => {
    expect(numbers(b.gather(vector(5, 6, 7), ints(2, -4, 9), 0))).toEqual([7, 5, 7])
    expect(numbers(b.scatterAdd(vector(1, 2, 4), ints(1, 1, 0), 0, dim(3)))).toEqual([4, 3, 0])
  })
})

describe('contraction', () => {
  for (const [index, sample] of samplesOf('contract').entries())
    it(`equals the sum over all axes one by one: ${sample.note}`, () => {
      const { node, inputs, values } = sampleGraph('contract', sample, index)
      const [left, right] = inputs.map((input) => values.get(input)!)
      const found = evaluate([node], { leaf: (leaf) => values.get(leaf)! })[0]!
      const { axes, left: reads, right: others, output } = sample.attributes as ContractAttributes
      const expected = new Array<number>(found.data.length).fill(0)
      const at: Record<string, number> = {}
      const element = (value: typeof left, accesses: typeof reads): number => {
        let flat = 0
        for (const [axis, { terms, offset, divisor }] of accesses.entries()) {
          const index = terms.reduce((sum, t) => sum + t.stride * at[t.axis]!, offset) / divisor
          if (!Number.isInteger(index) || index < 0 || index >= value!.shape[axis]!) return 0
          flat = flat * value!.shape[axis]! + index
        }
        return value!.data[flat]!
      }
      const visit = (depth: number): void => {
        if (depth === axes.length) {
          const flat = output.reduce(
            (sum, name) => sum * axes.find((axis) => axis.name === name)!.size.constant! + at[name]!,
            0,
          )
          expected[flat]! += element(left, reads) * element(right, others)
          return
        }
        for (let i = 0; i < axes[depth]!.size.constant!; i++) {
          at[axes[depth]!.name] = i
          visit(depth + 1)
        }
      }
      visit(0)
      for (const [i, value] of found.data.entries()) expect(value).toBeCloseTo(expected[i]!, 12)
    })
  it('multiplies as numpy does: vectors, batch axes, a stretched batch axis', () => {
    expect(numbers(b.matmul(vector(1, 2), b.literal([1, 2, 3, 4], [2, 2])))).toEqual([7, 10])
    expect(numbers(b.matmul(vector(1, 2), vector(3, 4)))).toEqual([11])
    const stretched = b.matmul(b.literal([1, 2], [1, 1, 2]), b.literal([1, 2, 3, 4], [2, 2, 1]))
    expect(stretched.shape.map((d) => d.key)).toEqual(['2', '1', '1'])
    expect(numbers(stretched)).toEqual([5, 11])
    expect(() => b.matmul(counting(2, 3), counting(4, 2))).toThrow(/is 3/)
  })
})

describe('the builder', () => {
  it('makes equal nodes once and views in their shortest form', () => {
    const x = b.input('x', [dim(2), dim(3)])
    expect(b.exp(x)).toBe(b.exp(x))
    expect(b.permute(b.permute(x, [1, 0]), [1, 0])).toBe(x)
    expect(b.reshape(b.reshape(x, [dim(6)]), x.shape)).toBe(x)
    expect(b.constant(0)).not.toBe(b.constant(-0))
    expect(b.slice(b.slice(x, [zero, dim(1)], [dim(2), dim(2)]), [zero, dim(1)], [dim(2), dim(1)])).toBe(
      b.slice(x, [zero, dim(2)], [dim(2), dim(1)]),
    )
  })
  it('goes on where a graph ends', () => {
    const x = b.input('x', [dim(2)])
    const y = b.exp(x)
    const more = GraphBuilder.continuing([{ node: y }])
    expect(more.exp(x)).toBe(y)
    expect(more.neg(y).id).toBeGreaterThan(y.id)
  })
  it('refuses more nodes than its cap', () => {
    const small = new GraphBuilder({ maxNodes: 2 })
    expect(() => small.neg(small.exp(small.constant(1)))).toThrow(/more than 2 nodes/)
  })
})
