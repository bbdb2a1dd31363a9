/** A stack as a scan over its layers means what it means written out: values, gradients, states and training. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { check } from '../../compiler/1-check/index.ts'
import { nodesOf } from '../../compiler/ir/graph.ts'
import { type Compilation, compile } from '../../compiler/pipeline.ts'
import { openReference } from '../../compiler/reference/executor.ts'
import type { GpuDevice } from '../../runtime/device.ts'
import type { Executor } from '../../runtime/executor.ts'
import { openSession } from '../../runtime/session.ts'
import { elements } from '../../runtime/size.ts'
import { initialize } from '../../runtime/variables.ts'
import { freshDevice } from '../runtime/open.ts'
import { programs } from './programs.ts'

const entries = ['infer', 'evaluate', 'gradients', 'step'] as const
const rates = { rate: 0.01, 'rate.0': 0.01 }

/** Stacks of more layers than this are scans here; by default deeper ones are. */
const few = 8

function compiled(text: string, unroll: boolean | number): Compilation {
  const program = check({ path: 'stack.dlm', text })
  expect(program.diagnostics.map((d) => d.message)).toEqual([])
  const expose = program.model('M', { training: false }).exposed.map(({ name }) => name)
  return compile(program, {
    model: 'M',
    train: program.trains[0]!,
    entries,
    expose,
    unroll,
    target: 'cpu-class',
    subgroup: 8,
    verify: true,
  })
}

function fill(executor: Executor, step: number): void {
  for (const slot of executor.program.tensors) {
    if (slot.role !== 'input' && slot.role !== 'target') continue
    const size = elements(slot.shape, executor.dims)
    executor.write(
      slot.name,
      slot.dtype === 'float'
        ? Float32Array.from({ length: size }, (_, i) => Math.sin(1.7 * (i + 31 * step)))
        : Int32Array.from({ length: size }, (_, i) => (i * 5 + step * 3) % 4),
    )
  }
}

interface Seen {
  readonly infer: ReadonlyMap<string, ArrayLike<number>>
  readonly gradients: ReadonlyMap<string, ArrayLike<number>>
  readonly losses: readonly number[]
  readonly trained: ReadonlyMap<string, ArrayLike<number>>
}

/** What an executor gives that was opened for some of the entries. */
async function observe(executor: Executor, names: readonly string[], steps: number): Promise<Seen> {
  const { program } = executor
  const readAll = async (names: readonly string[]) =>
    new Map(await Promise.all(names.map(async (name) => [name, await executor.read(name)] as const)))
  const run = async (name: string) => {
    if (!names.includes(name)) return new Map()
    await executor.run(name, { seed: 3, counter: 0 })
    return readAll(program.entries.find((e) => e.name === name)!.outputs)
  }
  initialize(executor, 7)
  fill(executor, 0)
  const infer = await run('infer')
  const gradients = await run('gradients')
  for (let step = 1; step <= steps; step++) {
    fill(executor, step)
    await executor.run('step', { seed: 3, counter: step, step, ...rates })
  }
  const losses = (await executor.scalars()).slice(-steps).map(({ values }) => values['loss']!)
  const trained = await readAll([...program.parameters, ...program.states].map(({ path }) => path))
  executor.dispose()
  return { infer, gradients, losses, trained }
}

function expectAlike(got: Seen, wanted: Seen, tolerance: number): void {
  const worst: Record<string, number> = {}
  const compare = (name: string, a: ArrayLike<number>, b: ArrayLike<number>) => {
    expect(a.length, name).toBe(b.length)
    let most = 0
    for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!) / (1 + Math.abs(b[i]!)))
    if (!(most <= tolerance)) worst[name] = most
  }
  for (const part of ['infer', 'gradients', 'trained'] as const) {
    expect([...got[part].keys()].sort()).toEqual([...wanted[part].keys()].sort())
    for (const [name, values] of wanted[part]) compare(`${part} ${name}`, got[part].get(name)!, values)
  }
  compare('losses', got.losses, wanted.losses)
  expect(worst).toEqual({})
}

let gpu: GpuDevice
beforeAll(async () => {
  gpu = await freshDevice()
})
afterAll(() => gpu.dispose())

describe.each(Object.entries(programs))('%s', (_, { text, dims, scans }) => {
  let folded: Compilation
  let unrolled: Compilation
  beforeAll(() => {
    folded = compiled(text, few)
    unrolled = compiled(text, true)
  })
  const inReference = async ({ simplified, program }: Compilation, names: readonly string[] = entries) =>
    observe(
      await openReference(simplified, program, {
        dims,
        entries: names,
        precision: 'float64',
        description: { kind: 'reference', name: 'reference' },
      }),
      names,
      30,
    )

  it('is folded', () => {
    const count = ({ lowered }: Compilation) =>
      nodesOf(lowered.entries[0]!.phases[0]!.graph.results).filter((n) => n.op === 'scan' && n.attributes.layers).length
    expect(count(folded)).toBe(scans)
    expect(count(unrolled)).toBe(0)
    expect(folded.program.parameters.map(({ path }) => path).sort()).toEqual(
      unrolled.program.parameters.map(({ path }) => path).sort(),
    )
  })

  it('computes and trains alike in the reference', async () => {
    expectAlike(await inReference(folded), await inReference(unrolled), 1e-7)
  })

  // Written out it compiles for minutes on lavapipe: there the reference stands for it.
  it('trains on the device as written out in the reference', { timeout: 300_000 }, async () => {
    const session = await openSession(folded.program, gpu, { dims, entries: ['step'], poison: true })
    expectAlike(await observe(session, ['step'], 30), await inReference(unrolled, ['step']), 2e-4)
  })
})
