/**
 * An opened program and the machine that runs it → an executor: names become places in arenas, arrays are checked and become
 * bytes, every call after `dispose` or a loss fails as it should. WebGPU sessions and wasm sessions share all of this.
 */
import type { CompiledProgram, DimValues, Entry, TensorSlot } from './abi.ts'
import type { Device } from './device.ts'
import { DimError, DisposedError, NameError } from './errors.ts'
import type { Executor, OpenOptions, ScalarRow, StepValues, TensorData } from './executor.ts'
import { watchForLeak } from './leak.ts'
import { evaluate } from './size.ts'
import { decode, encode, storedBytes } from './transfer.ts'

/** An entry under one binding of the dims, made ready. */
export interface PreparedRun {
  /** Where this entry leaves its outputs: several entries may have one of the same name. */
  readonly outputs: ReadonlyMap<string, TensorSlot>
}

/** What holds a session's memory and runs its commands, in the order in which it is asked to. */
export interface Machine<Run extends PreparedRun> {
  /** All bytes taken. */
  readonly bytes: number
  /** Whether the session holds this arena. */
  holds(arena: number): boolean
  write(arena: number, offset: number, bytes: Uint8Array<ArrayBuffer>): void
  /** `into`: where to put them, if that is no more work. */
  read(arena: number, offset: number, bytes: number, into?: ArrayBufferLike): Promise<ArrayBufferLike>
  /** Enqueues a run; tickets count from 1. */
  run(run: Run, ticket: number, values: StepValues): Promise<void>
  scalars(): Promise<readonly ScalarRow[]>
  release(): void
}

/** The key of an entry's run under dims. */
export const runKey = (program: CompiledProgram, entry: string, dims: DimValues): string =>
  `${entry}\0${program.dims.map((d) => dims[d]).join()}`

/** The outputs of an entry, each the slot that one of its dispatches writes. */
export function outputsOf(program: CompiledProgram, entry: Entry): Map<string, TensorSlot> {
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

/** `runs` by `runKey`. */
export function makeExecutor<Run extends PreparedRun>(
  program: CompiledProgram,
  device: Pick<Device, 'description' | 'lost' | 'check'>,
  options: OpenOptions,
  machine: Machine<Run>,
  runs: ReadonlyMap<string, Run>,
): Executor {
  const slots = new Map<string, TensorSlot>()
  for (const slot of program.tensors) if (machine.holds(slot.arena) && !slots.has(slot.name)) slots.set(slot.name, slot)
  const usual = new Map(options.entries.map((entry) => [entry, runs.get(runKey(program, entry, options.dims))]))
  let latest: Run | undefined
  let ticket = 0
  let disposed = false

  const merged = (dims: DimValues | undefined) => (dims ? { ...options.dims, ...dims } : options.dims)
  const check = () => {
    if (disposed) throw new DisposedError(program.name)
    device.check()
  }
  /** A rejection that a loss or `dispose` caused says so. */
  const checked = async <T>(work: Promise<T>): Promise<T> => {
    const result = await work.catch((error: unknown) => {
      check()
      throw error
    })
    check()
    return result
  }
  const findRun = (entry: string, dims: DimValues | undefined): Run => {
    const found = dims ? runs.get(runKey(program, entry, merged(dims))) : usual.get(entry)
    if (found) return found
    if (!options.entries.includes(entry)) throw new NameError('entry', entry, options.entries)
    throw new DimError(
      `the session was not opened for '${entry}' with ${JSON.stringify(dims)}`,
      'name it in `variants` when opening',
    )
  }
  const find = (name: string, slot: TensorSlot | undefined): TensorSlot => {
    if (!slot) throw new NameError('tensor', name, [...slots.keys()])
    return slot
  }

  const executor: Executor = {
    device: device.description,
    program,
    dims: options.dims,
    allocatedBytes: machine.bytes,
    lost: device.lost,

    write(name, data, dims) {
      check()
      const slot = find(name, slots.get(name))
      const values = merged(dims)
      machine.write(slot.arena, evaluate(slot.offset, values), encode(slot, data, values))
    },

    async read(name, dims, into): Promise<TensorData> {
      check()
      const slot = find(name, latest?.outputs.get(name) ?? slots.get(name))
      const values = merged(dims)
      const bytes = await checked(
        machine.read(slot.arena, evaluate(slot.offset, values), storedBytes(slot, values), into?.buffer),
      )
      if (into && bytes === into.buffer) return into
      const read = decode(slot, bytes as ArrayBuffer, values)
      into?.set(read)
      return into ?? read
    },

    async run(entry, values = {}, dims) {
      check()
      latest = findRun(entry, dims)
      const mine = ++ticket
      await checked(machine.run(latest, mine, values))
      return mine
    },

    async scalars() {
      check()
      return checked(machine.scalars())
    },

    dispose() {
      if (disposed) return
      disposed = true
      unwatch()
      machine.release()
    },
  }
  const unwatch = watchForLeak(executor, program.name, machine.release)
  return executor
}
