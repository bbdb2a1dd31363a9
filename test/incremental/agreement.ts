/**
 * A model in both forms on one device: whole sequences at once, and position by position from what is carried. Parameters
 * are random, and large enough that what is wrong shows.
 */

import { evaluate } from '../../compiler/ir/dim.ts'
import type { DType } from '../../compiler/ir/graph.ts'
import { prefillLength } from '../../compiler/ops/incremental/forms.ts'
import { compile } from '../../compiler/pipeline.ts'
import type { Program, StaticValue } from '../../compiler/program.ts'
import { openReference } from '../../compiler/reference/executor.ts'
import { type Sequences, sequencesOf } from '../../compiler/sequences.ts'
import type { CompiledProgram, DimValues } from '../../runtime/abi.ts'
import type { Device } from '../../runtime/device.ts'
import type { Executor, TensorData } from '../../runtime/executor.ts'
import { type RandomStream, randomStream } from '../../runtime/random.ts'
import { elements } from '../../runtime/size.ts'

export type Place = 'reference' | Device
export const incrementalEntries = ['begin', 'prefill', 'advance', 'reorder'] as const

export interface Case {
  readonly program: Program
  readonly model: string
  readonly arguments?: ReadonlyMap<string, StaticValue>
  readonly dims: DimValues
}

type Entries = Parameters<typeof compile>[1]['entries']

export async function open(given: Case, place: Place, entries: Entries): Promise<Executor> {
  const { program, simplified } = compile(given.program, {
    model: given.model,
    ...(given.arguments && { arguments: given.arguments }),
    entries,
    verify: true,
    target: place === 'reference' ? 'gpu' : place.target,
    subgroup: place === 'reference' ? undefined : place.subgroup,
  })
  const dims = Object.fromEntries(program.dims.map((name) => [name, given.dims[name] ?? 3]))
  const there = program.entries.map(({ name }) => name)
  if (place !== 'reference') return place.open(program, { dims, entries: there, poison: true })
  const description = { kind: 'reference', name: 'reference' } as const
  return openReference(simplified, program, { dims, entries, precision: 'float64', description })
}

export function fillParameters(executor: Executor, random: RandomStream): void {
  for (const { path, shape, dtype } of [...executor.program.parameters, ...executor.program.states]) {
    const values = draw(random, dtype, elements(shape, {}))
    executor.write(path, values)
  }
}

/** Whole numbers are small, so that every embedding has them. */
export function draw(random: RandomStream, dtype: DType, count: number): TensorData {
  if (dtype === 'float') return Float32Array.from({ length: count }, () => random.normal() * 0.6)
  const values = Array.from({ length: count }, () => Math.floor(random.uniform() * 5))
  return dtype === 'int' ? Int32Array.from(values) : Uint32Array.from(values)
}

/** Positions `[first, first + count)` of each row. */
export function positions(data: TensorData, rows: number, length: number, first: number, count: number): TensorData {
  const width = data.length / (rows * length)
  const part = new (data.constructor as new (n: number) => TensorData)(rows * count * width)
  for (let row = 0; row < rows; row++)
    part.set(data.subarray((row * length + first) * width, (row * length + first + count) * width), row * count * width)
  return part
}

/** The greatest difference between both forms, over all outputs and positions, relative to the outputs' size. */
export async function difference(given: Case, place: Place, { prefilled = 0, seed = 1 } = {}): Promise<number> {
  const whole = await open(given, place, ['infer'])
  const single = await open(given, place, [...incrementalEntries])
  try {
    const sequences = sequencesUsed(given, single.program)
    const random = randomStream(seed, 'inputs')
    const { rows, context } = sequences
    const [batch, length] = [evaluate(rows, asMap(whole.dims)), evaluate(context, asMap(whole.dims))]
    fillParameters(whole, randomStream(seed, 'parameters'))
    fillParameters(single, randomStream(seed, 'parameters'))
    const inputs = new Map<string, TensorData>()
    for (const slot of whole.program.tensors.filter(({ role }) => role === 'input'))
      inputs.set(slot.name, draw(random, slot.dtype, elements(slot.shape, whole.dims)))
    for (const [name, data] of inputs) whole.write(name, data)
    await whole.run('infer')
    const has = new Set(single.program.tensors.map(({ name }) => name))
    // What was carried before is forgotten.
    for (let round = 0; round < 2; round++) {
      for (const { name } of sequences.others) if (has.has(name)) single.write(name, inputs.get(name)!)
      await single.run('begin')
      if (round === 0) {
        for (const { name, dtype } of sequences.streams) {
          const slot = single.program.tensors.find((t) => t.name === `${name}.next`)!
          single.write(`${name}.next`, draw(random, dtype, elements(slot.shape, single.dims)))
        }
        await single.run('advance', { position: 0 })
      }
    }
    let at = 0
    for (; at + prefillLength <= prefilled && has.has(`${sequences.streams[0]!.name}.coming`); at += prefillLength) {
      for (const { name } of sequences.streams)
        single.write(`${name}.coming`, positions(inputs.get(name)!, batch, length, at, prefillLength))
      await single.run('prefill', { position: at })
    }
    let worst = 0
    for (; at < length; at++) {
      for (const { name } of sequences.streams)
        single.write(`${name}.next`, positions(inputs.get(name)!, batch, length, at, 1))
      await single.run('advance', { position: at })
      for (const { name } of sequences.outputs) {
        const expected = positions(await whole.read(name), batch, length, at, 1)
        const given = await single.read(name)
        const size = Math.max(1, ...Array.from(expected, Math.abs))
        if (given.length !== expected.length) throw new Error(`${name} has ${given.length} elements`)
        for (let i = 0; i < given.length; i++) {
          const error = Math.abs(given[i]! - expected[i]!) / size
          worst = error <= worst ? worst : error
        }
      }
    }
    return worst
  } finally {
    whole.dispose()
    single.dispose()
  }
}

/** The reading of the model under which it has an incremental form. */
function sequencesUsed({ program, model, arguments: args }: Case, compiled: CompiledProgram): Sequences {
  const candidates = sequencesOf(program.model(model, { training: false, ...(args && { arguments: args }) }))
  return candidates.find(
    ({ streams }) =>
      streams.every(({ name }) => compiled.tensors.some((t) => t.name === `${name}.next`)) &&
      compiled.tensors.filter((t) => t.name.endsWith('.next')).length === streams.length,
  )!
}

const asMap = (dims: DimValues): ReadonlyMap<string, number> => new Map(Object.entries(dims))
