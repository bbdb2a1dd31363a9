/**
 * Where a device has no timestamps: the entry is taken apart into entries of one dispatch each, and the host's clock runs
 * from the start of one until something small has come back, less what that takes alone. For short dispatches that is rough.
 */
import type { CompiledProgram, Dispatch, Entry } from '../abi.ts'
import type { Executor, OpenOptions } from '../executor.ts'
import { elements } from '../size.ts'
import type { Timer } from './timing.ts'

export async function openByWall(
  program: CompiledProgram,
  open: (program: CompiledProgram, options: OpenOptions) => Promise<Executor>,
  options: OpenOptions,
): Promise<Timer> {
  const [name] = options.entries as readonly [string]
  const entry = program.entries.find((e) => e.name === name)!
  // An empty entry comes first: what waiting costs.
  const parts = [
    { ...entry, name: 'nothing', dispatches: [], loops: [] },
    ...entry.dispatches.map((d, i) => alone(entry, d, i)),
  ]
  const executor = await open(
    { ...program, entries: [...program.entries, ...parts] },
    { ...options, entries: [name, ...parts.map((part) => part.name)] },
  )
  const smallest = smallestTensor(program, options)
  return {
    executor,
    async time(values) {
      // The whole once, so that each part finds what it reads.
      await executor.run(name, values)
      await executor.scalars()
      const times: number[] = []
      for (const part of parts) {
        await executor.read(smallest)
        const start = performance.now()
        await executor.run(part.name, values)
        await executor.read(smallest)
        times.push(performance.now() - start)
      }
      const [waiting, ...all] = times as [number, ...number[]]
      await executor.scalars()
      return entry.dispatches.map((dispatch, i) => ({ dispatch, milliseconds: Math.max(0, all[i]! - waiting) }))
    },
  }
}

/** One dispatch with the loops around it. */
function alone({ loops = [], ...entry }: Entry, dispatch: Dispatch, index: number): Entry {
  return {
    ...entry,
    name: `${entry.name} ${index}`,
    outputs: [],
    dispatches: [dispatch],
    // Bindings name loops by their place, so that all stay in the list; those elsewhere go round nothing.
    loops: loops.map((loop) =>
      loop.first <= index && index < loop.end ? { ...loop, first: 0, end: 1 } : { ...loop, first: 0, end: 0 },
    ),
  }
}

function smallestTensor(program: CompiledProgram, { dims }: OpenOptions): string {
  const readable = program.tensors.filter(({ role }) => role === 'parameter' || role === 'input' || role === 'output')
  const [first, ...others] = readable.length > 0 ? readable : program.tensors
  return others.reduce((a, b) => (elements(b.shape, dims) < elements(a.shape, dims) ? b : a), first!).name
}
