/**
 * A compiled program and a GPU → an executor. Opening it takes all memory, compiles all pipelines and prepares all
 * bind groups; from then on a run is one upload of the step block, one command buffer and nothing created.
 */
import { type CompiledProgram, type DimValues, type Entry, scalarsOf } from './abi.ts'
import { type Command, makeCommands, prepare } from './commands.ts'
import { fillInitial } from './contents.ts'
import type { GpuDevice } from './device.ts'
import { NameError } from './errors.ts'
import type { Executor, OpenOptions } from './executor.ts'
import { variantsOf } from './fit.ts'
import { InFlight, type Paced } from './in-flight.ts'
import { Kernels } from './kernels.ts'
import { type Machine, makeExecutor, outputsOf, type PreparedRun, runKey } from './make-executor.ts'
import { allocate, type SessionMemory } from './memory.ts'
import { readRange, serial } from './readback.ts'
import { type ScalarRing, type ScalarSource, scalarRing } from './scalars.ts'
import { evaluate } from './size.ts'
import { stepBlock } from './step-block.ts'
import { type Uploader, uploaderOf } from './uploader.ts'

interface GpuRun extends PreparedRun, Paced {
  readonly commands: readonly Command[]
  readonly scalars: readonly ScalarSource[]
}

/** Writes the commands of a run. */
export type Encode = (encoder: GPUCommandEncoder, commands: readonly Command[]) => void

export async function openSession(
  program: CompiledProgram,
  device: GpuDevice,
  options: OpenOptions,
  encode: Encode = encodePass,
): Promise<Executor> {
  device.check()
  const entries = new Map(program.entries.map((entry) => [entry.name, entry]))
  const variants = variantsOf(options)
  for (const { entry } of variants) if (!entries.has(entry)) throw new NameError('entry', entry, [...entries.keys()])

  const memory = await allocate(program, device, options)
  try {
    const kernels = new Kernels(device, program)
    const prepared = variants.map(({ entry, dims }) => ({
      entry: entries.get(entry)!,
      dims,
      prepared: prepare(program, entries.get(entry)!, dims, device, kernels),
    }))
    await kernels.compile(options.onProgress ?? (() => undefined))
    const uploader = uploaderOf(device.device.queue)
    fillInitial(program, options.dims, memory.arenaBytes, (arena, offset, bytes) => {
      const buffer = memory.arenas[arena]
      if (buffer) uploader.write(buffer, offset, bytes)
    })
    const groups = new Map<string, GPUBindGroup>()
    const scalars = scalarsOf(program, options.entries)
    const runs = new Map<string, GpuRun>()
    for (const { entry, dims, prepared: commands } of prepared)
      runs.set(runKey(program, entry.name, dims), {
        commands: makeCommands(commands, dims, device, kernels, memory, groups),
        outputs: outputsOf(program, entry),
        scalars: scalarSources(program, entry, dims, memory, scalars),
        milliseconds: 0,
      })
    device.check()
    const ring = scalarRing(device.device, scalars, memory.ring, memory.ringBack)
    return makeExecutor(
      program,
      device,
      options,
      machineOf(program, device, options, memory, uploader, ring, encode),
      runs,
    )
  } catch (error) {
    memory.release()
    throw error
  }
}

function scalarSources(
  program: CompiledProgram,
  entry: Entry,
  dims: DimValues,
  memory: SessionMemory,
  names: readonly string[],
): ScalarSource[] {
  const outputs = outputsOf(program, entry)
  return names.flatMap((name, word): ScalarSource[] => {
    const slot = outputs.get(name)
    const buffer = slot && memory.arenas[slot.arena]
    return slot && buffer ? [{ buffer, offset: evaluate(slot.offset, dims), word }] : []
  })
}

function machineOf(
  program: CompiledProgram,
  { device, polls }: GpuDevice,
  options: OpenOptions,
  memory: SessionMemory,
  uploader: Uploader,
  ring: ScalarRing,
  encode: Encode,
): Machine<GpuRun> {
  const { queue } = device
  const step = stepBlock(program)
  const stepBuffer = memory.arenas[program.arenas.findIndex((arena) => arena.role === 'step')]
  const reading = serial()
  const poison = options.poison ? poisonOf(program, memory) : undefined
  const inFlight = new InFlight(memory.fences, polls)
  return {
    bytes: memory.bytes,
    holds: (arena) => memory.arenas[arena] !== undefined,
    write: (arena, offset, bytes) => uploader.write(memory.arenas[arena]!, offset, bytes),
    read: (arena, offset, bytes, into) =>
      reading(() => readRange(device, memory.arenas[arena]!, offset, bytes, memory.readback, inFlight, into)),

    async run(run, ticket, values) {
      const block = step(values)
      if (block && stepBuffer) queue.writeBuffer(stepBuffer, 0, block)
      poison?.(uploader)
      const encoder = device.createCommandEncoder()
      encode(encoder, run.commands)
      ring.record(encoder, ticket, run.scalars)
      inFlight.begin(encoder, queue, run)
      queue.submit([encoder.finish()])
      uploader.submitted()
      await inFlight.throttle()
      if (ring.full()) await ring.fetch(inFlight)
    },

    async scalars() {
      await ring.fetch(inFlight)
      return ring.take()
    },

    release: memory.release,
  }
}

/** One compute pass: WebGPU orders its dispatches by what they write and read. */
function encodePass(encoder: GPUCommandEncoder, commands: readonly Command[]): void {
  if (commands.length === 0) return
  const pass = encoder.beginComputePass()
  let current: GPUComputePipeline | undefined
  for (const { pipeline, bindings, workgroups } of commands) {
    if (pipeline !== current) pass.setPipeline(pipeline)
    current = pipeline
    pass.setBindGroup(0, bindings)
    pass.dispatchWorkgroups(workgroups[0], workgroups[1], workgroups[2])
  }
  pass.end()
}

/** Overwrites every intermediate with a NaN that is easy to recognise. */
function poisonOf(program: CompiledProgram, memory: SessionMemory): (uploader: Uploader) => void {
  const targets = program.arenas.flatMap((arena, index) => {
    const buffer = memory.arenas[index]
    return buffer && arena.role === 'activations'
      ? [{ buffer, words: new Uint32Array(memory.arenaBytes[index]! / 4).fill(0xffc0dead) }]
      : []
  })
  return (uploader) => {
    for (const { buffer, words } of targets) uploader.write(buffer, 0, new Uint8Array(words.buffer))
  }
}
