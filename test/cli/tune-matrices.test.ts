/**
 * The tuner and subgroup matrices, which the tests' adapter has not: what they compute is emulated, and what they store in 16
 * bits is held to the float64 reference; a winner by them is kept with a stand-in for adapters without.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openKernel } from '../../cli/tune/kernel-bench.ts'
import { matricesOf } from '../../cli/tune/matrices.ts'
import { agree } from '../../cli/tune/tune-kernel.ts'
import { tuneProgram } from '../../cli/tune/tune-program.ts'
import { choiceOf } from '../../cli/tune/winners.ts'
import { check } from '../../compiler/1-check/index.ts'
import { defaultSchedule } from '../../compiler/7-emit/wgsl/default-schedule.ts'
import { emitKernel } from '../../compiler/7-emit/wgsl/emit.ts'
import { matrixCandidates } from '../../compiler/7-emit/wgsl/matrix-candidates.ts'
import { guaranteedLimits, type Matrices, type MatrixSchedule } from '../../compiler/7-emit/wgsl/schedule.ts'
import { signature } from '../../compiler/7-emit/wgsl/signature.ts'
import type { ContractKernel } from '../../compiler/ir/kernel.ts'
import type { ScheduleRequest } from '../../compiler/schedule-choice.ts'
import type { Storage } from '../../runtime/abi.ts'
import type { GpuDevice } from '../../runtime/device.ts'
import { emulateMatrices } from '../device/emulate-matrices.ts'
import { freshDevice } from '../runtime/open.ts'
import { acc, apply, axis, base, flat, load, num, read, tensor, write } from '../wgsl/build.ts'

let gpu: GpuDevice
beforeAll(async () => {
  gpu = await freshDevice()
})
afterAll(() => gpu.dispose())

const matrices: Matrices = {
  configurations: [
    { component: 'f16', M: 16, N: 16, K: 16 },
    { component: 'f16', M: 8, N: 16, K: 16 },
    { component: 'f32', M: 8, N: 8, K: 8 },
  ],
  subgroups: [8, 16, 32],
  workgroupInvocations: 256,
  workgroupBytes: 32768,
}
const none = new Map<string, number>()

/** out[b, i, j] = max(Σ_k x · y + bias[j], 0), each operand as it is or transposed. */
function product(
  [b, m, n, k]: readonly [number, number, number, number],
  transposed: readonly [boolean, boolean],
): ContractKernel {
  const [batch, i, j, d] = [axis('b', b), axis('i', m), axis('j', n), axis('k', k)]
  const [x, y] = [tensor(transposed[0] ? [b, k, m] : [b, m, k]), tensor(transposed[1] ? [b, n, k] : [b, k, n])]
  const out = tensor([b, m, n])
  const slots = [read(x), read(y), read(tensor([n])), write(out)]
  return {
    ...base(slots),
    kind: 'contract',
    batch: [batch],
    rows: [i],
    columns: [j],
    depth: [d],
    left: load(slots, 0, transposed[0] ? [batch, d, i] : [batch, i, d]),
    right: load(slots, 1, transposed[1] ? [batch, j, d] : [batch, d, j]),
    split: undefined,
    stores: [
      {
        slot: 3,
        index: flat(out.shape, [batch, i, j]),
        value: apply('max', apply('add', acc, load(slots, 2, [j])), num(0)),
      },
    ],
  }
}

/** Batch, rows, columns, depth; which operands are transposed; how the result lies in memory. */
const cases = [
  [[1, 1, 1, 1], [false, false], 'f32'],
  [[2, 17, 31, 13], [false, false], 'f16'],
  [[2, 17, 31, 13], [true, true], 'f32'],
  [[3, 20, 36, 44], [false, true], 'f32'],
  [[3, 20, 36, 44], [true, false], 'f16'],
  [[1, 64, 48, 32], [false, false], 'f32'],
] as const

describe('operands in 16 bits, sums in 32', () => {
  it.each(cases)('%j, transposed: %j, into %s', async (shape, transposed, result) => {
    const kernel = product(shape, transposed)
    // An adapter without 16-bit floats still has the products of float32.
    const hasHalf = gpu.device.features.has('shader-f16')
    const storages: Storage[] = hasHalf ? ['f16', 'f16', 'f32', result] : ['f32', 'f32', 'f32', 'f32']
    const bench = openKernel(gpu.device, kernel, storages, none)
    const all = matrixCandidates(kernel, storages, defaultSchedule(kernel, 'cpu-class'), matrices)
    // Of each configuration the tile that a driver in software compiles soonest.
    const results = (s: MatrixSchedule) => s.rows * s.columns
    const tried = matrices.configurations
      .map((wanted) => all.filter((s) => s.configuration === wanted).sort((a, b) => results(a) - results(b))[0])
      .filter((schedule) => schedule !== undefined)
    expect(tried.length).toBe(hasHalf ? 3 : 1)
    for (const schedule of [...tried, { ...tried.at(-1)!, split: 2 }]) {
      const print = emitKernel(kernel, { storageOf: (_, slot) => storages[slot]!, target: 'gpu', schedule })
      const given = await bench.results(emulateMatrices(print))
      const tolerance = storages[3] === 'f16' ? 1e-3 : 1e-5
      const agrees = agree(given, bench.reference(), tolerance, (x) => !Number.isNaN(x))
      expect(agrees, JSON.stringify(schedule)).toBe(true)
    }
    bench.dispose()
    gpu.check()
  })
})

it('on a device that refuses their text, the tuner keeps nothing by matrices', async () => {
  const text = `model M {
  input  x: float[batch, 37]
  target y: int[batch]
  output logits = Linear(19)(x)
  loss cross_entropy(logits, y)
}
`
  const kept = await tuneProgram({
    program: check({ path: 'm.dlm', text }),
    compile: { model: 'M', entries: ['infer'], target: 'cpu-class', subgroup: gpu.subgroup },
    gpu,
    dims: { batch: 13 },
    milliseconds: 4000,
    matrices,
    tell() {},
  })
  for (const { schedule, elsewhere } of Object.values(kept))
    expect([schedule, elsewhere]).not.toContainEqual(expect.objectContaining({ by: 'matrix' }))
  gpu.check()
})

describe('what is offered', () => {
  const kernel = product([1, 128, 128, 64], [false, false])
  const chosen = defaultSchedule(kernel, 'gpu')
  const components = (storages: readonly Storage[], given: Matrices | undefined = matrices) =>
    new Set(matrixCandidates(kernel, storages, chosen, given).map((s) => s.configuration.component))
  it('is nothing where the device multiplies no matrices', () => {
    expect(matricesOf(gpu.device)).toBeUndefined()
    expect(matrixCandidates(kernel, ['f16', 'f16', 'f32', 'f32'], chosen, undefined)).toEqual([])
  })
  it('rounds no operand: 16 bits are for what lies in 16 bits', () => {
    expect(components(['f16', 'f16', 'f32', 'f32'])).toEqual(new Set(['f16', 'f32']))
    expect(components(['f16', 'f32', 'f32', 'f32'])).toEqual(new Set(['f32']))
  })
  it('is of whole subgroups of any size, and fits the memory', () => {
    for (const schedule of matrixCandidates(kernel, ['f16', 'f16', 'f32', 'f32'], chosen, matrices))
      expect((schedule.rowGroups * schedule.columnGroups * schedule.subgroup) % 32).toBe(0)
    expect(components(['f16', 'f16', 'f32', 'f32'], { ...matrices, workgroupBytes: 1024 })).toEqual(new Set())
  })
})

describe('what was kept by matrices', () => {
  const kernel = product([1, 64, 64, 64], [false, false])
  const storages: readonly Storage[] = ['f16', 'f16', 'f32', 'f32']
  const emit: ScheduleRequest['emit'] = (schedule) =>
    emitKernel(kernel, {
      storageOf: (_, slot) => storages[slot]!,
      target: 'gpu',
      ...(schedule && { schedule }),
    })
  const request = { kernel, emit, storages, target: 'gpu', limits: guaranteedLimits, sizes: new Map() } as const
  const standard = defaultSchedule(kernel, 'gpu')
  const schedule: MatrixSchedule = matrixCandidates(kernel, storages, standard, matrices)[0]!
  const winner = { schedule, kernel: '', dims: {}, before: 2, after: 1 }
  const chosen = (kept: object, given?: Matrices) =>
    choiceOf({ [signature(emit())]: kept as typeof winner }, given)!(request)
  it('is printed on a device that has the same product', () => expect(chosen(winner, matrices)).toEqual(schedule))
  it('gives way to its stand-in, or the default, on any other', () => {
    expect(chosen(winner)).toBeUndefined()
    expect(chosen({ ...winner, elsewhere: standard })).toEqual(standard)
    const others = { ...matrices, configurations: matrices.configurations.slice(1) }
    expect(chosen({ ...winner, elsewhere: standard }, others)).toEqual(standard)
    expect(chosen(winner, { ...matrices, workgroupBytes: 4096 })).toBeUndefined()
  })
})
