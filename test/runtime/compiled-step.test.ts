/** From graphs to a trained network: every pass, the session and the reference interpreter together. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compile } from '../../compiler/pipeline.ts'
import { openReference } from '../../compiler/reference/executor.ts'
import type { Device } from '../../runtime/device.ts'
import type { Executor } from '../../runtime/executor.ts'
import { initialValues } from '../../runtime/initialize.ts'
import { providePlatform } from '../../runtime/node/platform.ts'
import { openSession } from '../../runtime/session.ts'
import { evaluate } from '../../runtime/size.ts'
import { wasmDevice } from '../../runtime/wasm/device.ts'
import { faultyDevice, freshDevice } from './open.ts'
import { smallNetwork, train } from './small-network.ts'

providePlatform()
const entries = ['step', 'evaluate', 'infer', 'gradients'] as const
const compiledFor = (target: 'cpu-class' | 'wasm') =>
  compile(smallNetwork, { model: 'Small', entries, train, target, verify: true })
const compiled = compiledFor('cpu-class')
const { program, simplified } = compiled

const wave = (length: number, from: number) =>
  Float32Array.from({ length }, (_, i) => Math.fround(Math.sin(1.7 * (i + from))))

function start(executor: Executor): void {
  for (const variable of [...program.parameters, ...program.states])
    executor.write(variable.path, initialValues(variable, 7))
}
async function steps(executor: Executor, count: number, batch: number): Promise<void> {
  for (let step = 1; step <= count; step++) {
    const x = wave(batch * 5, 100 * step)
    executor.write('x', x)
    executor.write(
      'label',
      Int32Array.from({ length: batch }, (_, i) => (x[5 * i]! > 0.3 ? 2 : x[5 * i + 1]! > 0 ? 1 : 0)),
    )
    await executor.run('step', { seed: 3, counter: step, step, 'rate.0': 0.1, 'rate.1': 0.01, rate: 0.1 })
  }
}

function expectClose(got: ArrayLike<number>, exact: ArrayLike<number>, tolerance: number): void {
  expect(got.length).toBe(exact.length)
  let worst = 0
  for (let i = 0; i < got.length; i++)
    worst = Math.max(worst, Math.abs(got[i]! - exact[i]!) / (1 + Math.abs(exact[i]!)))
  expect(worst).toBeLessThanOrEqual(tolerance)
}

describe.each(['the adapter', 'the processor'])('a compiled network on %s', (place) => {
  const wasm = place === 'the processor'
  const { program } = wasm ? compiledFor('wasm') : compiled
  let device: Device
  beforeAll(async () => {
    device = wasm ? wasmDevice({ threads: 2 }) : await freshDevice()
  })
  afterAll(() => device.dispose())

  const open = (batch: number, poison = false) => device.open(program, { dims: { batch }, entries, poison })
  const reference = (batch: number) =>
    openReference(simplified, program, {
      dims: { batch },
      entries,
      precision: 'float64',
      description: { kind: 'reference', name: 'reference' },
    })

  it.each([1, 4, 37])('trains as the float64 reference does, at batch %i', async (batch) => {
    const [device, exact] = [await open(batch, true), await reference(batch)]
    for (const executor of [device, exact]) {
      start(executor)
      await steps(executor, 12, batch)
    }
    const [got, wanted] = [await device.scalars(), await exact.scalars()]
    expect(got.map((r) => r.ticket)).toEqual(wanted.map((r) => r.ticket))
    for (const name of ['loss', 'accuracy', 'gradient_norm'])
      expectClose(
        got.map((r) => r.values[name]!),
        wanted.map((r) => r.values[name]!),
        1e-4,
      )
    for (const name of [
      ...program.tensors.filter((t) => ['parameter', 'state', 'moment'].includes(t.role)).map((t) => t.name),
    ])
      expectClose(await device.read(name), await exact.read(name), 1e-4)
    for (const executor of [device, exact]) executor.dispose()
  })

  it('gives outputs and every gradient', async () => {
    const [device, exact] = [await open(5), await reference(5)]
    for (const executor of [device, exact]) {
      start(executor)
      executor.write('x', wave(25, 3))
      executor.write('label', new Int32Array([0, 1, 2, 1, 0]))
      await executor.run('gradients')
    }
    const { outputs } = program.entries.find((e) => e.name === 'gradients')!
    expect(outputs).toEqual(
      expect.arrayContaining(['logits', 'loss', 'grad.w1', 'grad.b1', 'grad.w2', 'grad.b2', 'grad.x']),
    )
    for (const name of outputs) expectClose(await device.read(name), await exact.read(name), 1e-5)
    for (const executor of [device, exact]) executor.dispose()
  })

  it('computes the same bits twice, whatever lies in its intermediates', async () => {
    const bits = async (poison: boolean) => {
      const session = await open(6, poison)
      start(session)
      await steps(session, 8, 6)
      const result = [...(await session.read('w1')), ...(await session.read('w2')), ...(await session.read('running'))]
      session.dispose()
      return result
    }
    const once = await bits(false)
    expect(await bits(false)).toEqual(once)
    expect(await bits(true)).toEqual(once)
  })

  it('drops other elements at every step', async () => {
    const session = await open(16)
    start(session)
    session.write('x', wave(80, 0))
    session.write('label', new Int32Array(16))
    for (let counter = 1; counter <= 3; counter++)
      await session.run('step', { seed: 3, counter, step: 1, rate: 0, 'rate.0': 0, 'rate.1': 0 })
    const losses = (await session.scalars()).map((r) => r.values['loss'])
    expect(new Set(losses).size).toBe(3)
    session.dispose()
  })
})

describe('its certificate', () => {
  it.each([1, 3, 64])('states every byte, at batch %i, and nothing is created after opening', async (batch) => {
    for (const part of [program.footprint.training!, program.footprint.inference]) {
      const { gpu, created, alive } = await faultyDevice()
      const session = await openSession(program, gpu, { dims: { batch }, entries: part.entries })
      expect(session.allocatedBytes).toBe(evaluate(part.bytes, { batch }))
      expect(created.bytes).toBe(session.allocatedBytes)
      const opened = { ...created }
      start(session)
      if (part.entries.includes('step')) await steps(session, 3, batch)
      else await session.run(part.entries[0]!)
      await session.scalars()
      expect(created).toEqual(opened)
      session.dispose()
      expect(alive.size).toBe(0)
      gpu.dispose()
    }
  })
})
