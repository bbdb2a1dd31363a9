/**
 * A compiled program and a device → an executor. Opening it takes all memory, compiles all pipelines and prepares all
 * bind groups; from then on a run is one upload of the step block, one command buffer and nothing created.
 */
import { type CompiledProgram, type DimValues, type Entry, scalarsOf, type TensorSlot } from './abi.ts'
import { type Command, makeCommands, prepare } from './commands.ts'
import { fillInitial } from './contents.ts'
import type { GpuDevice } from './device.ts'
import { DimError, DisposedError, NameError } from './errors.ts'
import type { Executor, OpenOptions, StepValues, TensorData } from './executor.ts'
import { InFlight, type Paced } from './in-flight.ts'
import { Kernels } from './kernels.ts'
import { watchForLeak } from './leak.ts'
import { allocate, type SessionMemory, variantsOf } from './memory.ts'
import { readRange, serial } from './readback.ts'
import { ScalarRing, type ScalarSource } from './scalars.ts'
import { evaluate } from './size.ts'
import { StepBlock } from './step-block.ts'
import { decode, encode, storedBytes } from './transfer.ts'
import { Uploader } from './uploader.ts'

export async function openSession(
  program: CompiledProgram,
  device: GpuDevice,
  options: OpenOptions,
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
    const uploader = new Uploader(device.device.queue)
    fillInitial(program, memory, options.dims, uploader)
    const groups = new Map<string, GPUBindGroup>()
    const scalars = scalarsOf(program, options.entries)
    const runs = new Map<string, PreparedRun>()
    for (const { entry, dims, prepared: commands } of prepared)
      runs.set(runKey(program, entry.name, dims), {
        commands: makeCommands(commands, dims, device, kernels, memory, groups),
        outputs: outputsOf(program, entry),
        scalars: scalarSources(program, entry, dims, memory, scalars),
        milliseconds: 0,
      })
    device.check()
    return makeExecutor(
      program,
      device,
      options,
      memory,
      uploader,
      runs,
      new ScalarRing(device.device, scalars, memory.ring, memory.ringBack),
    )
  } catch (error) {
    memory.release()
    throw error
  }
}

interface PreparedRun extends Paced {
  readonly commands: readonly Command[]
  /** Where this entry leaves its outputs: several entries may have one of the same name. */
  readonly outputs: ReadonlyMap<string, TensorSlot>
  readonly scalars: readonly ScalarSource[]
}

const runKey = (program: CompiledProgram, entry: string, dims: DimValues): string =>
  `${entry}\0${program.dims.map((d) => dims[d]).join()}`

/** The outputs of an entry, each the slot that one of its dispatches writes. */
function outputsOf(program: CompiledProgram, entry: Entry): Map<string, TensorSlot> {
  const written = new Set(
    entry.dispatches.flatMap((d) =>
      d.bindings.filter((b) => b.access === 'write').map((b) => `${b.arena} ${JSON.stringify(b.offset)}`),
    ),
  )
  const outputs = new Map<string, TensorSlot>()
  for (const name of entry.outputs)
    for (const slot of program.tensors)
      if (slot.name === name && (!outputs.has(name) || written.has(`${slot.arena} ${JSON.stringify(slot.offset)}`)))
        outputs.set(name, slot)
  return outputs
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

function makeExecutor(
  program: CompiledProgram,
  device: GpuDevice,
  options: OpenOptions,
  memory: SessionMemory,
  uploader: Uploader,
  runs: ReadonlyMap<string, PreparedRun>,
  ring: ScalarRing,
): Executor {
  const { queue } = device.device
  const step = new StepBlock(program, memory)
  const reading = serial()
  const slots = new Map<string, TensorSlot>()
  for (const slot of program.tensors) if (memory.arenas[slot.arena] && !slots.has(slot.name)) slots.set(slot.name, slot)
  const poison = options.poison ? poisonOf(program, memory) : undefined
  const defaults = new Map(options.entries.map((entry) => [entry, runs.get(runKey(program, entry, options.dims))!]))
  const inFlight = new InFlight(memory.fences, device.polls)
  let latest: PreparedRun | undefined
  let ticket = 0
  let disposed = false

  const check = () => {
    if (disposed) throw new DisposedError(program.name)
    device.check()
  }
  const slotOf = (name: string): TensorSlot => {
    const slot = latest?.outputs.get(name) ?? slots.get(name)
    if (!slot) throw new NameError('tensor', name, [...slots.keys()])
    return slot
  }
  const findRun = (entry: string, dims: DimValues | undefined): PreparedRun => {
    const found =
      dims === undefined ? defaults.get(entry) : runs.get(runKey(program, entry, { ...options.dims, ...dims }))
    if (found) return found
    if (!defaults.has(entry)) throw new NameError('entry', entry, [...defaults.keys()])
    throw new DimError(
      `the session was not opened for '${entry}' with ${JSON.stringify(dims)}`,
      'name it in `variants` when opening',
    )
  }
  /** A rejection that a loss or `dispose` caused says so. */
  const orCause = (error: unknown): never => {
    check()
    throw error
  }

  const executor: Executor = {
    device: device.description,
    program,
    dims: options.dims,
    allocatedBytes: memory.bytes,
    lost: device.lost,

    write(name, data, dims = options.dims) {
      check()
      const slot = slots.get(name)
      if (!slot) throw new NameError('tensor', name, [...slots.keys()])
      const values = dims === options.dims ? dims : { ...options.dims, ...dims }
      uploader.write(memory.arenas[slot.arena]!, evaluate(slot.offset, values), encode(slot, data, values))
    },

    async read(name, dims = options.dims): Promise<TensorData> {
      check()
      const slot = slotOf(name)
      const values = dims === options.dims ? dims : { ...options.dims, ...dims }
      const bytes = await reading(() =>
        readRange(
          device.device,
          memory.arenas[slot.arena]!,
          evaluate(slot.offset, values),
          storedBytes(slot, values),
          memory.readback,
          inFlight,
        ),
      ).catch(orCause)
      check()
      return decode(slot, bytes, values)
    },

    async run(entry, stepValues: StepValues = {}, dims) {
      check()
      const run = findRun(entry, dims)
      latest = run
      step.upload(queue, stepValues)
      poison?.(uploader)
      const encoder = device.device.createCommandEncoder()
      encodePass(encoder, run.commands)
      ring.record(encoder, ++ticket, run.scalars)
      const mine = ticket
      inFlight.begin(encoder, queue, run)
      queue.submit([encoder.finish()])
      uploader.submitted()
      await inFlight.throttle().catch(orCause)
      if (ring.full) await ring.fetch(inFlight).catch(orCause)
      check()
      return mine
    },

    async scalars() {
      check()
      await ring.fetch(inFlight).catch(orCause)
      check()
      return ring.take()
    },

    dispose() {
      if (disposed) return
      disposed = true
      unwatch()
      memory.release()
    },
  }
  const unwatch = watchForLeak(executor, program.name, memory.release)
  return executor
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
