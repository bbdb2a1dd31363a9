/**
 * What a session keeps between runs. Parameters and gradients lie flat, at the offsets that the plan gave them, so that
 * the optimizer's flat runs are windows of them and checkpoints have one layout on every device.
 */
import type { CompiledProgram, DimValues, TensorSlot } from '../../runtime/abi.ts'
import { ShapeError } from '../../runtime/errors.ts'
import type { TensorData } from '../../runtime/executor.ts'
import { elements } from '../../runtime/size.ts'
import type { LoweredPhase, LoweredProgram, LoweredVariable, UpdateGroup } from '../lowered.ts'
import type { Value } from '../ops/op.ts'
import { allocate, type Precision } from './evaluate.ts'

type Data = Value['data']

export interface FlatRange {
  readonly start: number
  readonly elements: number
}

/** Tensors start at multiples of this many elements (256 bytes of float32). */
const alignment = 64
const aligned = (count: number): number => Math.ceil(count / alignment) * alignment

/** The part of the parameter arena that a flat phase runs over. */
export function flatRange(program: CompiledProgram, flat: UpdateGroup | 'all'): FlatRange {
  const trained = program.parameters.filter(({ trainable, path }) =>
    flat === 'all' ? trainable : flat.parameters.includes(path),
  )
  const slots = trained.map(
    ({ path }) => program.tensors.find(({ role, name }) => role === 'parameter' && name === path)!,
  )
  const start = Math.min(...slots.map(startOf))
  return {
    start,
    elements: Math.max(...slots.map((slot) => aligned(startOf(slot) + elements(slot.shape, {})))) - start,
  }
}

const startOf = ({ offset }: TensorSlot): number => (offset as number) / 4

export class Storage {
  readonly program: CompiledProgram
  /** Parameters, gradients, states and moments by name. */
  readonly #variables = new Map<string, Data>()
  readonly #arenas = new Map<'parameters' | 'gradients', Data>()
  readonly #batch = new Map<string, Data>()
  readonly #precision: Precision

  constructor(program: CompiledProgram, lowered: LoweredProgram, dims: DimValues, precision: Precision) {
    this.program = program
    this.#precision = precision
    const ends = program.tensors
      .filter(({ role }) => role === 'parameter')
      .map((slot) => aligned(startOf(slot) + elements(slot.shape, {})))
    for (const [arena, role] of [
      ['parameters', 'parameter'],
      ['gradients', 'gradient'],
    ] as const) {
      const data = allocate('float', Math.max(0, ...ends), precision)
      this.#arenas.set(arena, data)
      for (const slot of program.tensors.filter((t) => t.role === role && typeof t.offset === 'number'))
        if (program.parameters.some(({ path }) => path === slot.name || `grad.${path}` === slot.name))
          this.#variables.set(slot.name, data.subarray(startOf(slot), startOf(slot) + elements(slot.shape, {})))
    }
    this.#stackVariables(lowered)
    for (const slot of program.tensors)
      if (
        (slot.role === 'state' && !this.#variables.has(slot.name)) ||
        slot.role === 'moment' ||
        slot.role === 'carried'
      ) {
        const initial = program.moments.find(({ name }) => name === slot.name)?.initial ?? 0
        this.#variables.set(slot.name, allocate(slot.dtype, elements(slot.shape, dims), precision).fill(initial))
      }
  }

  /** A tensor that holds all layers of a stack, and each layer's part of it. */
  #stackVariables({ parameters, states }: LoweredProgram): void {
    const count = (variable: LoweredVariable) => variable.shape.reduce((a, b) => a * b, 1)
    for (const variable of parameters)
      if (variable.part?.index === 0)
        for (const prefix of ['', 'grad.']) {
          const first = this.#variables.get(prefix + variable.path)
          if (!first) continue
          const arena = this.#arenas.get(prefix === '' ? 'parameters' : 'gradients')!
          const start = first.byteOffset / first.BYTES_PER_ELEMENT
          this.#variables.set(
            prefix + variable.part.of,
            arena.subarray(start, start + variable.part.count * count(variable)),
          )
        }
    for (const variable of states) {
      const { part } = variable
      if (!part) continue
      const size = count(variable)
      const whole = this.#variables.get(part.of) ?? allocate(variable.dtype, part.count * size, this.#precision)
      this.#variables.set(part.of, whole)
      this.#variables.set(variable.path, whole.subarray(part.index * size, (part.index + 1) * size))
    }
  }

  /** Bytes of what is kept between runs; values inside a run come and go. */
  get bytes(): number {
    const kept = [...this.#arenas.values(), ...this.#variables.values(), ...this.#batch.values()]
    const buffers = new Set(kept.map(({ buffer }) => buffer))
    return [...buffers].reduce((sum, buffer) => sum + buffer.byteLength, 0)
  }

  variable(name: string): Data {
    const data = this.#variables.get(name)
    if (!data) throw new Error(`the session holds no ${name}`)
    return data
  }
  flat(arena: 'parameters' | 'gradients', { start, elements: count }: FlatRange): Data {
    return this.#arenas.get(arena)!.subarray(start, start + count)
  }
  moment(name: string, { flat }: LoweredPhase): Data {
    return this.variable(`moment.${name}.${flat === undefined || flat === 'all' ? 0 : flat.index}`)
  }
  /** A batch tensor; zeros before the first upload. */
  batch(name: string, dims: DimValues): Data {
    const slot = this.program.tensors.find((t) => t.name === name && (t.role === 'input' || t.role === 'target'))
    if (!slot) throw new Error(`the session has no input ${name}`)
    const count = elements(slot.shape, dims)
    const known = this.#batch.get(name)
    if (known && known.length >= count) return known.subarray(0, count)
    const made = allocate(slot.dtype, count, this.#precision)
    this.#batch.set(name, made)
    return made
  }

  write(slot: TensorSlot, data: TensorData, dims: DimValues): void {
    const count = elements(slot.shape, dims)
    const expected = slot.dtype === 'float' ? Float32Array : slot.dtype === 'int' ? Int32Array : Uint32Array
    if (!(data instanceof expected) || data.length !== count)
      throw new ShapeError(
        slot.name,
        `a ${expected.name} of ${count}`,
        `a ${data?.constructor?.name ?? typeof data} of ${data?.length ?? 0}`,
      )
    const target =
      slot.role === 'input' || slot.role === 'target' ? this.batch(slot.name, dims) : this.variable(slot.name)
    target.set(data)
  }
  read(slot: TensorSlot, dims: DimValues): Data {
    return slot.role === 'input' || slot.role === 'target' ? this.batch(slot.name, dims) : this.variable(slot.name)
  }

  release(): void {
    this.#variables.clear()
    this.#arenas.clear()
    this.#batch.clear()
  }
}
