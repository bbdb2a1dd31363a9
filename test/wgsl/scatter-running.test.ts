import { describe, expect, it } from 'vitest'
import { emitKernel } from '../../compiler/7-emit/wgsl/emit.ts'
import { symbol } from '../../compiler/ir/dim.ts'
import type { RunningKernel, ScatterKernel } from '../../compiler/ir/kernel.ts'
import { runOnDevice, storageOf } from '../device/run-kernels.ts'
import { acc, axis, base, flat, load, read, tensor, write } from './build.ts'
import { random, values } from './numbers.ts'

describe('scatter kernels', () => {
  it.each([
    [1, 1, 1, 1],
    [2, 11, 5, 3],
    [1, 300, 7, 2],
    [3, 0, 4, 2],
    [1, 5, 1000, 1],
  ])('adds %i × %i entries into %i rows of %i', async (before, entries, size, after) => {
    const n = symbol('n')
    const [updates, indices, out] = [tensor([before, n, after]), tensor([n], 'int'), tensor([before, size, after])]
    const slots = [read(updates!), read(indices!), write(out!)]
    const [b, e, a] = [axis('b', before), axis('e', n), axis('a', after)]
    const kernel: ScatterKernel = {
      ...base(slots),
      kind: 'scatter',
      before: [b!],
      entries: e!,
      after: [a!],
      size: out!.shape[1]!,
      output: 2,
      position: load(slots, 1, [e!]),
      value: load(slots, 0, [b!, e!, a!]),
    }
    const next = random(3)
    const places = Array.from({ length: entries }, () => Math.floor(next() * size))
    const xs = values(before * entries * after, 4)
    const emitted = emitKernel(kernel, { storageOf, target: 'gpu' })
    const got = await runOnDevice(
      [{ kernel, emitted }],
      new Map<typeof out & object, ArrayLike<number>>([
        [updates!, xs],
        [indices!, places],
      ]),
      new Map([['n', entries]]),
      [out!],
    )
    const expected = new Float32Array(before * size * after)
    for (let p = 0; p < before; p++)
      for (let i = 0; i < entries; i++)
        for (let r = 0; r < after; r++) {
          const o = (p * size + places[i]!) * after + r
          expected[o] = Math.fround(expected[o]! + xs[(p * entries + i) * after + r]!)
        }
    // The chains are in the order of the entries, so the sums are the same bit for bit.
    expect([...got.get(out!)!]).toEqual([...expected])
  })
})

describe('running kernels', () => {
  it.each([
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ])('a cumulative sum, reverse %s, exclusive %s', async (reverse, exclusive) => {
    const [x, out] = [tensor([3, 9, 2]), tensor([3, 9, 2])]
    const slots = [read(x!), write(out!)]
    const [i, r, k] = [axis('i', 3), axis('r', 9), axis('k', 2)]
    const kernel: RunningKernel = {
      ...base(slots),
      kind: 'running',
      outer: [i!, k!],
      row: r!,
      reverse,
      exclusive,
      value: load(slots, 0, [i!, r!, k!]),
      store: { slot: 1, index: flat(out!.shape, [i!, r!, k!]), value: acc },
    }
    const xs = values(54, 6).map((v) => Math.round(v * 8))
    const got = (
      await runOnDevice(
        [{ kernel, emitted: emitKernel(kernel, { storageOf, target: 'gpu' }) }],
        new Map([[x!, xs]]),
        new Map(),
        [out!],
      )
    ).get(out!)!
    for (let p = 0; p < 3; p++)
      for (let c = 0; c < 2; c++)
        for (let q = 0; q < 9; q++) {
          let s = 0
          for (let m = 0; m < 9; m++) if (m === q ? !exclusive : reverse ? m > q : m < q) s += xs[(p * 9 + m) * 2 + c]!
          expect(got[(p * 9 + q) * 2 + c]).toBe(s)
        }
  })
})
