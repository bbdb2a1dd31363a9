import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GpuDevice } from '../../runtime/device.ts'
import { DimError, DisposedError, NameError, ShapeError } from '../../runtime/errors.ts'
import { openSession } from '../../runtime/session.ts'
import { evaluate } from '../../runtime/size.ts'
import { faultyDevice, freshDevice } from './open.ts'
import { affine, counting } from './programs.ts'

const ramp = (length: number) => Float32Array.from({ length }, (_, i) => i / 4 - 1)
const w = new Float32Array([1, 2, -3])
const c = [10, 20, 30]

describe('a session', () => {
  let gpu: GpuDevice
  beforeAll(async () => {
    gpu = await freshDevice()
  })
  afterAll(() => gpu.dispose())

  it('runs an entry', async () => {
    const session = await openSession(affine, gpu, { dims: { batch: 7 }, entries: ['infer'] })
    const x = ramp(21)
    session.write('w', w)
    session.write('x', x)
    await session.run('infer')
    expect(await session.read('y')).toEqual(x.map((v, i) => w[i % 3]! * v + c[i % 3]!))
    session.dispose()
  })

  it('trains: scalars, step values, updates in place, moments with their first value', async () => {
    const session = await openSession(affine, gpu, { dims: { batch: 2 }, entries: ['step', 'infer'] })
    session.write('w', w)
    session.write('x', new Float32Array(6).fill(1))
    expect(await session.read('moment.m')).toEqual(new Float32Array([2, 2, 2]))
    const first = await session.run('step', { rate: 0.25, seed: 1 })
    const second = await session.run('step', { rate: 0.5 })
    // w falls by rate · 2 after each loss.
    const losses = [w, w.map((v) => v - 0.5)].map((at) => at.reduce((sum, v) => sum + 2 * v * v, 0))
    expect(await session.scalars()).toEqual([
      { ticket: first, values: { loss: losses[0] } },
      { ticket: second, values: { loss: losses[1] } },
    ])
    expect(await session.scalars()).toEqual([])
    expect(await session.read('w')).toEqual(w.map((v) => v - 1.5))
    session.dispose()
  })

  it('keeps the scalars of more runs than its ring has rows', async () => {
    const session = await openSession(affine, gpu, { dims: { batch: 1 }, entries: ['step'] })
    session.write('w', w)
    session.write('x', new Float32Array([1, 0, 0]))
    const expected: number[] = []
    for (let run = 0; run < 600; run++) {
      expected.push((1 - run) ** 2)
      await session.run('step', { rate: 0.5 })
    }
    const rows = await session.scalars()
    expect(rows.map((r) => r.values['loss'])).toEqual(expected)
    expect(rows.map((r) => r.ticket)).toEqual(expected.map((_, i) => i + 1))
    session.dispose()
  })

  it('runs an entry under further dims, in the same memory', async () => {
    const session = await openSession(affine, gpu, {
      dims: { batch: 8 },
      entries: ['infer'],
      variants: [{ entry: 'infer', dims: { batch: 3 } }],
    })
    session.write('w', w)
    const x = ramp(9)
    session.write('x', x, { batch: 3 })
    await session.run('infer', {}, { batch: 3 })
    expect(await session.read('y', { batch: 3 })).toEqual(x.map((v, i) => w[i % 3]! * v + c[i % 3]!))
    expect(session.allocatedBytes).toBe(evaluate(affine.footprint.inference.bytes, { batch: 8 }))
    await expect(session.run('infer', {}, { batch: 4 })).rejects.toThrow(DimError)
    session.dispose()
  })

  it('takes its arenas by the greatest variant', async () => {
    const session = await openSession(affine, gpu, {
      dims: { batch: 8 },
      entries: ['infer'],
      variants: [{ entry: 'infer', dims: { batch: 500 } }],
    })
    expect(session.allocatedBytes).toBe(evaluate(affine.footprint.inference.bytes, { batch: 500 }))
    session.dispose()
  })

  it('runs on nothing: dispatches without workgroups are left out, empty tensors are bound', async () => {
    const session = await openSession(affine, gpu, { dims: { batch: 0 }, entries: ['infer', 'step'] })
    session.write('x', new Float32Array(0))
    await session.run('infer')
    await session.run('step')
    expect(await session.read('y')).toEqual(new Float32Array(0))
    expect((await session.scalars())[0]!.values['loss']).toBe(0)
    session.dispose()
  })

  it.each([65_535 * 64, 65_535 * 64 + 1, 2 * 65_535 * 64 + 1])('folds the workgroups of %i elements', async (n) => {
    const session = await openSession(counting, gpu, { dims: { n }, entries: ['infer'] })
    await session.run('infer')
    const y = await session.read('y')
    let wrong = 0
    for (let i = 0; i < n; i++) if (y[i] !== i) wrong++
    expect(wrong).toBe(0)
    session.dispose()
  })

  it('overwrites intermediates before each run when a test asks for it', async () => {
    const session = await openSession(affine, gpu, { dims: { batch: 5 }, entries: ['step'], poison: true })
    session.write('w', w)
    session.write('x', ramp(15))
    await session.run('step', { rate: 0 })
    await session.run('step', { rate: 0 })
    const [a, b] = await session.scalars()
    expect(a!.values['loss']).toBeGreaterThan(0)
    expect(b!.values['loss']).toBe(a!.values['loss'])
    session.dispose()
  })

  it('says what a write takes and what it was given', async () => {
    const session = await openSession(affine, gpu, { dims: { batch: 2 }, entries: ['infer'] })
    expect(() => session.write('x', new Float32Array(5))).toThrow(
      new ShapeError('x', 'a Float32Array of 6 (shape [2, 3])', 'a Float32Array of 5'),
    )
    expect(() => session.write('x', new Int32Array(6))).toThrow(ShapeError)
    expect(() => session.write('__proto__', new Float32Array(6))).toThrow(NameError)
    await expect(session.read('z')).rejects.toThrow(/no tensor 'z'; there are w, x/)
    await expect(session.run('step')).rejects.toThrow(NameError)
    session.dispose()
    session.dispose()
    expect(() => session.write('x', new Float32Array(6))).toThrow(DisposedError)
    await expect(session.run('infer')).rejects.toThrow(DisposedError)
    await expect(session.read('y')).rejects.toThrow(DisposedError)
  })

  it('reads a tensor larger than its readback buffer', async () => {
    const session = await openSession(affine, gpu, { dims: { batch: 200_000 }, entries: ['infer'] })
    const x = Float32Array.from({ length: 600_000 }, (_, i) => i % 1013)
    session.write('x', x)
    expect(await session.read('x')).toEqual(x)
    session.dispose()
  })
})

describe('opening', () => {
  it('creates exactly the certified bytes, and nothing afterwards', async () => {
    for (const batch of [1, 5, 64, 1000]) {
      const { gpu, created, alive } = await faultyDevice()
      const session = await openSession(affine, gpu, { dims: { batch }, entries: ['step'] })
      expect(session.allocatedBytes).toBe(evaluate(affine.footprint.training!.bytes, { batch }))
      expect(created.bytes).toBe(session.allocatedBytes)
      const opened = { ...created }
      for (let i = 0; i < 20; i++) {
        session.write('x', new Float32Array(3 * batch))
        await session.run('step', { rate: 0.1, seed: i })
      }
      await session.scalars()
      await session.read('w')
      expect(created).toEqual(opened)
      session.dispose()
      expect(alive.size).toBe(0)
      gpu.dispose()
    }
  })

  it('compiles equal pipelines once and tells how far it is', async () => {
    const { gpu, created } = await faultyDevice()
    const twice = { ...affine, pipelines: [...affine.pipelines, affine.pipelines[0]!] }
    const entries = affine.entries.map((e) =>
      e.name === 'infer' ? { ...e, dispatches: [e.dispatches[0]!, { ...e.dispatches[0]!, pipeline: 4 }] } : e,
    )
    const progress: string[] = []
    const session = await openSession({ ...twice, entries }, gpu, {
      dims: { batch: 4 },
      entries: ['infer', 'step'],
      onProgress: (done, total, what) => progress.push(`${done}/${total} ${what}`),
    })
    expect(created.pipelines).toBe(4)
    expect(progress.map((p) => p.split(' ')[0])).toEqual(['1/4', '2/4', '3/4', '4/4'])
    session.dispose()
    gpu.dispose()
  })
})
