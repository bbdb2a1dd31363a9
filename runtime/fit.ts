/**
 * A program and the dims it will run under → the bytes a session would take. Everything is counted before anything is
 * created: a plan that does not fit its device is refused with the largest batch that does.
 */
import { arenasOf, type CompiledProgram, type DimValues, stagingBytes } from './abi.ts'
import { DimError, OutOfMemoryError } from './errors.ts'
import type { OpenOptions } from './executor.ts'
import { checkDims, evaluate } from './size.ts'

/** What a device has room for, in bytes. */
export interface Room {
  /** The device's name. */
  readonly name: string
  readonly buffer: number
  readonly binding: number
  /** Of everything together, where that is known. */
  readonly memory: number | undefined
  /** What a session takes beside its arenas; by default what one on WebGPU does. */
  readonly staging?: (program: CompiledProgram, entries: readonly string[], arenaBytes: readonly number[]) => number
}

/** An entry under one binding of the dims. */
export interface Variant {
  readonly entry: string
  readonly dims: DimValues
}

/** Every entry under the session's dims, then the extra variants. */
export function variantsOf(options: OpenOptions): Variant[] {
  return [
    ...options.entries.map((entry) => ({ entry, dims: options.dims })),
    ...(options.variants ?? []).map(({ entry, dims }) => ({ entry, dims: { ...options.dims, ...dims } })),
  ]
}

interface Demand {
  readonly arenaBytes: readonly number[]
  readonly total: number
  /** What one binding takes at most. */
  readonly binding: number
}

/** What a session would take; arenas are as large as their greatest variant. */
export function demand(
  program: CompiledProgram,
  options: OpenOptions,
  staging: NonNullable<Room['staging']> = stagingBytes,
): Demand {
  const used = new Set(arenasOf(program, options.entries))
  const variants = variantsOf(options)
  const bindings = [options.dims, ...variants.map((v) => v.dims)]
  for (const dims of bindings) checkDims(program, dims)
  const arenaBytes = program.arenas.map((arena, index) =>
    used.has(index) ? bindings.reduce((most, dims) => Math.max(most, evaluate(arena.bytes, dims)), 0) : 0,
  )
  let binding = 0
  for (const { entry, dims } of variants)
    for (const dispatch of program.entries.find((e) => e.name === entry)?.dispatches ?? [])
      for (const { bytes } of dispatch.bindings) binding = Math.max(binding, evaluate(bytes, dims))
  const total = arenaBytes.reduce((a, b) => a + b, 0) + staging(program, options.entries, arenaBytes)
  return { arenaBytes, total, binding }
}

/** Refuses what does not fit, before anything is created. */
export function checkFits(program: CompiledProgram, room: Room, options: OpenOptions): Demand {
  const wanted = demand(program, options, room.staging)
  const fault = misfit(wanted, room)
  if (fault === undefined) return wanted
  const largest = largestFit(program, room, options)
  if (largest === undefined)
    throw new OutOfMemoryError(
      `${program.name} does not fit ${room.name}: ${fault}`,
      'make the model smaller, or choose another device with --device',
    )
  const given = options.dims[largest.dim]
  if (largest.value < 1)
    throw new OutOfMemoryError(
      `${program.name} does not fit ${room.name} at any ${largest.dim}: ${fault}`,
      'make the model smaller, or choose another device with --device',
      largest,
    )
  throw new OutOfMemoryError(
    `${program.name} at ${largest.dim} ${given} does not fit ${room.name}: ${fault}`,
    `the largest ${largest.dim} that fits is ${largest.value}`,
    largest,
  )
}

function misfit({ arenaBytes, binding, total }: Demand, room: Room): string | undefined {
  const arena = Math.max(0, ...arenaBytes)
  if (arena > room.buffer) return `one buffer would take ${inMiB(arena)}, and the adapter allows ${inMiB(room.buffer)}`
  if (binding > room.binding)
    return `one tensor would take ${inMiB(binding)}, and the adapter lets a kernel bind ${inMiB(room.binding)}`
  if (room.memory !== undefined && total > room.memory)
    return `it would take ${inMiB(total)}, and ${inMiB(room.memory)} of memory may be used`
  return undefined
}

const inMiB = (bytes: number): string => `${(Math.ceil((bytes / 2 ** 20) * 10) / 10).toLocaleString('en')} MiB`

/** By halving: a footprint grows with every dim. The dim is `batch`, or the first that the session was given. */
export function largestFit(
  program: CompiledProgram,
  room: Room,
  options: OpenOptions,
): { dim: string; value: number } | undefined {
  const dim = program.dims.includes('batch') ? 'batch' : program.dims[0]
  if (dim === undefined) return undefined
  const fits = (value: number): boolean => {
    const smaller = (dims: DimValues): DimValues => ({ ...dims, [dim]: Math.min(dims[dim] ?? value, value) })
    const variants = (options.variants ?? []).map((v) => ({ ...v, dims: smaller({ ...options.dims, ...v.dims }) }))
    try {
      return (
        misfit(demand(program, { ...options, dims: smaller(options.dims), variants }, room.staging), room) === undefined
      )
    } catch (error) {
      if (error instanceof DimError) return false
      throw error
    }
  }
  let low = 0
  let high = Math.max(options.dims[dim]!, ...(options.variants ?? []).map((v) => v.dims[dim] ?? 0))
  if (!fits(low)) return { dim, value: 0 }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (fits(middle)) low = middle
    else high = middle
  }
  return { dim, value: low }
}
