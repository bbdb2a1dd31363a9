/**
 * A compiled program with WebAssembly code → an executor. Opening it takes one memory that holds everything, specialises and
 * compiles the kernels, writes the command lists and starts the threads; from then on a run is a few words written
 * where the threads look, and nothing is created.
 *
 * Where the host is one of the threads, or the only one, a run is over when `run` returns.
 */
import { type CompiledProgram, scalarsOf } from '../abi.ts'
import { fillInitial } from '../contents.ts'
import {
  DeviceError,
  DeviceLostError,
  NameError,
  OutOfMemoryError,
  type RunError,
  UnsupportedError,
} from '../errors.ts'
import type { DeviceDescription, Executor, OpenOptions } from '../executor.ts'
import { checkFits, type Room, variantsOf } from '../fit.ts'
import { makeExecutor, outputsOf, type PreparedRun, runKey } from '../make-executor.ts'
import { platform } from '../platform.ts'
import { commandList, placeLists, type RunList, runNanoseconds } from './command-list.ts'
import { control, directory } from './control.ts'
import { type Layout, layOut, pageBytes, threadBytes, wasmStaging } from './layout.ts'
import { type Crew, machineOf } from './machine.ts'
import { conductorModule, moduleFor } from './modules.ts'
import { type ThreadSetup, wasmThread } from './thread.ts'
import { startThreads } from './workers.ts'

export interface WasmRun extends PreparedRun {
  /** Its list's address. */
  readonly list: number
  /** Names of its scalars, and each one's place in a row. */
  readonly scalars: readonly (readonly [name: string, word: number])[]
}

/** How many threads: so many, or so many where there is work for them. */
export interface CrewSize {
  readonly most: number
  readonly exact: boolean
}

/**
 * Nanoseconds of one thread's work in a run. Where no run has more, and none is a step of a training, whose batches the host
 * prepares meanwhile, the host runs them by itself: it would wait for the result anyway, waking threads takes as long as
 * they save, and each is some 9 MiB of the process (`bench/NOTES.md`).
 */
const worthThreads = 2_000_000

/**
 * Nanoseconds of one thread's work in a run. Where no run has more, and none is a step of a training, a host that may wait
 * is itself one of the threads: it would wait for the result anyway, and one thread fewer is started. It hears
 * nothing meanwhile, for at most some tenth of a second.
 */
const worthWaiting = 200_000_000

/** Looks at a word so often take about 50 µs, once the engine has optimised them. */
const spins = 200_000

const most = 65_536 * pageBytes

export async function openWasmSession(
  program: CompiledProgram,
  description: DeviceDescription,
  crewSize: CrewSize,
  memoryLimit: number | undefined,
  options: OpenOptions,
): Promise<Executor> {
  if (!program.wasm)
    throw new UnsupportedError(
      `${program.name} has no WebAssembly code`,
      "compile it for this device: `dlmc compile … --devices webgpu,wasm`, or `target: 'wasm'`",
    )
  const entries = new Map(program.entries.map((entry) => [entry.name, entry]))
  const variants = variantsOf(options)
  for (const { entry } of variants) if (!entries.has(entry)) throw new NameError('entry', entry, [...entries.keys()])
  const work = variants.map(({ entry, dims }) => runNanoseconds(entries.get(entry)!, dims))
  const longest = options.entries.includes('step') ? Number.POSITIVE_INFINITY : Math.max(...work)
  const threads = crewSize.exact || longest > worthThreads ? crewSize.most : 1
  const hosted = threads === 1 || (longest <= worthWaiting && platform().waits === true)

  const room: Room = {
    name: description.name,
    buffer: most,
    binding: most,
    memory: Math.min(most, memoryLimit ?? most) - threads * threadBytes(program),
    staging: (planned, names, arenaBytes) => wasmStaging(planned, names, arenaBytes) as number,
  }
  const { arenaBytes } = checkFits(program, room, options)
  const layout = layOut(program, options.entries, arenaBytes)
  /** What is certified, and each thread's work space. */
  const planned = layout.workspace + threads * threadBytes(program)

  const modules: WebAssembly.Module[] = []
  const numbers = new Map<WebAssembly.Module, number>()
  const kernels: (readonly [number, string])[] = []
  const kernelNumbers = new Map<string, number>()
  const names = scalarsOf(program, options.entries)
  const lists: RunList[] = []
  const runs = new Map<string, WasmRun>()
  for (const [done, { entry: name, dims }] of variants.entries()) {
    const module = await moduleFor(program, dims)
    const number = numbers.get(module) ?? modules.push(module) - 1
    numbers.set(module, number)
    const kernelOf = (pipeline: number): number => {
      const exported = program.pipelines[pipeline]!.wasm!.export
      const key = `${number} ${exported}`
      const kernel = kernelNumbers.get(key) ?? kernels.push([number, exported]) - 1
      kernelNumbers.set(key, kernel)
      return kernel
    }
    const entry = entries.get(name)!
    const outputs = outputsOf(program, entry)
    const list = commandList(program, entry, dims, layout, names, threads, kernelOf)
    runs.set(runKey(program, name, dims), {
      list: planned + directory.bytes * (lists.push(list) - 1),
      outputs,
      scalars: names.flatMap((scalar, word) => (outputs.has(scalar) ? [[scalar, word] as const] : [])),
    })
    options.onProgress?.(done + 1, variants.length, name)
  }

  const placed = placeLists(lists, options.poison ? intermediates(program, layout, arenaBytes) : [], planned)
  const memory = allocate(Math.ceil(placed.end / pageBytes))
  const words = new Int32Array(memory.buffer)
  words.set(placed.words, planned / 4)
  words.set([threads, Number(hosted), spins, layout.mirrorDistance, placed.poison, placed.end], control.threads)
  const conductor = await conductorModule()
  const setupOf = (thread: number): ThreadSetup => ({
    memory,
    modules,
    kernels,
    conductor,
    failed: control.failed,
    workspace: layout.workspace + thread * threadBytes(program),
    thread,
  })
  const crew = await crewOf(
    Array.from({ length: threads }, (_, thread) => setupOf(thread)),
    hosted,
  )
  const machine = machineOf(program, memory, planned, layout, crew)
  fillInitial(program, options.dims, arenaBytes, (arena, offset, bytes) => {
    if (machine.holds(arena)) machine.write(arena, offset, bytes)
  })
  const { lost, check } = crew
  return makeExecutor(program, { description, lost, check }, options, machine, runs)
}

/** The host, or threads of their own, or both. */
async function crewOf(setups: readonly ThreadSetup[], hosted: boolean): Promise<Crew> {
  const listeners: (() => void)[] = []
  let failure: RunError | undefined
  let lose: (reason: string) => void
  const lost = new Promise<string>((resolve) => {
    lose = resolve
  })
  const moved = () => {
    for (const listener of listeners) listener()
  }
  const fail = (reason: string) => {
    failure ??= new DeviceLostError(`a thread ended: ${reason}`)
    lose(reason)
    moved()
  }
  const run = hosted ? wasmThread(setups[0]!, moved).run : undefined
  const others = setups.slice(hosted ? 1 : 0)
  const workers = others.length > 0 ? await startThreads(others, moved, fail) : undefined
  return {
    lost,
    check() {
      if (failure) throw failure
    },
    onMove: (listener) => {
      listeners.push(listener)
    },
    run:
      run &&
      ((k) => {
        try {
          run(k)
        } catch (cause) {
          if (!workers) throw new DeviceError(`a kernel failed: ${String(cause)}`, undefined, { cause })
          // The others wait for ever for what this one has taken.
          fail(String(cause))
          throw failure
        }
      }),
    hold: (held) => workers?.hold(held),
    release: () => workers?.terminate(),
  }
}

function allocate(pages: number): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })
  } catch (cause) {
    throw new OutOfMemoryError(
      `a memory of ${Math.ceil(pages / 16)} MiB could not be taken (${String(cause)})`,
      'use a smaller batch',
    )
  }
}

function intermediates(program: CompiledProgram, { arenas }: Layout, arenaBytes: readonly number[]) {
  return program.arenas.flatMap(({ role }, index) =>
    role === 'activations' && arenas[index] !== undefined ? [[arenas[index], arenaBytes[index]!] as const] : [],
  )
}
