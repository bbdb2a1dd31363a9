/**
 * Every model of models/ as WebAssembly, compiled once: outputs, losses and what steps of training leave are the same bits
 * with 1, 2 and 4 threads and from run to run; they are what the float64 reference computes; memory is what is certified;
 * and a number that is none is noticed in the step that meets it.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { type Compilation, compile } from '../../compiler/pipeline.ts'
import { openReference } from '../../compiler/reference/executor.ts'
import type { CompiledProgram } from '../../runtime/abi.ts'
import { collectScalars } from '../../runtime/collector.ts'
import { NotANumberError } from '../../runtime/errors.ts'
import type { Executor, OpenOptions, TensorData } from '../../runtime/executor.ts'
import { providePlatform } from '../../runtime/node/platform.ts'
import { openByWall } from '../../runtime/profile/by-wall.ts'
import { schedule } from '../../runtime/schedule.ts'
import { evaluate } from '../../runtime/size.ts'
import { stepValues } from '../../runtime/step-values.ts'
import { initialize } from '../../runtime/variables.ts'
import { wasmDevice } from '../../runtime/wasm/device.ts'
import { threadBytes } from '../../runtime/wasm/layout.ts'
import { drawPorts, type EveryModel, everyModel, smallDims } from '../models/every-model.ts'

providePlatform()
const seed = 5
const batch = 3
const steps = 3

describe.each(everyModel().map((each) => [each.title, each] as const))('%s', (_, each) => {
  const { train, graph } = each
  const dims = Object.fromEntries(smallDims(each, batch))
  const entries = [
    'infer',
    ...(graph.loss ? (['gradients', 'evaluate'] as const) : []),
    ...(train ? (['step'] as const) : []),
  ] as const
  let compiled: Compilation
  beforeAll(() => {
    const shared = {
      model: each.model,
      ...(train && { arguments: train.model.arguments, train }),
      target: 'wasm' as const,
    }
    compiled = compile(each.program, { ...shared, entries, verify: true })
  })
  const open = (threads: number, poison = false) =>
    wasmDevice({ threads }).open(compiled.program, { dims, entries: [...entries], poison })

  it('computes the same bits with 1, 2 and 4 threads, and again', async () => {
    const seen: Map<string, string>[] = []
    for (const [threads, poison] of [
      [1, false],
      [2, false],
      [4, true],
      [2, true],
    ] as const) {
      const session = await open(threads, poison)
      seen.push(new Map([...(await work(session, each))].map(([name, data]) => [name, bits(data)])))
      session.dispose()
    }
    const [first, ...others] = seen
    expect(first!.size).toBeGreaterThan(0)
    for (const other of others) expect(other).toEqual(first)
  })

  it('computes what the float64 reference computes', async () => {
    const { simplified, program } = compiled
    const description = { kind: 'reference', name: 'reference' } as const
    const exact = await openReference(simplified, program, { dims, entries, precision: 'float64', description })
    const session = await open(2)
    const [expected, given] = [await once(exact, each), await once(session, each)]
    expect([...given.keys()]).toEqual([...expected.keys()])
    for (const [name, values] of expected) expect(error(given.get(name)!, values), name).toBeLessThan(1e-4)
    for (const executor of [exact, session]) executor.dispose()
  })

  it('takes what is certified, and the work space of its threads', async () => {
    const { footprint } = compiled.program
    for (const part of [footprint.inference, ...(footprint.training ? [footprint.training] : [])])
      for (const [threads, rows] of [
        [1, 1],
        [2, 7],
      ] as const) {
        const sizes = { ...dims, batch: rows }
        const session = await wasmDevice({ threads }).open(compiled.program, { dims: sizes, entries: part.entries })
        expect(session.allocatedBytes).toBe(evaluate(part.bytes, sizes) + threads * threadBytes(compiled.program))
        session.dispose()
      }
  })

  it('is profiled dispatch by dispatch', async () => {
    const entry = compiled.program.entries.at(-1)!
    const open = (program: CompiledProgram, options: OpenOptions) => wasmDevice({ threads: 2 }).open(program, options)
    const { executor, time } = await openByWall(compiled.program, open, { dims, entries: [entry.name] })
    initialize(executor, seed)
    begin(executor, each, 1)
    const times = await time({})
    expect(times.map(({ dispatch }) => dispatch)).toEqual(entry.dispatches)
    for (const { milliseconds } of times) expect(milliseconds).toBeGreaterThanOrEqual(0)
    executor.dispose()
  })

  if (train)
    it('notices a parameter that is no number in the step that meets it', async () => {
      const session = await open(1)
      const { parameters } = compiled.program
      const missed: string[] = []
      for (const { path, trainable } of parameters.filter(({ dtype }) => dtype === 'float')) {
        initialize(session, seed)
        const values = (await session.read(path)).fill(Number.NaN)
        session.write(path, values)
        begin(session, each, 1)
        const collector = collectScalars<number>(session, 10, (step) => step)
        collector.add(await runStep(session, each, 1), 1)
        const noticed = await collector.flush().then(
          () => false,
          (error: unknown) => error instanceof NotANumberError && /step 1\b/.test(error.message),
        )
        if (!noticed && trainable) missed.push(path)
      }
      expect(missed).toEqual([])
      session.dispose()
    })
})

/** The greatest error, relative to 1 + |value|. */
const error = (given: ArrayLike<number>, expected: ArrayLike<number>) =>
  Array.from(expected).reduce((worst, x, i) => {
    const error = Math.abs(x - given[i]!) / (1 + Math.abs(x))
    return error <= worst ? worst : error
  }, 0)

const bits = (data: ArrayLike<number>) => {
  const { buffer, byteOffset, byteLength } = data as TensorData
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString('base64')
}

function begin(executor: Executor, each: EveryModel, at: number): void {
  const dims = new Map(Object.entries(executor.dims))
  const wanted = new Set(executor.program.tensors.map(({ name }) => name))
  for (const [name, { data }] of drawPorts([...each.graph.inputs, ...each.graph.targets], dims, at))
    if (wanted.has(name)) executor.write(name, data)
}
const runStep = (executor: Executor, { train }: EveryModel, step: number) => {
  const rates = [train!.optimizer.rate, ...train!.optimizer.overrides.map((o) => o.rate)].map(schedule)
  return executor.run('step', stepValues(executor.program.stepBlock, seed, step, rates))
}

/** What inference gives, the loss and metrics, or gradients; by entry and name. */
async function once(executor: Executor, each: EveryModel): Promise<Map<string, ArrayLike<number>>> {
  initialize(executor, seed)
  begin(executor, each, 1)
  const seen = new Map<string, ArrayLike<number>>()
  for (const { name: entry, outputs } of executor.program.entries.filter(({ name }) => name !== 'step')) {
    await executor.run(entry)
    for (const name of outputs) seen.set(`${entry} ${name}`, await executor.read(name))
  }
  await executor.scalars()
  return seen
}

/** The same, and what a few steps give and leave. */
async function work(executor: Executor, each: EveryModel): Promise<Map<string, ArrayLike<number>>> {
  const seen = await once(executor, each)
  if (!each.train) return seen
  for (let step = 1; step <= steps; step++) {
    begin(executor, each, step)
    await runStep(executor, each, step)
  }
  for (const { ticket, values } of await executor.scalars())
    for (const [name, value] of Object.entries(values)) seen.set(`step ${ticket} ${name}`, Float32Array.of(value))
  for (const { name, role } of executor.program.tensors)
    if (['parameter', 'state', 'moment'].includes(role)) seen.set(name, await executor.read(name))
  return seen
}
