import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CompiledProgram } from '../../runtime/abi.ts'
import { openDevice } from '../../runtime/device.ts'
import { compilingAhead } from '../../runtime/node/compile-ahead.ts'
import { useChosenDriver } from '../device/adapter.ts'
import { faultyAdapter } from './faulty-adapter.ts'
import { faultyDevice, freshAdapter } from './open.ts'
import { certified } from './programs.ts'

/** Only such a driver leaves a kernel to its first dispatch. */
const compilesLate = useChosenDriver() === 'lavapipe'
const kernels = 8
const loads = 16
const threads = process.env['DLM_THREADS']
beforeAll(() => {
  process.env['DLM_THREADS'] = '2'
})
afterAll(() => {
  if (threads === undefined) delete process.env['DLM_THREADS']
  else process.env['DLM_THREADS'] = threads
})

/** Kernel `k` writes `x[0] + … + x[15] + salt + k`: with a salt that no driver has compiled yet, all are new to it. */
function sums(salt: number): CompiledProgram {
  const about = { label: '', flops: 0, bytes: 0, origins: [], stops: [] } as const
  const all = Array.from({ length: kernels }, (_, k) => k)
  const float = { shape: [1], dtype: 'float', storage: 'f32' } as const
  return certified({
    abi: 1,
    name: 'Sums',
    dims: [],
    arenas: [
      { name: 'inputs', role: 'batch', bytes: 512 },
      { name: 'results', role: 'results', bytes: 256 * (kernels + 1) },
    ],
    tensors: [
      { ...float, name: 'x', role: 'input', arena: 0, offset: 0, shape: [loads] },
      ...all.map((k) => ({ ...float, name: `y${k}`, role: 'output' as const, arena: 1, offset: 256 * k })),
    ],
    pipelines: all.map((k) => ({
      name: `sum${k}`,
      wgsl: `@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(1) fn main(@builtin(workgroup_id) group: vec3u) {
  y[group.x] = ${Array.from({ length: loads }, (_, i) => `x[group.y + ${i}u]`).join(' + ')} + ${(salt + k).toFixed(4)};
}`,
      constants: {},
      workgroup: [1, 1, 1],
      features: [],
    })),
    entries: [
      {
        name: 'infer',
        inputs: ['x'],
        outputs: all.map((k) => `y${k}`),
        loops: [],
        dispatches: all.map((k) => ({
          ...about,
          pipeline: k,
          workgroups: [1, 1, 1] as const,
          bindings: [
            { arena: 0, offset: 0, bytes: loads * 4, access: 'read' as const },
            { arena: 1, offset: 256 * k, bytes: 4, access: 'write' as const },
          ],
        })),
      },
    ],
    parameters: [],
    states: [],
    moments: [],
    stepBlock: [],
  })
}

const newSalt = () => Math.floor(Math.random() * 2 ** 23) / 16

/** Opens a session with that helper, runs it, and gives what its device has left when it is gone. */
async function opened(salt: number, another: () => Promise<GPUAdapter | null>): Promise<number> {
  const { gpu, alive } = await faultyDevice()
  const session = await compilingAhead(gpu, another).open(sums(salt), { dims: {}, entries: ['infer'] })
  session.write('x', new Float32Array(loads).fill(0.5))
  await session.run('infer')
  for (let k = 0; k < kernels; k++)
    expect(await session.read(`y${k}`)).toEqual(new Float32Array([loads / 2 + salt + k]))
  session.dispose()
  gpu.check()
  gpu.dispose()
  return alive.size
}

describe('a session whose kernels are compiled as it opens', () => {
  it('shares them out once, and leaves nothing behind', async () => {
    const salt = newSalt()
    const helpers: ReturnType<typeof faultyAdapter>[] = []
    const another = async () => {
      const helper = faultyAdapter(await freshAdapter())
      helpers.push(helper)
      return helper.adapter
    }
    for (let time = 0; time < 2; time++) {
      expect(await opened(salt, another)).toBe(0)
      expect(helpers.length).toBe(compilesLate ? 1 : 0)
    }
    for (const { created, alive } of helpers) {
      expect(created.pipelines).toBeGreaterThan(0)
      expect(created.pipelines).toBeLessThan(kernels)
      expect(alive.size).toBe(0)
    }
  })

  it.each([
    ['is not there', async () => null],
    ['does not open', () => Promise.reject(new Error('no adapter'))],
    ['is used up', usedUp],
    ['compiles nothing', async () => faultyAdapter(await freshAdapter(), { pipeline: 1 }).adapter],
    ['has no memory', async () => faultyAdapter(await freshAdapter(), { buffer: { at: 1, how: 'throw' } }).adapter],
    ['is lost', lostSoon],
  ] satisfies [string, () => Promise<GPUAdapter | null>][])('opens with a helper that %s', async (_, another) => {
    expect(await opened(newSalt(), another)).toBe(0)
  })

  it('asks for no helper where one thread is wanted', async () => {
    process.env['DLM_THREADS'] = '1'
    let asked = 0
    const another = async () => {
      asked++
      return null
    }
    expect(await opened(newSalt(), another)).toBe(0)
    expect(asked).toBe(0)
    process.env['DLM_THREADS'] = '2'
  })
})

async function usedUp(): Promise<GPUAdapter> {
  const adapter = await freshAdapter()
  const gpu = await openDevice(adapter)
  gpu.dispose()
  return adapter
}

/** Says that it is lost, and maps no fence, from the time its kernels are there. */
async function lostSoon(): Promise<GPUAdapter> {
  const faulty = faultyAdapter(await freshAdapter())
  const wait = () => {
    if (faulty.created.bindGroups > 0) faulty.lose('injected')
    else setTimeout(wait, 1).unref()
  }
  wait()
  return faulty.adapter
}
