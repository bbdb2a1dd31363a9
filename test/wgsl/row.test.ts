import { describe, expect, it } from 'vitest'
import { emitKernel } from '../../compiler/7-emit/wgsl/emit.ts'
import type { RowSchedule } from '../../compiler/7-emit/wgsl/schedule.ts'
import { symbol } from '../../compiler/ir/dim.ts'
import type { RowKernel } from '../../compiler/ir/kernel.ts'
import type { Combine } from '../../compiler/ops/op.ts'
import { runOnDevice, storageOf } from '../device/run-kernels.ts'
import { apply, at, axis, base, flat, load, num, read, stage, tensor, write } from './build.ts'
import { values, worstError } from './numbers.ts'

const schedules: Record<string, RowSchedule> = {
  lane: { kind: 'row', by: 'lane', lanes: 16, steps: 1, guards: 'branch' },
  'lane, several': { kind: 'row', by: 'lane', lanes: 8, steps: 4, guards: 'select' },
  workgroup: { kind: 'row', by: 'workgroup', lanes: 32, guards: 'select' },
  parts: { kind: 'row', by: 'parts', lanes: 16, parts: 5, steps: 2, guards: 'branch' },
}

/** out[r, c] = softmax of x[r, ·] and total[r] = log Σ exp. */
function softmax(rows: number, columns: number) {
  const batch = symbol('batch')
  const [x, y, total] = [tensor([batch, columns]), tensor([batch, columns]), tensor([batch])]
  const slots = [read(x!), write(y!), write(total!)]
  const [r, c] = [axis('r', batch), axis('c', columns)]
  const value = load(slots, 0, [r!, c!])
  const power = apply('exp', apply('sub', value, stage(0)))
  const kernel: RowKernel = {
    ...base(slots),
    kind: 'row',
    outer: [r!],
    row: [c!],
    stages: [
      { combine: 'max', value, dtype: 'float' },
      { combine: 'sum', value: power, dtype: 'float' },
    ],
    stores: [{ slot: 1, index: flat(y!.shape, [r!, c!]), value: apply('div', power, stage(1)) }],
    results: [{ slot: 2, index: at(r!), value: apply('add', apply('log', stage(1)), stage(0)) }],
  }
  return { kernel, x: x!, y: y!, total: total!, dims: new Map([['batch', rows]]) }
}

describe.each(Object.keys(schedules))('row kernels by %s', (name) => {
  const schedule = schedules[name]!
  const emit = (kernel: RowKernel) => emitKernel(kernel, { storageOf, target: 'gpu', schedule })

  it.each([
    [1, 1],
    [3, 7],
    [17, 64],
    [2, 1000],
    [0, 5],
    [65, 31],
  ])('softmax of %i rows of %i', async (rows, columns) => {
    const { kernel, x, y, total, dims } = softmax(rows, columns)
    const xs = values(rows * columns, 5)
    if (columns > 2) xs[0] = -3.4e38
    const got = await runOnDevice([{ kernel, emitted: emit(kernel) }], new Map([[x, xs]]), dims, [y, total])
    const expected: number[] = []
    const totals: number[] = []
    for (let i = 0; i < rows; i++) {
      const row = [...xs.subarray(i * columns, (i + 1) * columns)]
      const most = Math.max(...row)
      const sum = row.reduce((s, v) => s + Math.exp(v - most), 0)
      expected.push(...row.map((v) => Math.exp(v - most) / sum))
      totals.push(Math.log(sum) + most)
    }
    expect(worstError(got.get(y)!, expected)).toBeLessThan(1e-6)
    expect(worstError(got.get(total)!, totals)).toBeLessThan(2e-6)
  })

  it.each([
    [1, 1, 1],
    [3, 5, 7],
    [4, 13, 50],
  ])('every combination over the outer and inner axis of [%i, %i, %i]', async (a, b, c) => {
    const x = tensor([a, b, c])
    const combines: readonly Combine[] = ['sum', 'max', 'min', 'argmax', 'argmin']
    const outs = combines.map((combine) => tensor([b], combine.startsWith('arg') ? 'int' : 'float'))
    const slots = [read(x), ...outs.map(write)]
    const [i, j, k] = [axis('i', a), axis('j', b), axis('k', c)]
    const value = load(slots, 0, [i!, j!, k!])
    const kernel: RowKernel = {
      ...base(slots),
      kind: 'row',
      outer: [j!],
      row: [i!, k!],
      stores: [],
      stages: combines.map((combine, n) => ({ combine, value, dtype: outs[n]!.dtype })),
      results: combines.map((_, n) => ({ slot: n + 1, index: at(j!), value: stage(n, outs[n]!.dtype) })),
    }
    // Whole numbers, so that there are ties and sums are exact.
    const xs = values(a * b * c, 9).map((v) => Math.round(v * 2))
    const got = await runOnDevice([{ kernel, emitted: emit(kernel) }], new Map([[x, xs]]), new Map(), outs)
    for (let q = 0; q < b; q++) {
      const row: number[] = []
      for (let p = 0; p < a; p++) for (let r = 0; r < c; r++) row.push(xs[(p * b + q) * c + r]!)
      const expected = [
        row.reduce((s, v) => s + v, 0),
        Math.max(...row),
        Math.min(...row),
        row.indexOf(Math.max(...row)),
        row.indexOf(Math.min(...row)),
      ]
      expect(outs.map((out) => got.get(out)![q])).toEqual(expected)
    }
  })

  it('an empty row gives what reductions start from', async () => {
    const x = tensor([2, 0])
    const [sum, most] = [tensor([2]), tensor([2], 'int')]
    const slots = [read(x), write(sum!), write(most!)]
    const [i, j] = [axis('i', 2), axis('j', 0)]
    const value = load(slots, 0, [i!, j!])
    const kernel: RowKernel = {
      ...base(slots),
      kind: 'row',
      outer: [i!],
      row: [j!],
      stores: [],
      stages: [
        { combine: 'sum', value, dtype: 'float' },
        { combine: 'argmax', value, dtype: 'int' },
      ],
      results: [
        { slot: 1, index: at(i!), value: apply('add', stage(0), num(3)) },
        { slot: 2, index: at(i!), value: stage(1, 'int') },
      ],
    }
    const got = await runOnDevice([{ kernel, emitted: emit(kernel) }], new Map([[x, []]]), new Map(), [sum!, most!])
    expect([...got.get(sum!)!]).toEqual([3, 3])
    expect([...got.get(most!)!]).toEqual([0, 0])
  })
})
