/**
 * A program and the dims it will run under → its buffers. Everything is counted before anything is created: a plan that
 * does not fit is refused with the largest batch that does.
 */
import {
  arenasOf,
  type CompiledProgram,
  type DimValues,
  fenceBytes,
  fences,
  readbackBytes,
  ringRows,
  scalarsOf,
  stagingBytes,
} from './abi.ts'
import { errorOf, type GpuDevice } from './device.ts'
import { DimError, OutOfMemoryError, UnsupportedError } from './errors.ts'
import type { OpenOptions } from './executor.ts'
import { checkDims, evaluate } from './size.ts'
import { bufferUsage } from './usage.ts'

export interface SessionMemory {
  /** By arena index; absent for arenas that the session's entries do not use. */
  readonly arenas: readonly (GPUBuffer | undefined)[]
  readonly arenaBytes: readonly number[]
  /** Rows of scalars on the device, and where the host reads them; absent without scalars. */
  readonly ring: GPUBuffer | undefined
  readonly ringBack: GPUBuffer | undefined
  readonly readback: GPUBuffer
  readonly fences: readonly GPUBuffer[]
  readonly bytes: number
  release(): void
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
export function demand(program: CompiledProgram, options: OpenOptions): Demand {
  const used = new Set(arenasOf(program, options.entries))
  const variants = variantsOf(options)
  const bindings = [options.dims, ...variants.map((v) => v.dims)]
  for (const dims of bindings) checkDims(program.dims, dims)
  const arenaBytes = program.arenas.map((arena, index) =>
    used.has(index) ? bindings.reduce((most, dims) => Math.max(most, evaluate(arena.bytes, dims)), 0) : 0,
  )
  let binding = 0
  for (const { entry, dims } of variants)
    for (const dispatch of program.entries.find((e) => e.name === entry)?.dispatches ?? [])
      for (const { bytes } of dispatch.bindings) binding = Math.max(binding, evaluate(bytes, dims))
  const total = arenaBytes.reduce((a, b) => a + b, 0) + stagingBytes(program, options.entries)
  return { arenaBytes, total, binding }
}

/** Refuses what does not fit, before anything is created. */
export function checkFits(program: CompiledProgram, device: GpuDevice, options: OpenOptions): Demand {
  const wanted = demand(program, options)
  const fault = misfit(wanted, device)
  if (fault === undefined) return wanted
  const largest = largestFit(program, device, options)
  if (largest === undefined)
    throw new OutOfMemoryError(
      `${program.name} does not fit ${device.description.name}: ${fault}`,
      'make the model smaller, or choose another device with --device',
    )
  const given = options.dims[largest.dim]
  if (largest.value < 1)
    throw new OutOfMemoryError(
      `${program.name} does not fit ${device.description.name} at any ${largest.dim}: ${fault}`,
      'make the model smaller, or choose another device with --device',
      largest,
    )
  throw new OutOfMemoryError(
    `${program.name} at ${largest.dim} ${given} does not fit ${device.description.name}: ${fault}`,
    `the largest ${largest.dim} that fits is ${largest.value}`,
    largest,
  )
}

function misfit(wanted: Demand, device: GpuDevice): string | undefined {
  const { limits } = device.device
  const arena = Math.max(0, ...wanted.arenaBytes)
  if (arena > limits.maxBufferSize)
    return `one buffer would take ${inMiB(arena)}, and the adapter allows ${inMiB(limits.maxBufferSize)}`
  if (wanted.binding > limits.maxStorageBufferBindingSize)
    return `one tensor would take ${inMiB(wanted.binding)}, and the adapter lets a kernel bind ${inMiB(limits.maxStorageBufferBindingSize)}`
  if (device.memory !== undefined && wanted.total > device.memory)
    return `it would take ${inMiB(wanted.total)}, and ${inMiB(device.memory)} of memory may be used`
  return undefined
}

const inMiB = (bytes: number): string => `${(Math.ceil((bytes / 2 ** 20) * 10) / 10).toLocaleString('en')} MiB`

/** By halving: a footprint grows with every dim. The dim is `batch`, or the first that the session was given. */
export function largestFit(
  program: CompiledProgram,
  device: GpuDevice,
  options: OpenOptions,
): { dim: string; value: number } | undefined {
  const dim = program.dims.includes('batch') ? 'batch' : program.dims[0]
  if (dim === undefined) return undefined
  const fits = (value: number): boolean => {
    const smaller = (dims: DimValues): DimValues => ({ ...dims, [dim]: Math.min(dims[dim] ?? value, value) })
    const variants = (options.variants ?? []).map((v) => ({ ...v, dims: smaller({ ...options.dims, ...v.dims }) }))
    try {
      return misfit(demand(program, { ...options, dims: smaller(options.dims), variants }), device) === undefined
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

export async function allocate(
  program: CompiledProgram,
  device: GpuDevice,
  options: OpenOptions,
): Promise<SessionMemory> {
  const { arenaBytes } = checkFits(program, device, options)
  checkFeatures(program, device, options)
  const created: GPUBuffer[] = []
  let bytes = 0
  const release = () => {
    for (const buffer of created) buffer.destroy()
    created.length = 0
  }
  const create = (label: string, size: number, usage: number): GPUBuffer => {
    const buffer = device.device.createBuffer({ label, size, usage })
    created.push(buffer)
    bytes += size
    return buffer
  }
  const { storage, copySource, copyTarget, mapRead } = bufferUsage
  device.device.pushErrorScope('validation')
  device.device.pushErrorScope('out-of-memory')
  let made: Omit<SessionMemory, 'bytes'> | undefined
  let thrown: unknown
  try {
    const used = new Set(arenasOf(program, options.entries))
    const ringBytes = 4 * ringRows * scalarsOf(program, options.entries).length
    made = {
      arenas: program.arenas.map((arena, index) =>
        used.has(index) ? create(arena.name, arenaBytes[index]!, storage | copySource | copyTarget) : undefined,
      ),
      arenaBytes,
      ring: ringBytes > 0 ? create('scalars', ringBytes, copySource | copyTarget) : undefined,
      ringBack: ringBytes > 0 ? create('scalars, readback', ringBytes, copyTarget | mapRead) : undefined,
      readback: create('readback', readbackBytes, copyTarget | mapRead),
      fences: Array.from({ length: fences }, () => create('fence', fenceBytes, copyTarget | mapRead)),
      release,
    }
  } catch (error) {
    thrown = error
  }
  const [memoryError, validationError] = await Promise.all([
    device.device.popErrorScope(),
    device.device.popErrorScope(),
  ])
  const error = memoryError ?? validationError
  if (thrown !== undefined || error || !made) {
    release()
    if (error) throw errorOf(error)
    throw thrown
  }
  return { ...made, bytes }
}

/** What a kernel needs of the adapter beside memory. */
function checkFeatures(program: CompiledProgram, device: GpuDevice, options: OpenOptions): void {
  const { limits, features } = device.device
  const used = new Set(program.entries.filter((e) => options.entries.includes(e.name)).flatMap((e) => e.dispatches))
  for (const dispatch of used) {
    const pipeline = program.pipelines[dispatch.pipeline]!
    for (const feature of pipeline.features)
      if (!features.has(feature))
        throw new UnsupportedError(
          `${pipeline.name} needs '${feature}', which ${device.description.name} does not have`,
          'compile the program for this device',
        )
    if (dispatch.bindings.length > limits.maxStorageBuffersPerShaderStage)
      throw new UnsupportedError(
        `${pipeline.name} binds ${dispatch.bindings.length} buffers, and ${device.description.name} allows ${limits.maxStorageBuffersPerShaderStage}`,
        'compile the program for this device',
      )
    const lanes = pipeline.workgroup[0] * pipeline.workgroup[1] * pipeline.workgroup[2]
    if (lanes > limits.maxComputeInvocationsPerWorkgroup)
      throw new UnsupportedError(
        `${pipeline.name} has ${lanes} lanes in a workgroup, and ${device.description.name} allows ${limits.maxComputeInvocationsPerWorkgroup}`,
        'compile the program for this device',
      )
  }
}
