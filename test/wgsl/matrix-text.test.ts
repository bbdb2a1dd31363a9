/** Kernels by subgroup matrices are WGSL as Dawn checks it, for whatever an adapter may offer: its null backend has the feature. */

import { describe, expect, it } from 'vitest'
import { create } from 'webgpu'
import { emitKernel } from '../../compiler/7-emit/wgsl/emit.ts'
import { matrixCandidates } from '../../compiler/7-emit/wgsl/matrix-candidates.ts'
import { lanesOfMatrices, matrixBytes } from '../../compiler/7-emit/wgsl/matrix-tile.ts'
import type { Matrices, MatrixConfiguration } from '../../compiler/7-emit/wgsl/schedule.ts'
import { evaluate, symbol } from '../../compiler/ir/dim.ts'
import type { ContractKernel } from '../../compiler/ir/kernel.ts'
import type { Storage } from '../../runtime/abi.ts'
import { openDevice } from '../../runtime/device.ts'
import { matrixFeature, withMatrices } from '../../runtime/node/matrices.ts'
import { acc, apply, at, axis, base, flat, guarded, isInside, load, num, read, sum, tensor, write } from './build.ts'

const held = globalThis as { dlmNullGpu?: GPU }
held.dlmNullGpu = create(['backend=null', 'enable-dawn-features=allow_unsafe_apis'])
const adapter = (await held.dlmNullGpu.requestAdapter())!
const { device } = await openDevice(withMatrices(adapter))

/** Configurations as drivers list them: Apple's, Intel's, NVIDIA's and AMD's. */
const configurations: readonly MatrixConfiguration[] = [
  { component: 'f32', M: 8, N: 8, K: 8 },
  { component: 'f16', M: 8, N: 16, K: 16 },
  { component: 'f16', M: 16, N: 8, K: 16 },
  { component: 'f16', M: 16, N: 16, K: 16 },
]
/** The null backend wants workgroups of a multiple of 128 lanes. */
const matrices = (configuration: MatrixConfiguration): Matrices => ({
  configurations: [configuration],
  subgroups: [32, 128],
  workgroupInvocations: device.limits.maxComputeInvocationsPerWorkgroup,
  workgroupBytes: device.limits.maxComputeWorkgroupStorageSize,
})

type Storages = readonly Storage[]
const halves: Storages = ['f16', 'f16', 'f16', 'f32']
const floats: Storages = ['f32', 'f32', 'f32', 'f32']

/** out[b, i, j] = relu(Σ_k x · y + bias[j]), each operand as it is or transposed. */
function product(n: number, k: number, transposed: readonly [boolean, boolean]): ContractKernel {
  const rows = symbol('rows')
  const [b, i, j, d] = [axis('b', 3), axis('i', rows), axis('j', n), axis('k', k)] as const
  const [x, y, bias, out] = [
    tensor(transposed[0] ? [3, k, rows] : [3, rows, k]),
    tensor(transposed[1] ? [3, n, k] : [3, k, n]),
    tensor([n]),
    tensor([3, rows, n]),
  ]
  const slots = [read(x!), read(y!), read(bias!), write(out!)]
  return {
    ...base(slots),
    kind: 'contract',
    batch: [b],
    rows: [i],
    columns: [j],
    depth: [d],
    left: load(slots, 0, transposed[0] ? [b, d, i] : [b, i, d]),
    right: load(slots, 1, transposed[1] ? [b, j, d] : [b, d, j]),
    split: undefined,
    stores: [
      {
        slot: 3,
        index: flat(out!.shape, [b, i, j]),
        value: apply('max', apply('add', acc, load(slots, 2, [j])), num(0)),
      },
    ],
  }
}

/** A padded convolution: windows of an image behind guards. */
function convolution(channels: number, width: number): ContractKernel {
  const [o, y, x, c, dy, dx] = ['o', 'y', 'x', 'c', 'dy', 'dx'].map((name, i) =>
    axis(name, [7, width, width, channels, 3, 3][i]!),
  ) as [ReturnType<typeof axis>, ...ReturnType<typeof axis>[]] & { length: 6 }
  const step = (a: typeof y, b: typeof dy) =>
    sum(
      [
        [1, at(a!)],
        [1, at(b!)],
      ],
      -1,
    )
  const [row, column] = [step(y, dy), step(x, dx)]
  const slots = [
    read(tensor([7, channels, 3, 3])),
    read(tensor([channels, width, width])),
    read(tensor([1])),
    write(tensor([7, width, width])),
  ]
  return {
    ...base(slots),
    kind: 'contract',
    batch: [],
    rows: [o],
    columns: [y!, x!],
    depth: [c!, dy!, dx!],
    left: load(slots, 0, [o, c!, dy!, dx!]),
    right: guarded([isInside(row, width), isInside(column, width)], load(slots, 1, [c!, row, column])),
    split: undefined,
    stores: [{ slot: 3, index: flat(slots[3]!.node.shape, [o, y!, x!]), value: acc }],
  }
}

const cases: readonly (readonly [string, ContractKernel])[] = [
  ['a product of primes', product(13, 7, [false, false])],
  ['a product in vectors', product(32, 64, [false, false])],
  ['transposed left', product(16, 20, [true, false])],
  ['transposed right', product(16, 20, [false, true])],
  ['both transposed, one row', product(1, 1, [true, true])],
  ['a product of nothing', product(16, 0, [false, false])],
  ['a convolution', convolution(5, 9)],
  ['a convolution of four columns', convolution(4, 8)],
]

const chosen = (split: number) => ({ kind: 'contract', split }) as never

async function faults(code: string, constants: Record<string, number>): Promise<string[]> {
  device.pushErrorScope('validation')
  const module = device.createShaderModule({ code })
  const { messages } = await module.getCompilationInfo()
  const found = messages.map(({ lineNum, message }) => `${lineNum}: ${message}`)
  await device
    .createComputePipelineAsync({ layout: 'auto', compute: { module, constants } })
    .catch((error: Error) => found.push(error.message))
  await device.popErrorScope()
  return found
}

it('an adapter opens with the feature where it has it', () => {
  expect([...device.features]).toContain(matrixFeature)
})

describe.each(configurations)('by matrices of $M × $N, depth $K, $component', (configuration) => {
  it.each(cases)('%s', async (_, kernel) => {
    const seen = new Set<string>()
    for (const storages of [halves, floats])
      for (const split of kernel.depth[0]!.extent.constant === 0 ? [1] : [1, 3]) {
        const all = matrixCandidates(kernel, storages, chosen(split), matrices(configuration))
        // Operands that lie in 32 bits would lose bits in 16.
        expect(all.length > 0, `${storages}`).toBe(configuration.component === 'f32' || storages === halves)
        for (const schedule of all) {
          expect(lanesOfMatrices(schedule) % 128).toBe(0)
          const { stages } = emitKernel(kernel, { storageOf: (__, slot) => storages[slot]!, target: 'gpu', schedule })
          for (const { wgsl, constants, features } of stages) {
            if (features.includes(matrixFeature)) expect(sharedBytes(wgsl)).toBeLessThanOrEqual(matrixBytes(schedule))
            if (seen.has(wgsl)) continue
            seen.add(wgsl)
            const values = [...constants].map(([name, size]) => [name, evaluate(size, new Map([['rows', 5]]))] as const)
            expect(await faults(wgsl, Object.fromEntries(values)), wgsl).toEqual([])
          }
        }
      }
    expect(seen.size).toBeGreaterThan(1)
  })
})

/** Bytes of the arrays that a text declares in workgroup memory. */
const sharedBytes = (wgsl: string): number =>
  [...wgsl.matchAll(/var<workgroup> \w+: array<(f16|f32), (\d+)>/g)].reduce(
    (bytes, [, type, length]) => bytes + Number(length) * (type === 'f16' ? 2 : 4),
    0,
  )
