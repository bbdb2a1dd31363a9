import { describe, expect, it } from 'vitest'
import { emitKernel } from '../../compiler/7-emit/wgsl/emit.ts'
import { symbol } from '../../compiler/ir/dim.ts'
import type { MapKernel, Scalar } from '../../compiler/ir/kernel.ts'
import { runOnDevice, storageOf } from '../device/run-kernels.ts'
import { apply, at, axis, base, flat, guarded, isInside, load, num, read, sum, tensor, update, write } from './build.ts'
import { values } from './numbers.ts'

const emit = (kernel: MapKernel, guards: 'branch' | 'select' = 'branch', steps = 1) =>
  emitKernel(kernel, { storageOf, target: 'gpu', schedule: { kind: 'map', lanes: 64, steps, guards } })

describe('map kernels', () => {
  it.each([
    [1, 1, 1],
    [3, 5, 7],
    [0, 4, 2],
    [2, 13, 1],
    [4, 64, 65],
  ])('transpose and add, [%i, %i, %i]', async (a, b, c) => {
    const x = tensor([a, b, c])
    const y = tensor([c, a])
    const out = tensor([c, b, a])
    const slots = [read(x), read(y), write(out)]
    const [i, j, k] = [axis('i', c), axis('j', b), axis('k', a)] as const
    const kernel: MapKernel = {
      ...base(slots),
      kind: 'map',
      axes: [i, j, k],
      stores: [
        {
          slot: 2,
          index: flat(out.shape, [i, j, k]),
          value: apply('add', load(slots, 0, [k, j, i]), load(slots, 1, [i, k])),
        },
      ],
    }
    const [xs, ys] = [values(a * b * c, 1), values(c * a, 2)]
    const got = await runOnDevice(
      [{ kernel, emitted: emit(kernel) }],
      new Map([
        [x, xs],
        [y, ys],
      ]),
      new Map(),
      [out],
    )
    const expected: number[] = []
    for (let p = 0; p < c; p++)
      for (let q = 0; q < b; q++)
        for (let r = 0; r < a; r++) expected.push(Math.fround(xs[(r * b + q) * c + p]! + ys[p * a + r]!))
    expect([...got.get(out)!]).toEqual(expected)
  })

  it.each(['branch', 'select'] as const)('padding by guards as %s, with one text for every batch', async (guards) => {
    const batch = symbol('batch')
    const x = tensor([batch, 5])
    const out = tensor([batch, 9])
    const slots = [read(x), write(out)]
    const [n, i] = [axis('n', batch), axis('i', 9)]
    const shifted = sum([[1, at(i!)]], -2)
    const kernel: MapKernel = {
      ...base(slots),
      kind: 'map',
      axes: [n!, i!],
      stores: [
        {
          slot: 1,
          index: flat(out.shape, [n!, i!]),
          value: guarded([isInside(shifted, 5)], load(slots, 0, [n!, shifted]), num(-7)),
        },
      ],
    }
    const emitted = emit(kernel, guards, guards === 'select' ? 4 : 1)
    for (const size of [1, 3, 200]) {
      const xs = values(size * 5, size)
      const got = await runOnDevice([{ kernel, emitted }], new Map([[x, xs]]), new Map([['batch', size]]), [out])
      const expected = Array.from({ length: size * 9 }, (_, e) => {
        const from = (e % 9) - 2
        return from >= 0 && from < 5 ? xs[Math.floor(e / 9) * 5 + from]! : -7
      })
      expect([...got.get(out)!]).toEqual(expected)
    }
  })

  it('an update in place reads every old value before it writes one', async () => {
    const [p, m, g] = [tensor([100]), tensor([100]), tensor([100])]
    const slots = [update(p!), update(m!), read(g!)]
    const i = axis('i', 100)
    const index = at(i)
    const moment = apply('add', apply('mul', load(slots, 1, [i]), num(0.5)), load(slots, 2, [i]))
    const kernel: MapKernel = {
      ...base(slots),
      kind: 'map',
      axes: [i],
      stores: [
        { slot: 1, index, value: moment },
        { slot: 0, index, value: apply('sub', load(slots, 0, [i]), apply('mul', moment, load(slots, 1, [i]))) },
      ],
    }
    const [ps, ms, gs] = [values(100, 1), values(100, 2), values(100, 3)]
    const got = await runOnDevice(
      [{ kernel, emitted: emit(kernel) }],
      new Map([
        [p!, ps!],
        [m!, ms!],
        [g!, gs!],
      ]),
      new Map(),
      [p!, m!],
    )
    for (let e = 0; e < 100; e++) {
      const next = ms![e]! * 0.5 + gs![e]!
      expect(got.get(m!)![e]).toBeCloseTo(next, 5)
      expect(got.get(p!)![e]).toBeCloseTo(ps![e]! - next * ms![e]!, 5)
    }
  })

  it('more workgroups than one dimension holds are folded', async () => {
    const count = 65535 * 64 + 77
    const out = tensor([count], 'int')
    const slots = [write(out)]
    const i = axis('i', count)
    const kernel: MapKernel = {
      ...base(slots),
      kind: 'map',
      axes: [i],
      stores: [{ slot: 0, index: at(i), value: { kind: 'position', index: at(i), dtype: 'int' } }],
    }
    const got = (await runOnDevice([{ kernel, emitted: emit(kernel) }], new Map(), new Map(), [out])).get(out)!
    for (const e of [0, 1, 65535 * 64 - 1, 65535 * 64, count - 1]) expect(got[e]).toBe(e)
  })

  it('a reduction inside a lane: max pooling and its position', async () => {
    const x = tensor([7, 9])
    const [most, where] = [tensor([3, 4]), tensor([3, 4], 'int')]
    const slots = [read(x), write(most!), write(where!)]
    const [r, c, dr, dc] = [axis('r', 3), axis('c', 4), axis('dr', 2), axis('dc', 2)]
    const value = load(slots, 0, [
      sum([
        [2, at(r!)],
        [1, at(dr!)],
      ]),
      sum([
        [2, at(c!)],
        [1, at(dc!)],
      ]),
    ])
    const reduce = (combine: 'max' | 'argmax'): Scalar => ({
      kind: 'reduce',
      combine,
      axes: [dr!, dc!],
      value,
      dtype: combine === 'max' ? 'float' : 'int',
    })
    const index = flat(most!.shape, [r!, c!])
    const kernel: MapKernel = {
      ...base(slots),
      kind: 'map',
      axes: [r!, c!],
      stores: [
        { slot: 1, index, value: reduce('max') },
        { slot: 2, index, value: reduce('argmax') },
      ],
    }
    const xs = values(63, 4).map((v) => Math.round(v) + 0)
    const got = await runOnDevice([{ kernel, emitted: emit(kernel) }], new Map([[x, xs]]), new Map(), [most!, where!])
    for (let i = 0; i < 3; i++)
      for (let j = 0; j < 4; j++) {
        const window = [0, 1, 9, 10].map((o) => xs[i * 18 + j * 2 + o]!)
        expect(got.get(most!)![i * 4 + j]).toBe(Math.max(...window))
        expect(got.get(where!)![i * 4 + j]).toBe(window.indexOf(Math.max(...window)))
      }
  })
})
