/** A session when creation fails, the device is lost or reports errors: a typed error, and nothing left behind. */
import { describe, expect, it, vi } from 'vitest'
import { DeviceError, DeviceLostError, DisposedError, OutOfMemoryError } from '../../runtime/errors.ts'
import { openSession } from '../../runtime/session.ts'
import { collectGarbage } from './garbage.ts'
import { faultyDevice } from './open.ts'
import { affine } from './programs.ts'

const options = { dims: { batch: 4 }, entries: ['step', 'infer'] }
const caught = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

describe('a session', () => {
  it('leaves no buffer when the N-th cannot be created, for every N', async () => {
    const clean = await faultyDevice()
    ;(await openSession(affine, clean.gpu, options)).dispose()
    const count = clean.created.buffers
    clean.gpu.dispose()
    expect(count).toBeGreaterThan(5)
    for (let at = 1; at <= count; at++)
      for (const how of ['throw', 'out-of-memory'] as const) {
        const { gpu, alive } = await faultyDevice({ buffer: { at, how } })
        const error = await caught(openSession(affine, gpu, options))
        if (how === 'out-of-memory') expect(error).toBeInstanceOf(OutOfMemoryError)
        else expect(error).toBeInstanceOf(RangeError)
        expect(alive.size).toBe(0)
        gpu.dispose()
      }
  })

  it('leaves no buffer when the N-th pipeline does not compile, and names the kernel', async () => {
    for (let pipeline = 1; pipeline <= 4; pipeline++) {
      const { gpu, alive } = await faultyDevice({ pipeline })
      const error = await caught(openSession(affine, gpu, options))
      expect(error).toBeInstanceOf(DeviceError)
      expect(String(error)).toMatch(/the kernel (affine|square|sum|update) does not compile/)
      expect(alive.size).toBe(0)
      gpu.dispose()
    }
  })

  it('shows where a kernel is wrong', async () => {
    const { gpu } = await faultyDevice()
    const broken = { ...affine, pipelines: affine.pipelines.map((p) => ({ ...p, wgsl: `${p.wgsl}\nnonsense` })) }
    expect(String(await caught(openSession(broken, gpu, options)))).toMatch(
      /the kernel \w+ does not compile: [\s\S]*\d+:\d+ /,
    )
    // The fault was this program's, not the device's.
    ;(await openSession(affine, gpu, options)).dispose()
    gpu.dispose()
  })

  it('says that the device was lost, wherever it is used', async () => {
    const { gpu, lose, alive } = await faultyDevice()
    const session = await openSession(affine, gpu, options)
    await session.run('step', { rate: 1 })
    lose('pulled out')
    expect(await session.lost).toBe('pulled out')
    expect(() => session.write('w', new Float32Array(3))).toThrow(DeviceLostError)
    for (const use of [session.run('step'), session.scalars(), session.read('w')])
      expect(await caught(use)).toBeInstanceOf(DeviceLostError)
    expect(await caught(openSession(affine, gpu, options))).toBeInstanceOf(DeviceLostError)
    session.dispose()
    expect(alive.size).toBe(0)
    gpu.dispose()
  })

  it('says so in the midst of a read', async () => {
    const { gpu, lose } = await faultyDevice()
    const session = await openSession(affine, gpu, options)
    const reading = caught(
      session
        .read('w')
        .then(() => session.read('w'))
        .then(() => session.read('w')),
    )
    lose('pulled out')
    expect(await reading).toBeInstanceOf(DeviceLostError)
    session.dispose()
    gpu.dispose()
  })

  it('fails at its next use after the device reported an error', async () => {
    const { gpu } = await faultyDevice()
    const session = await openSession(affine, gpu, options)
    gpu.device.createBindGroupLayout({ entries: [0, 0].map((binding) => ({ binding, visibility: 4, buffer: {} })) })
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await caught(session.run('infer'))).toBeInstanceOf(DeviceError)
    session.dispose()
    gpu.dispose()
  })

  it('ends a read that is on its way when it is disposed of', async () => {
    const { gpu } = await faultyDevice()
    const session = await openSession(affine, gpu, options)
    const reading = caught(session.read('w'))
    session.dispose()
    expect(await reading).toBeInstanceOf(DisposedError)
    gpu.dispose()
  })

  it('is freed when it is dropped without dispose, and that is said', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    const { gpu, alive } = await faultyDevice()
    await (async () => {
      const session = await openSession(affine, gpu, options)
      await session.run('infer')
      await session.read('y')
    })()
    for (let i = 0; i < 50 && alive.size > 0; i++) await collectGarbage()
    expect(alive.size).toBe(0)
    expect(warn).toHaveBeenCalledWith(expect.stringMatching(/a session of Affine was dropped without dispose/))
    warn.mockRestore()
    gpu.dispose()
  })

  it('survives garbage collections while it works', async () => {
    const { gpu } = await faultyDevice()
    const session = await openSession(affine, gpu, options)
    session.write('x', new Float32Array(12).fill(1))
    for (let i = 0; i < 5; i++) {
      await session.run('infer')
      await collectGarbage()
    }
    expect((await session.read('y'))[0]).toBe(10)
    session.dispose()
    gpu.dispose()
  })
})
