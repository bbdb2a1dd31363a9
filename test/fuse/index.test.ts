/** The index algebra: what must vanish does, and no rewrite changes a value. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Dim, dim, evaluate, multiply, one, symbol } from '../../compiler/ir/dim.ts'
import {
  addIndex,
  axisIndex,
  flattenIndex,
  insideGuard,
  keyOfIndex,
  offsetIndex,
  quotientIndex,
  remainderIndex,
  scaleIndex,
  sumIndex,
  unflattenIndex,
} from '../../compiler/ir/index.ts'
import { boundsOf } from '../../compiler/ir/index-bounds.ts'
import type { Axis, Index } from '../../compiler/ir/kernel.ts'
import { printIndex } from '../../compiler/ir/print-kernel.ts'

const axis = (name: string, extent: number | Dim): Axis => ({
  name,
  extent: typeof extent === 'number' ? dim(extent) : extent,
})
const print = (index: Index) => printIndex(index, () => '…')
const [B, T, H] = [symbol('B'), symbol('T'), symbol('H')]

describe('views vanish', () => {
  const i = axisIndex(axis('i', B))
  const j = axisIndex(axis('j', 784))
  it('splits what was merged', () => {
    const flat = flattenIndex([i, j], [B, dim(784)])
    expect(print(flat)).toBe('784*i + j')
    expect(print(quotientIndex(flat, dim(784)))).toBe('i')
    expect(print(remainderIndex(flat, dim(784)))).toBe('j')
  })
  it('merges what was split', () => {
    const f = axisIndex(axis('f', 784))
    const parts = unflattenIndex(f, [dim(4), dim(14), dim(14)])
    expect(parts.map(print)).toEqual(
      ['f // 196', '(f // 14) % 14', 'f % 14'].map((s) => s.replace('(f // 14) % 14', 'f // 14 % 14')),
    )
    expect(print(flattenIndex(parts, [dim(4), dim(14), dim(14)]))).toBe('f')
    expect(print(flattenIndex([parts[1]!, parts[2]!], [dim(14), dim(14)]))).toBe('f % 196')
  })
  it('does so for symbolic sizes', () => {
    const t = axisIndex(axis('t', T))
    const h = axisIndex(axis('h', H))
    const flat = flattenIndex([i, t, h], [B, T, H])
    expect(unflattenIndex(flat, [B, multiply(T, H)]).map(print)).toEqual(['i', 'H*t + h'])
    expect(unflattenIndex(flat, [multiply(B, T), H]).map(print)).toEqual(['T*i + t', 'h'])
    const back = unflattenIndex(axisIndex(axis('x', multiply(B, T))), [B, T])
    expect(print(flattenIndex(back, [B, T]))).toBe('x')
  })
  it('takes out common factors', () => {
    const a = axisIndex(axis('a', 6))
    const b = axisIndex(axis('b', 2))
    expect(
      print(
        quotientIndex(
          sumIndex([
            { factor: dim(6), index: a },
            { factor: one, index: b },
          ]),
          dim(4),
        ),
      ),
    ).toBe('3*a // 2'.replace('3*a // 2', 'a + (a // 2)'))
    expect(
      print(
        remainderIndex(
          sumIndex([
            { factor: dim(6), index: a },
            { factor: one, index: b },
          ]),
          dim(2),
        ),
      ),
    ).toBe('b')
  })
  it('needs no guard inside a window that fits', () => {
    const o = axisIndex(axis('o', multiply(one, symbol('W'))))
    expect(insideGuard(o, symbol('W'))).toBeUndefined()
    expect(insideGuard(offsetIndex(o, dim(1)), symbol('W'))).toBeDefined()
    expect(insideGuard(addIndex(axisIndex(axis('y', 12)), axisIndex(axis('k', 5))), dim(16))).toBeUndefined()
    expect(
      insideGuard(offsetIndex(addIndex(axisIndex(axis('y', 12)), axisIndex(axis('k', 5))), dim(-1)), dim(16)),
    ).toBeDefined()
  })
})

/** An index with, beside it, what it means. */
interface Meant {
  readonly index: Index
  readonly value: (at: (axis: Axis) => number) => number
}

describe('no rewrite changes a value', () => {
  const bindings = new Map([['T', 3]])
  const axes = [axis('a', 4), axis('b', symbol('T')), axis('c', 6), axis('d', 2)]
  const divisors = [dim(1), dim(2), dim(3), dim(4), dim(6), dim(12), symbol('T'), multiply(dim(2), symbol('T'))]
  const leaf: fc.Arbitrary<Meant> = fc.constantFrom(...axes).map((a) => ({ index: axisIndex(a), value: (at) => at(a) }))
  const { tree } = fc.letrec<{ tree: Meant }>((tie) => ({
    tree: fc.oneof(
      { depthSize: 'medium', withCrossShrink: true },
      leaf,
      fc
        .tuple(tie('tree'), tie('tree'))
        .map(([x, y]): Meant => ({ index: addIndex(x.index, y.index), value: (at) => x.value(at) + y.value(at) })),
      fc
        .tuple(tie('tree'), fc.constantFrom(...divisors))
        .map(
          ([x, d]): Meant => ({ index: scaleIndex(x.index, d), value: (at) => x.value(at) * evaluate(d, bindings) }),
        ),
      fc
        .tuple(tie('tree'), fc.integer({ min: 0, max: 20 }))
        .map(([x, n]): Meant => ({ index: offsetIndex(x.index, dim(n)), value: (at) => x.value(at) + n })),
      fc.tuple(tie('tree'), fc.constantFrom(...divisors)).map(
        ([x, d]): Meant => ({
          index: quotientIndex(x.index, d),
          value: (at) => Math.floor(x.value(at) / evaluate(d, bindings)),
        }),
      ),
      fc.tuple(tie('tree'), fc.constantFrom(...divisors)).map(
        ([x, d]): Meant => ({
          index: remainderIndex(x.index, d),
          value: (at) => x.value(at) % evaluate(d, bindings),
        }),
      ),
    ),
  }))

  it('in random expressions, whose bounds hold too', () => {
    fc.assert(
      fc.property(tree, ({ index, value }) => {
        const { low, high } = boundsOf(index)
        for (let a = 0; a < 4; a++)
          for (let b = 0; b < 3; b++)
            for (let c = 0; c < 6; c++)
              for (let d = 0; d < 2; d++) {
                const at = (x: Axis) => [a, b, c, d][axes.indexOf(x)]!
                const found = meaning(index, at, bindings)
                expect(found, keyOfIndex(index)).toBe(value(at))
                if (low) expect(found).toBeGreaterThanOrEqual(evaluate(low, bindings))
                if (high) expect(found).toBeLessThanOrEqual(evaluate(high, bindings))
              }
      }),
      { numRuns: 400, seed: 11 },
    )
  })
})

function meaning(index: Index, at: (axis: Axis) => number, dims: ReadonlyMap<string, number>): number {
  switch (index.kind) {
    case 'dim':
      return evaluate(index.dim, dims)
    case 'axis':
      return at(index.axis)
    case 'sum':
      return index.terms.reduce(
        (sum, t) => sum + evaluate(t.factor, dims) * meaning(t.index, at, dims),
        evaluate(index.offset, dims),
      )
    case 'quotient':
    case 'remainder': {
      const value = meaning(index.index, at, dims)
      const by = evaluate(index.by, dims)
      // Machine division must agree, so no dividend is negative.
      expect(value).toBeGreaterThanOrEqual(0)
      return index.kind === 'quotient' ? Math.floor(value / by) : value % by
    }
    case 'data':
      throw new Error('no data here')
    default:
      return index satisfies never
  }
}
