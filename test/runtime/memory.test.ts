import { describe, expect, it } from 'vitest'
import type { GpuDevice } from '../../runtime/device.ts'
import { DimError, OutOfMemoryError, UnsupportedError } from '../../runtime/errors.ts'
import { demand, largestFit } from '../../runtime/fit.ts'
import { roomOf } from '../../runtime/memory.ts'
import { openSession } from '../../runtime/session.ts'
import { evaluate } from '../../runtime/size.ts'
import { faultyDevice, freshDevice } from './open.ts'
import { affine } from './programs.ts'

/** The device with other limits than it has. */
const limited = (
  gpu: GpuDevice,
  limits: Partial<Record<keyof GPUSupportedLimits, number>>,
  memory?: number,
): GpuDevice => {
  const all = new Proxy(gpu.device.limits, {
    get: (target, name) => limits[name as keyof GPUSupportedLimits] ?? Reflect.get(target, name, target),
  })
  const device = new Proxy(gpu.device, { get: (target, name) => (name === 'limits' ? all : bound(target, name)) })
  return { ...gpu, device, memory }
}
const bound = (target: GPUDevice, name: string | symbol): unknown => {
  const value: unknown = Reflect.get(target, name, target)
  return typeof value === 'function' ? value.bind(target) : value
}

const caught = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

describe('what does not fit', () => {
  it.each([
    ['a buffer', { maxBufferSize: 100_000 }, undefined],
    ['a binding', { maxStorageBufferBindingSize: 65_536 }, undefined],
    ['the memory', {}, 2 ** 20 + 300_000],
  ] as const)('is refused before anything is created, with the largest batch: %s', async (_, limits, memory) => {
    const { gpu, created } = await faultyDevice()
    const tight = limited(gpu, limits, memory)
    const options = { dims: { batch: 1_000_000 }, entries: ['step'] }
    const error = await caught(openSession(affine, tight, options))
    expect(error).toBeInstanceOf(OutOfMemoryError)
    const { largest, fix } = error as OutOfMemoryError
    expect(largest?.dim).toBe('batch')
    expect(fix).toBe(`the largest batch that fits is ${largest!.value}`)
    expect(created).toEqual({ buffers: 0, pipelines: 0, bindGroups: 0, modules: 0, bytes: 0 })

    // It is the largest: it opens, and one more does not.
    const at = (batch: number) => ({ ...options, dims: { batch } })
    expect(await caught(openSession(affine, tight, at(largest!.value + 1)))).toBeInstanceOf(OutOfMemoryError)
    const session = await openSession(affine, tight, at(largest!.value))
    session.dispose()
    gpu.dispose()
  })

  it('is named with what it would take', async () => {
    const gpu = await freshDevice()
    const error = await caught(
      openSession(affine, limited(gpu, { maxStorageBufferBindingSize: 65_536 }), {
        dims: { batch: 10_000 },
        entries: ['infer'],
      }),
    )
    expect((error as Error).message).toMatch(
      /^DLM0701: Affine at batch 10000 does not fit .*: one tensor would take 0\.2 MiB, and the adapter lets a kernel bind 0\.1 MiB; the largest batch that fits is 5461$/,
    )
    gpu.dispose()
  })

  it('is refused at any batch when even none fits', async () => {
    const gpu = await freshDevice()
    const tight = limited(gpu, {}, 1000)
    expect(largestFit(affine, roomOf(tight), { dims: { batch: 8 }, entries: ['infer'] })).toEqual({
      dim: 'batch',
      value: 0,
    })
    expect(String(await caught(openSession(affine, tight, { dims: { batch: 8 }, entries: ['infer'] })))).toMatch(
      /at any batch/,
    )
    gpu.dispose()
  })

  it('counts variants', () => {
    const { total } = demand(affine, {
      dims: { batch: 2 },
      entries: ['infer'],
      variants: [{ entry: 'infer', dims: { batch: 9 } }],
    })
    expect(total).toBe(evaluate(affine.footprint.inference.bytes, { batch: 9 }))
  })

  it('refuses dims that are missing or not whole', async () => {
    const gpu = await freshDevice()
    for (const dims of [{}, { batch: -1 }, { batch: 1.5 }, { batch: 2 ** 53 }, { batch: Number.NaN }] as Record<
      string,
      number
    >[])
      expect(await caught(openSession(affine, gpu, { dims, entries: ['infer'] }))).toBeInstanceOf(DimError)
    expect(await caught(openSession(affine, gpu, { dims: { batch: 2 ** 52 }, entries: ['infer'] }))).toBeInstanceOf(
      DimError,
    )
    gpu.dispose()
  })

  it('refuses kernels that the adapter cannot run', async () => {
    const gpu = await freshDevice()
    const options = { dims: { batch: 8 }, entries: ['infer'] }
    expect(
      String(await caught(openSession(affine, limited(gpu, { maxComputeInvocationsPerWorkgroup: 32 }), options))),
    ).toMatch(/affine has 64 lanes/)
    const needy = {
      ...affine,
      pipelines: affine.pipelines.map((p) => ({ ...p, features: ['no-such-feature' as 'subgroups'] })),
    }
    expect(await caught(openSession(needy, gpu, options))).toBeInstanceOf(UnsupportedError)
    gpu.dispose()
  })
})
