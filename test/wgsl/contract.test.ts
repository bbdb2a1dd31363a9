import { describe, expect, it } from 'vitest'
import { emitKernel } from '../../compiler/7-emit/wgsl/emit.ts'
import type { ContractSchedule, MatrixSchedule } from '../../compiler/7-emit/wgsl/schedule.ts'
import { type Dim, symbol } from '../../compiler/ir/dim.ts'
import type { ContractKernel, Guard } from '../../compiler/ir/kernel.ts'
import { testDevice } from '../device/adapter.ts'
import { emulateMatrices } from '../device/emulate-matrices.ts'
import { runOnDevice, storageOf } from '../device/run-kernels.ts'
import { acc, apply, at, axis, base, flat, guarded, isInside, load, num, read, sum, tensor, write } from './build.ts'
import { values, worstError } from './numbers.ts'

const { device } = await testDevice()
// The subgroup size is 8 on lavapipe with 256-bit vectors and 4 on SwiftShader.
const subgroup = device.adapterInfo.subgroupMinSize
const plain: ContractSchedule = {
  kind: 'contract',
  by: 'registers',
  rows: 1,
  columns: 1,
  lanes: 8,
  rowLanes: 1,
  block: 0,
  subgroup: 0,
  panels: false,
  vector: 1,
  unroll: 1,
  stores: 'text',
  split: 1,
  guards: 'branch',
}
const matrices: MatrixSchedule = {
  kind: 'contract',
  by: 'matrix',
  configuration: { component: 'f32', M: 8, N: 8, K: 8 },
  rows: 1,
  columns: 1,
  rowGroups: 1,
  columnGroups: 1,
  subgroup,
  block: 1,
  split: 1,
  guards: 'branch',
}
const schedules: Record<string, ContractSchedule | MatrixSchedule> = {
  scalar: plain,
  registers: { ...plain, rows: 4, columns: 2, guards: 'select' },
  'registers, split': { ...plain, rows: 2, columns: 3, split: 3 },
  subgroup: { ...plain, by: 'subgroup', rows: 8, columns: 2, lanes: subgroup, subgroup },
  'subgroup, split': { ...plain, by: 'subgroup', rows: 16, columns: 1, lanes: subgroup, subgroup, split: 2 },
  vectors: { ...plain, rows: 3, columns: 2, vector: 4, stores: 'loop' },
  'vectors, turns of the depth, split': {
    ...plain,
    rows: 2,
    columns: 1,
    vector: 4,
    unroll: 4,
    split: 3,
    guards: 'free',
  },
  'windows in one turn': { ...plain, rows: 2, columns: 1, vector: 4, unroll: 3, guards: 'free' },
  'subgroup, vectors': {
    ...plain,
    by: 'subgroup',
    rows: 20,
    stores: 'loop',
    columns: 1,
    vector: 4,
    lanes: subgroup,
    subgroup,
    guards: 'free',
  },
  'subgroup, vectors, turns, split': {
    ...plain,
    by: 'subgroup',
    rows: 10,
    columns: 2,
    vector: 4,
    unroll: 4,
    lanes: subgroup,
    subgroup,
    split: 2,
    guards: 'select',
  },
  'subgroup, panels': { ...plain, by: 'subgroup', rows: 16, columns: 2, lanes: subgroup, subgroup, panels: true },
  'subgroup, vectors, panels, turns of two': {
    ...plain,
    by: 'subgroup',
    rows: 12 * subgroup,
    columns: 1,
    vector: 4,
    unroll: 2,
    lanes: subgroup,
    subgroup,
    panels: true,
    stores: 'loop',
    guards: 'free',
  },
  'subgroup, vectors, panels, turns, split': {
    ...plain,
    by: 'subgroup',
    rows: 8,
    columns: 1,
    vector: 4,
    unroll: 4,
    lanes: subgroup,
    subgroup,
    panels: true,
    split: 3,
    guards: 'select',
  },
  workgroup: { ...plain, by: 'workgroup', rows: 2, columns: 2, lanes: 8, rowLanes: 8, block: 8 },
  'workgroup, split': {
    ...plain,
    by: 'workgroup',
    rows: 4,
    columns: 1,
    lanes: 4,
    rowLanes: 4,
    block: 4,
    split: 2,
    guards: 'select',
  },
  'subgroup matrices, one': matrices,
  'subgroup matrices, 2 × 2 of 2 × 1': {
    ...matrices,
    configuration: { component: 'f32', M: 8, N: 4, K: 4 },
    rows: 2,
    columns: 1,
    rowGroups: 2,
    columnGroups: 2,
    block: 3,
    guards: 'select',
  },
  'subgroup matrices, fewer subgroups than thought, split': {
    ...matrices,
    columns: 2,
    rowGroups: 4,
    subgroup: (3 * subgroup) / 4,
    split: 2,
  },
  'subgroup matrices, more subgroups than thought': {
    ...matrices,
    configuration: { component: 'f32', M: 16, N: 8, K: 4 },
    columnGroups: 2,
    subgroup: 2 * subgroup,
    guards: 'free',
  },
}

/** out[b, i, j] = relu(Σ_k x[b, i, k] · y[b, k, j] + bias[j]). */
function product(shape: { b: number; i: number | Dim; j: number; k: number }) {
  const [x, y, bias, out] = [
    tensor([shape.b, shape.i, shape.k]),
    tensor([shape.b, shape.k, shape.j]),
    tensor([shape.j]),
    tensor([shape.b, shape.i, shape.j]),
  ]
  const slots = [read(x!), read(y!), read(bias!), write(out!)]
  const [b, i, j, k] = [axis('b', shape.b), axis('i', shape.i), axis('j', shape.j), axis('k', shape.k)]
  const kernel: ContractKernel = {
    ...base(slots),
    kind: 'contract',
    batch: [b!],
    rows: [i!],
    columns: [j!],
    depth: [k!],
    left: load(slots, 0, [b!, i!, k!]),
    right: load(slots, 1, [b!, k!, j!]),
    split: undefined,
    stores: [
      {
        slot: 3,
        index: flat(out!.shape, [b!, i!, j!]),
        value: apply('max', apply('add', acc, load(slots, 2, [j!])), num(0)),
      },
    ],
  }
  return { kernel, x: x!, y: y!, bias: bias!, out: out! }
}

describe.each(Object.keys(schedules))('contractions by %s', (name) => {
  const schedule = schedules[name]!
  const emit = (kernel: ContractKernel) => emulateMatrices(emitKernel(kernel, { storageOf, target: 'gpu', schedule }))

  it.each([
    [1, 1, 1, 1],
    [2, 7, 5, 3],
    [1, 16, 32, 8],
    [3, 1, 17, 13],
    [1, 33, 1, 64],
    [1, 19, 23, 0],
    [0, 3, 4, 5],
    [1, 0, 4, 5],
    [1, 70, 130, 37],
    [2, 21, 44, 12],
    [1, 40, 100, 20],
  ])('a product with bias and relu: %i × (%i × %i, depth %i)', async (b, i, j, k) => {
    const batch = symbol('batch')
    const { kernel, x, y, bias, out } = product({ b, i: batch, j, k })
    const [xs, ys, bs] = [values(b * i * k, 1), values(b * k * j, 2), values(j, 3)]
    const got = await runOnDevice(
      [{ kernel, emitted: emit(kernel) }],
      new Map([
        [x, xs],
        [y, ys],
        [bias, bs],
      ]),
      new Map([['batch', i]]),
      [out],
    )
    const expected: number[] = []
    const scale: number[] = []
    for (let p = 0; p < b; p++)
      for (let q = 0; q < i; q++)
        for (let r = 0; r < j; r++) {
          let [s, a] = [bs[r]!, Math.abs(bs[r]!)]
          for (let d = 0; d < k; d++) {
            const t = xs[(p * i + q) * k + d]! * ys[(p * k + d) * j + r]!
            s += t
            a += Math.abs(t)
          }
          expected.push(Math.max(0, s))
          scale.push(a * (k + 2))
        }
    // One unit of rounding for each of the K products and sums (WGSL fixes no rounding mode).
    expect(worstError(got.get(out)!, expected, scale)).toBeLessThan(2 ** -23)
  })

  it.each([
    [1, 1, 1, 5, 5, 3, 1],
    [2, 3, 5, 7, 6, 3, 1],
    [3, 4, 9, 11, 8, 5, 2],
    [2, 2, 17, 4, 4, 1, 1],
    [2, 3, 10, 8, 12, 3, 1],
    [1, 2, 21, 4, 8, 5, 1],
    [2, 2, 9, 6, 8, 3, 2],
  ])(
    'a padded convolution as a product: batch %i, %i → %i channels, %i × %i, kernel %i, stride %i',
    async (n, ci, co, h, w, ks, stride) => {
      const pad = (ks - 1) / 2
      const [oh, ow] = [Math.floor((h + 2 * pad - ks) / stride) + 1, Math.floor((w + 2 * pad - ks) / stride) + 1]
      const [image, weight, out] = [tensor([n, ci, h, w]), tensor([co, ci, ks, ks]), tensor([n, co, oh, ow])]
      const slots = [read(weight!), read(image!), write(out!)]
      const [o, b, y, x, c, dy, dx] = [
        axis('o', co),
        axis('b', n),
        axis('y', oh),
        axis('x', ow),
        axis('c', ci),
        axis('dy', ks),
        axis('dx', ks),
      ] as const
      const row = sum(
        [
          [stride, at(y)],
          [1, at(dy)],
        ],
        -pad,
      )
      const column = sum(
        [
          [stride, at(x)],
          [1, at(dx)],
        ],
        -pad,
      )
      const guards: Guard[] = [isInside(row, h), isInside(column, w)]
      const kernel: ContractKernel = {
        ...base(slots),
        kind: 'contract',
        batch: [],
        rows: [o],
        columns: [b, y, x],
        depth: [c, dy, dx],
        left: load(slots, 0, [o, c, dy, dx]),
        right: guarded(guards, load(slots, 1, [b, c, row, column])),
        split: undefined,
        stores: [{ slot: 2, index: flat(out!.shape, [b, o, y, x]), value: acc }],
      }
      const [xs, ws] = [values(n * ci * h * w, 1), values(co * ci * ks * ks, 2)]
      const got = await runOnDevice(
        [{ kernel, emitted: emit(kernel) }],
        new Map([
          [image!, xs],
          [weight!, ws],
        ]),
        new Map(),
        [out!],
      )
      const expected: number[] = []
      for (let bb = 0; bb < n; bb++)
        for (let oo = 0; oo < co; oo++)
          for (let yy = 0; yy < oh; yy++)
            for (let xx = 0; xx < ow; xx++) {
              let s = 0
              for (let cc = 0; cc < ci; cc++)
                for (let p = 0; p < ks; p++)
                  for (let q = 0; q < ks; q++) {
                    const [iy, ix] = [yy * stride + p - pad, xx * stride + q - pad]
                    if (iy >= 0 && iy < h && ix >= 0 && ix < w)
                      s += xs[((bb * ci + cc) * h + iy) * w + ix]! * ws[((oo * ci + cc) * ks + p) * ks + q]!
                  }
              expected.push(s)
            }
      expect(worstError(got.get(out!)!, expected)).toBeLessThan(2e-5)
    },
  )
})
