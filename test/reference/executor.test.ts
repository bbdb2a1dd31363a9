/** The interpreter as a device: what a session keeps, what a run gives, and what it refuses. */
import { describe, expect, it } from 'vitest'
import { symbol } from '../../compiler/ir/dim.ts'
import { GraphBuilder } from '../../compiler/ops/builder.ts'
import { compile } from '../../compiler/pipeline.ts'
import type { OptimizerGraph } from '../../compiler/program.ts'
import { openReference } from '../../compiler/reference/executor.ts'
import type { Executor } from '../../runtime/executor.ts'
import { initialValues } from '../../runtime/initialize.ts'
import { smallNetwork, train } from '../runtime/small-network.ts'

const entries = ['step', 'evaluate', 'infer', 'gradients'] as const
const { program, simplified, lowered } = compile(smallNetwork, { model: 'Small', entries, train, verify: true })
const description = { kind: 'reference', name: 'reference' } as const

function open(precision: 'float64' | 'float32', graphs = simplified, batch = 6): Promise<Executor> {
  return openReference(graphs, program, {
    dims: { batch },
    entries,
    precision,
    description,
    variants: [{ entry: 'evaluate', dims: { batch: 2 } }],
  })
}
function start(executor: Executor): void {
  for (const variable of [...program.parameters, ...program.states])
    executor.write(variable.path, initialValues(variable, 7))
}
function feed(executor: Executor, step: number, batch = 6, dims?: { batch: number }): void {
  const x = Float32Array.from({ length: batch * 5 }, (_, i) => Math.sin(1.7 * (i + 100 * step)))
  executor.write('x', x, dims)
  executor.write(
    'label',
    Int32Array.from({ length: batch }, (_, i) => (x[5 * i]! > 0.3 ? 2 : x[5 * i + 1]! > 0 ? 1 : 0)),
    dims,
  )
}
async function steps(executor: Executor, from: number, to: number): Promise<readonly number[]> {
  for (let step = from; step <= to; step++) {
    feed(executor, step)
    await executor.run('step', { seed: 3, counter: step, step, 'rate.0': 0.1, 'rate.1': 0.01 })
  }
  return (await executor.scalars()).map(({ values }) => values.loss!)
}
const kept = program.tensors
  .filter(({ role }) => ['parameter', 'state', 'moment'].includes(role))
  .map(({ name }) => name)

describe('the reference executor', () => {
  it('learns, in both precisions and with or without simplification alike', async () => {
    const [exact, single, plain] = [await open('float64'), await open('float32'), await open('float64', lowered)]
    const losses: (readonly number[])[] = []
    for (const executor of [exact, single, plain]) {
      start(executor)
      losses.push(await steps(executor, 1, 40))
    }
    const mean = (list: readonly number[]) => list.reduce((a, b) => a + b) / list.length
    expect(mean(losses[0]!.slice(-10))).toBeLessThan(0.8 * mean(losses[0]!.slice(0, 10)))
    for (const [i, loss] of losses[0]!.entries()) {
      expect(Math.abs(losses[1]![i]! - loss)).toBeLessThan(1e-4 * (1 + loss))
      expect(Math.abs(losses[2]![i]! - loss)).toBeLessThan(1e-10 * (1 + loss))
    }
  })
  it('goes on from what it kept: a run interrupted and restored is the undisturbed one, bit for bit', async () => {
    const [whole, first, second] = [await open('float32'), await open('float32'), await open('float32')]
    start(whole)
    start(first)
    const undisturbed = await steps(whole, 1, 8)
    const before = await steps(first, 1, 4)
    for (const name of kept) second.write(name, await first.read(name))
    expect([...before, ...(await steps(second, 5, 8))]).toEqual(undisturbed)
    for (const name of kept) expect(await second.read(name)).toEqual(await whole.read(name))
  })
  it('gives outputs, scalars by run and gradients of what is asked', async () => {
    const executor = await open('float64')
    start(executor)
    feed(executor, 1)
    expect([await executor.run('infer'), await executor.run('gradients'), await executor.run('evaluate')]).toEqual([
      1, 2, 3,
    ])
    const rows = await executor.scalars()
    expect(rows.map(({ ticket, values }) => [ticket, Object.keys(values).sort()])).toEqual([
      [1, []],
      [2, ['accuracy', 'loss']],
      [3, ['accuracy', 'loss']],
    ])
    expect(rows[1]!.values).toEqual(rows[2]!.values)
    expect(await executor.scalars()).toEqual([])
    await executor.run('gradients')
    const gradient = await executor.read('grad.w2')
    expect(gradient).toBeInstanceOf(Float32Array)
    // Softmax's gradient sums to zero over the classes.
    for (let row = 0; row < 7; row++)
      expect(Math.abs(gradient[3 * row]! + gradient[3 * row + 1]! + gradient[3 * row + 2]!)).toBeLessThan(1e-6)
  })
  it('evaluates a smaller batch that it was opened for', async () => {
    const [large, small] = [await open('float64'), await open('float64', simplified, 2)]
    for (const executor of [large, small]) start(executor)
    feed(large, 1)
    feed(large, 2, 2, { batch: 2 })
    feed(small, 2, 2)
    await large.run('evaluate', {}, { batch: 2 })
    await small.run('evaluate')
    expect((await large.scalars())[0]!.values).toEqual((await small.scalars())[0]!.values)
  })
  it('refuses what it has not: names, lengths, entries, dims, and all after dispose', async () => {
    const executor = await open('float64')
    expect(() => executor.write('nothing', new Float32Array(1))).toThrow(/DLM0708/)
    expect(() => executor.write('x', new Float32Array(7))).toThrow(/DLM0706/)
    expect(() => executor.write('label', new Float32Array(6))).toThrow(/DLM0706/)
    await expect(executor.read('nothing')).rejects.toThrow(/DLM0708/)
    await expect(executor.run('nothing')).rejects.toThrow(/DLM0708/)
    await expect(executor.run('evaluate', {}, { batch: 5 })).rejects.toThrow(/DLM0707/)
    executor.dispose()
    await expect(executor.run('infer')).rejects.toThrow()
  })
  it('gives a moment that keeps the last parameters their old values', async () => {
    const lagging = (): OptimizerGraph => {
      const g = new GraphBuilder()
      const flat = [symbol('N')]
      const [param, grad, last] = [
        g.input('param', flat),
        g.input('grad', flat, 'float', 'gradient'),
        g.input('v', flat, 'float', 'moment'),
      ]
      const [rate, step] = [g.input('rate', [], 'float', 'step'), g.input('step', [], 'float', 'step')]
      return {
        param,
        grad,
        rate,
        step,
        result: g.add(param, 1),
        moments: [{ name: 'v', node: last, next: param, initial: 0 }],
        origins: g.origins,
      }
    }
    const compiled = compile(
      { ...smallNetwork, optimizer: lagging },
      { model: 'Small', entries: ['step'], train, verify: true },
    )
    const executor = await openReference(compiled.simplified, compiled.program, {
      dims: { batch: 6 },
      entries: ['step'],
      precision: 'float64',
      description,
    })
    start(executor)
    const before = await executor.read('w1')
    feed(executor, 1)
    await executor.run('step', { step: 1 })
    expect(await executor.read('w1')).toEqual(before.map((x) => Math.fround(x + 1)))
    const moment = compiled.program.tensors.find(({ role }) => role === 'moment')!
    expect((await executor.read(moment.name)).slice(0, before.length)).toEqual(before)
  })
})
