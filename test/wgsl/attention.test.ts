import { describe, expect, it } from 'vitest'
import { emitKernel } from '../../compiler/7-emit/wgsl/emit.ts'
import type { AttentionSchedule } from '../../compiler/7-emit/wgsl/schedule.ts'
import { symbol } from '../../compiler/ir/dim.ts'
import type { AttentionKernel, Scalar } from '../../compiler/ir/kernel.ts'
import { runOnDevice, storageOf } from '../device/run-kernels.ts'
import { acc, apply, axis, base, flat, guarded, load, num, read, stage, sum, tensor, write } from './build.ts'
import { values, worstError } from './numbers.ts'

const schedules: Record<string, AttentionSchedule> = {
  'lane, registers': { kind: 'attention', by: 'lane', lanes: 8, steps: 2, width: 32, unrolled: true, guards: 'branch' },
  'lane, array': { kind: 'attention', by: 'lane', lanes: 8, steps: 1, width: 32, unrolled: false, guards: 'select' },
  'lane, some columns': {
    kind: 'attention',
    by: 'lane',
    lanes: 8,
    steps: 1,
    width: 3,
    unrolled: true,
    guards: 'branch',
  },
  'lane, one column': {
    kind: 'attention',
    by: 'lane',
    lanes: 8,
    steps: 1,
    width: 1,
    unrolled: false,
    guards: 'branch',
  },
  workgroup: { kind: 'attention', by: 'workgroup', lanes: 8, guards: 'branch' },
}

/** Causal attention of T queries to T keys: out[b, t, c] and the logarithm of the sum, of scores as large as 40. */
function causal(heads: number, width: number, columns: number) {
  const T = symbol('T')
  const [q, k, v] = [tensor([heads, T, width]), tensor([heads, T, width]), tensor([heads, T, columns])]
  const [out, log] = [tensor([heads, T, columns]), tensor([heads, T])]
  const slots = [read(q!), read(k!), read(v!), write(out!), write(log!)]
  const [b, t, s, d, c] = [axis('b', heads), axis('t', T), axis('s', T), axis('d', width), axis('c', columns)] as const
  const product: Scalar = {
    kind: 'reduce',
    combine: 'sum',
    axes: [d],
    value: apply('mul', load(slots, 0, [b, t, d]), load(slots, 1, [b, s, d])),
    dtype: 'float',
  }
  const past = sum([
    [1, { kind: 'axis', axis: t }],
    [-1, { kind: 'axis', axis: s }],
  ])
  const lowest = num(Number.NEGATIVE_INFINITY)
  const kernel: AttentionKernel = {
    ...base(slots),
    kind: 'attention',
    outer: [b, t],
    row: [s],
    columns: [c],
    score: guarded([{ kind: 'inside', index: past, size: T }], apply('mul', product, num(10)), lowest),
    weight: num(1),
    value: load(slots, 2, [b, s, c]),
    stores: [{ slot: 3, index: flat(out!.shape, [b, t, c]), value: apply('div', acc, stage(1)) }],
    results: [{ slot: 4, index: flat(log!.shape, [b, t]), value: apply('add', apply('log', stage(1)), stage(0)) }],
  }
  return { kernel, q: q!, k: k!, v: v!, out: out!, log: log! }
}

describe.each(Object.keys(schedules))('attention by %s', (name) => {
  const emit = (kernel: AttentionKernel) => emitKernel(kernel, { storageOf, target: 'gpu', schedule: schedules[name]! })

  it.each([
    [1, 1, 1, 1],
    [2, 7, 3, 5],
    [1, 17, 4, 13],
    [3, 8, 2, 8],
    [2, 33, 5, 19],
    [2, 0, 3, 4],
  ])('%i heads, %i places, width %i, %i columns', async (heads, T, width, columns) => {
    const { kernel, q, k, v, out, log } = causal(heads, width, columns)
    const [qs, ks, vs] = [values(heads * T * width, 1), values(heads * T * width, 2), values(heads * T * columns, 3)]
    const leaves = new Map([
      [q, qs],
      [k, ks],
      [v, vs],
    ])
    const got = await runOnDevice([{ kernel, emitted: emit(kernel) }], leaves, new Map([['T', T]]), [out, log])
    const expected: number[] = []
    const logs: number[] = []
    for (let b = 0; b < heads; b++)
      for (let t = 0; t < T; t++) {
        const scores = Array.from({ length: t + 1 }, (_, s) => {
          let dot = 0
          for (let d = 0; d < width; d++) dot += qs[(b * T + t) * width + d]! * ks[(b * T + s) * width + d]!
          return dot * 10
        })
        const most = Math.max(...scores)
        const total = scores.reduce((a, x) => a + Math.exp(x - most), 0)
        for (let c = 0; c < columns; c++)
          expected.push(scores.reduce((a, x, s) => a + Math.exp(x - most) * vs[(b * T + s) * columns + c]!, 0) / total)
        logs.push(most + Math.log(total))
      }
    // Scores of magnitude 100 are off by some 2·10⁻⁵ in float32, and so are the logarithms of the weights.
    expect(worstError(got.get(out)!, expected)).toBeLessThan(1e-4)
    expect(worstError(got.get(log)!, logs)).toBeLessThan(2e-6)
  })

  it('a weighted sum without a score, as in the gradients', async () => {
    const [w, v, out] = [tensor([5, 11]), tensor([11, 6]), tensor([5, 6])]
    const slots = [read(w!), read(v!), write(out!)]
    const [t, s, c] = [axis('t', 5), axis('s', 11), axis('c', 6)]
    const kernel: AttentionKernel = {
      ...base(slots),
      kind: 'attention',
      outer: [t!],
      row: [s!],
      columns: [c!],
      score: undefined,
      weight: apply('exp', load(slots, 0, [t!, s!])),
      value: load(slots, 1, [s!, c!]),
      stores: [{ slot: 2, index: flat(out!.shape, [t!, c!]), value: acc }],
      results: [],
    }
    const [ws, vs] = [values(55, 1), values(66, 2)]
    const leaves = new Map([
      [w!, ws],
      [v!, vs],
    ])
    const got = await runOnDevice([{ kernel, emitted: emit(kernel) }], leaves, new Map(), [out!])
    const expected = Array.from({ length: 30 }, (_, e) => {
      let total = 0
      for (let i = 0; i < 11; i++) total += Math.exp(ws[Math.floor(e / 6) * 11 + i]!) * vs[i * 6 + (e % 6)]!
      return total
    })
    expect(worstError(got.get(out!)!, expected)).toBeLessThan(5e-6)
  })
})
