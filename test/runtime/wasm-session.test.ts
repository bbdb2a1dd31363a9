/** Sessions of the device `wasm`, on programs assembled by hand: by the host alone, and by threads. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DeviceError, DeviceLostError, DimError, DisposedError, OutOfMemoryError } from '../../runtime/errors.ts'
import { providePlatform } from '../../runtime/node/platform.ts'
import { platform } from '../../runtime/platform.ts'
import { evaluate } from '../../runtime/size.ts'
import { wasmDevice } from '../../runtime/wasm/device.ts'
import { affine } from './programs.ts'
import { wasmAffine, wasmAffineAlone, wasmCounting, wasmTrap } from './wasm-programs.ts'

providePlatform()
const ramp = (length: number) => Float32Array.from({ length }, (_, i) => i / 4 - 1)
const w = new Float32Array([1, 2, -3])
const c = [10, 20, 30]

describe.each([
  [1, true],
  [2, true],
  [3, true],
  [3, false],
])('with %i threads, of which the host may be one: %s', (threads, waits) => {
  const device = wasmDevice({ threads })
  beforeAll(() => {
    platform().waits = waits
  })
  afterAll(() => {
    platform().waits = true
  })

  it.each([wasmAffine, wasmAffineAlone])('runs an entry', async (program) => {
    const session = await device.open(program, { dims: { batch: 777 }, entries: ['infer'] })
    const x = ramp(3 * 777)
    session.write('w', w)
    for (const shift of [0, 1]) {
      const shifted = x.map((v) => v + shift)
      session.write('x', shifted)
      await session.run('infer')
      expect(await session.read('y')).toEqual(shifted.map((v, i) => w[i % 3]! * v + c[i % 3]!))
      expect(await session.read('x')).toEqual(shifted)
    }
    session.dispose()
  })

  it('trains: scalars, step values, updates in place, moments with their first value', async () => {
    const session = await device.open(wasmAffine, { dims: { batch: 2 }, entries: ['step', 'infer'] })
    session.write('w', w)
    session.write('x', new Float32Array(6).fill(1))
    expect(await session.read('moment.m')).toEqual(new Float32Array([2, 2, 2]))
    const first = await session.run('step', { rate: 0.25, seed: 1 })
    const second = await session.run('step', { rate: 0.5 })
    const losses = [w, w.map((v) => v - 0.5)].map((at) => at.reduce((sum, v) => sum + 2 * v * v, 0))
    expect(await session.scalars()).toEqual([
      { ticket: first, values: { loss: losses[0] } },
      { ticket: second, values: { loss: losses[1] } },
    ])
    expect(await session.scalars()).toEqual([])
    expect(await session.read('w')).toEqual(w.map((v) => v - 1.5))
    session.dispose()
  })

  it('does everything in the order in which it was asked for, awaited or not', async () => {
    const session = await device.open(wasmAffine, { dims: { batch: 500 }, entries: ['step'] })
    const waited: Promise<unknown>[] = []
    const expected: number[] = []
    const read: (readonly [Promise<unknown>, number])[] = []
    let weight = 0
    for (let run = 0; run < 40; run++) {
      const x = new Float32Array(1500).fill(run % 3)
      session.write('x', x)
      if (run % 7 === 3) {
        session.write('w', new Float32Array(3).fill(run % 5))
        weight = run % 5
      }
      expected.push(1500 * ((run % 3) * weight) ** 2)
      waited.push(session.run('step', { rate: 0.5 }))
      weight -= 1
      if (run % 5 === 0) read.push([session.read('w').then((values) => values[0]), weight])
      if (run % 6 === 0) waited.push(session.read('x').then((values) => expect(values[7]).toBe(run % 3)))
    }
    const rows = await session.scalars()
    expect(rows.map(({ values }) => values.loss)).toEqual(expected)
    await Promise.all(waited)
    for (const [value, right] of read) expect(await value).toBe(right)
    session.dispose()
  })

  it('keeps the scalars of more runs than its ring has rows', async () => {
    const session = await device.open(wasmAffine, { dims: { batch: 1 }, entries: ['step'] })
    session.write('w', w)
    session.write('x', new Float32Array([1, 0, 0]))
    const expected: number[] = []
    for (let run = 0; run < 600; run++) {
      expected.push((1 - run) ** 2)
      await session.run('step', { rate: 0.5 })
    }
    const rows = await session.scalars()
    expect(rows.map((r) => r.values.loss)).toEqual(expected)
    expect(rows.map((r) => r.ticket)).toEqual(expected.map((_, i) => i + 1))
    session.dispose()
  })

  it('runs an entry under further dims, in the same memory', async () => {
    for (const [own, further] of [
      [8, 3],
      [8, 5000],
    ] as const) {
      const session = await device.open(wasmAffine, {
        dims: { batch: own },
        entries: ['infer'],
        variants: [{ entry: 'infer', dims: { batch: further } }],
      })
      session.write('w', w)
      const x = ramp(3 * further)
      session.write('x', x, { batch: further })
      await session.run('infer', {}, { batch: further })
      expect(await session.read('y', { batch: further })).toEqual(x.map((v, i) => w[i % 3]! * v + c[i % 3]!))
      await expect(session.run('infer', {}, { batch: 4 })).rejects.toThrow(DimError)
      session.dispose()
    }
  })

  it('runs on nothing', async () => {
    const session = await device.open(wasmAffine, { dims: { batch: 0 }, entries: ['infer', 'step'] })
    session.write('x', new Float32Array(0))
    await session.run('infer')
    await session.run('step')
    expect(await session.read('y')).toEqual(new Float32Array(0))
    expect((await session.scalars())[0]!.values.loss).toBe(0)
    session.dispose()
  })

  it('shares many groups', async () => {
    const session = await device.open(wasmCounting, { dims: { n: 1_000_003 }, entries: ['infer'] })
    await session.run('infer')
    const y = await session.read('y')
    let wrong = 0
    for (let i = 0; i < y.length; i++) if (y[i] !== i) wrong++
    expect(wrong).toBe(0)
    session.dispose()
  })

  it('takes exactly the certified bytes, and the work space of its threads', async () => {
    for (const batch of [5, 30_000])
      for (const [program, space] of [
        [wasmAffine, 65_536],
        [wasmAffineAlone, 0],
      ] as const) {
        const session = await device.open(program, { dims: { batch }, entries: ['step'] })
        expect(session.allocatedBytes).toBe(evaluate(program.footprint.training!.bytes, { batch }) + threads * space)
        session.dispose()
      }
  })

  it('overwrites intermediates before each run when a test asks for it', async () => {
    const session = await device.open(wasmAffine, { dims: { batch: 5 }, entries: ['step'], poison: true })
    session.write('w', w)
    session.write('x', ramp(15))
    await session.run('step', { rate: 0 })
    await session.run('step', { rate: 0 })
    const [a, b] = await session.scalars()
    expect(a!.values.loss).toBeGreaterThan(0)
    expect(b!.values.loss).toBe(a!.values.loss)
    session.dispose()
  })

  it('says what failed when a kernel does', async () => {
    const session = await device.open(wasmTrap, { dims: { n: 1000 }, entries: ['infer'] })
    const fails = session.run('infer').then(() => session.read('y'))
    await expect(fails).rejects.toThrow(threads === 1 ? DeviceError : DeviceLostError)
    await expect(fails).rejects.toThrow(/unreachable/)
    if (threads > 1) await expect(session.run('infer')).rejects.toThrow(DeviceLostError)
    // With one thread the session goes on, and what waits for the run that failed does not wait for ever.
    else expect((await session.read('y')).length).toBe(1000)
    session.dispose()
  })

  it('can be disposed of while it works', async () => {
    const session = await device.open(wasmAffine, { dims: { batch: 100_000 }, entries: ['infer', 'step'] })
    session.write('x', ramp(300_000))
    const asked = [session.run('step'), session.run('step'), session.run('step'), session.read('w'), session.scalars()]
    session.dispose()
    session.dispose()
    for (const { status, reason } of (await Promise.allSettled(asked)) as PromiseRejectedResult[])
      if (status === 'rejected') expect(reason).toBeInstanceOf(DisposedError)
    expect(() => session.write('x', ramp(6))).toThrow(DisposedError)
    await expect(session.run('infer')).rejects.toThrow(DisposedError)
  })

  it('is refused where it does not fit, with the largest batch that does', async () => {
    const small = wasmDevice({ threads, memory: 2 ** 20 + 300_000 })
    const at = (batch: number) => small.open(wasmAffine, { dims: { batch }, entries: ['step'] })
    const error = await at(1e6).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(OutOfMemoryError)
    const { value } = (error as OutOfMemoryError).largest!
    await expect(at(value + 1)).rejects.toThrow(OutOfMemoryError)
    const session = await at(value)
    session.dispose()
  })
})

it('refuses a program that has no code for it', async () => {
  await expect(wasmDevice({ threads: 1 }).open(affine, { dims: { batch: 1 }, entries: ['infer'] })).rejects.toThrow(
    /DLM0702: Affine has no WebAssembly code/,
  )
})
