/** A program and the dims it will run under → its buffers on a GPU, all created when the session opens. */
import { arenasOf, type CompiledProgram, fenceBytes, fences, readbackBytes, ringRows, scalarsOf } from './abi.ts'
import type { GpuDevice } from './device.ts'
import { errorOf, UnsupportedError } from './errors.ts'
import type { OpenOptions } from './executor.ts'
import { checkFits, type Room } from './fit.ts'
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

/** What an adapter has room for. */
export function roomOf({ device: { limits }, description, memory }: GpuDevice): Room {
  return {
    name: description.name,
    buffer: limits.maxBufferSize,
    binding: limits.maxStorageBufferBindingSize,
    memory,
  }
}

export async function allocate(
  program: CompiledProgram,
  device: GpuDevice,
  options: OpenOptions,
): Promise<SessionMemory> {
  const { arenaBytes } = checkFits(program, roomOf(device), options)
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

/** What a kernel needs of the adapter beside memory, and beside the number of buffers that every adapter has. */
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
    const lanes = pipeline.workgroup[0] * pipeline.workgroup[1] * pipeline.workgroup[2]
    if (lanes > limits.maxComputeInvocationsPerWorkgroup)
      throw new UnsupportedError(
        `${pipeline.name} has ${lanes} lanes in a workgroup, and ${device.description.name} allows ${limits.maxComputeInvocationsPerWorkgroup}`,
        'compile the program for this device',
      )
  }
}
