/**
 * Where a device has no timestamps: the entry is taken apart into entries of one dispatch each, and the host's clock runs
 * from the start of one until something small has come back, less what that takes alone. That varies by tens of microseconds,
 * so that a short dispatch is timed again, many times over in one run. What a run leaves for the next (parameters, moments)
 * is put back afterwards: a thousand updates by one gradient would leave numbers with which kernels take another time.
 */
import { arenasOf, type CompiledProgram, type Dispatch, type Entry, type TensorSlot } from '../abi.ts'
import type { Executor, OpenOptions, StepValues } from '../executor.ts'
import { elements, evaluate } from '../size.ts'
import type { TimedDispatch, Timer } from './timing.ts'

/** What takes less, in milliseconds, is timed again with so many turns, those of the loops around it included. */
const short = 0.5
const turns = [1, 32, 1024] as const

const lasting: ReadonlySet<TensorSlot['role']> = new Set(['parameter', 'state', 'carried', 'moment', 'gradient'])

export async function openByWall(
  program: CompiledProgram,
  open: (program: CompiledProgram, options: OpenOptions) => Promise<Executor>,
  options: OpenOptions,
): Promise<Timer> {
  const [name] = options.entries as readonly [string]
  const entry = program.entries.find((e) => e.name === name)!
  // An empty entry tells what waiting costs.
  const nothing: Entry = { ...entry, name: 'nothing', dispatches: [], loops: [] }
  const parts = entry.dispatches.map((dispatch, i) => {
    const own = Math.max(1, evaluate(dispatch.repeats ?? 1, options.dims))
    const counts = new Set(turns.map((count) => Math.ceil(count / own)))
    return { dispatch, repeated: [...counts].map((times) => ({ times, part: alone(entry, dispatch, i, times) })) }
  })
  const added = [nothing, ...parts.flatMap(({ repeated }) => repeated.map(({ part }) => part))]
  const executor = await open(
    { ...program, entries: [...program.entries, ...added] },
    { ...options, entries: [name, ...added.map((part) => part.name)] },
  )
  const smallest = smallestTensor(program, options)
  const clock = async (part: Entry, values: StepValues): Promise<number> => {
    await executor.read(smallest)
    const start = performance.now()
    await executor.run(part.name, values)
    await executor.read(smallest)
    return performance.now() - start
  }
  const arenas = new Set(arenasOf(program, [name]))
  const kept = program.tensors.filter(({ role, arena }) => lasting.has(role) && arenas.has(arena))
  return {
    executor,
    async time(values) {
      const before = await Promise.all(kept.map((tensor) => executor.read(tensor.name)))
      // The whole once, so that each part finds what it reads.
      await executor.run(name, values)
      await executor.scalars()
      // What disturbs only adds: the least is what it takes.
      let waiting = Number.POSITIVE_INFINITY
      for (let i = 0; i < 8; i++) waiting = Math.min(waiting, await clock(nothing, values))
      const timed: TimedDispatch[] = []
      for (const { dispatch, repeated } of parts) {
        let milliseconds = 0
        for (const { times, part } of repeated) {
          const all = (await clock(part, values)) - waiting
          milliseconds = Math.max(0, all) / times
          if (all >= short) break
        }
        timed.push({ dispatch, milliseconds })
      }
      await executor.scalars()
      for (const [i, tensor] of kept.entries()) executor.write(tensor.name, before[i]!)
      return timed
    },
  }
}

/** One dispatch with the loops around it, in each of their turns so many times. */
function alone({ loops = [], ...entry }: Entry, dispatch: Dispatch, index: number, times: number): Entry {
  return {
    ...entry,
    name: `${entry.name} ${index} × ${times}`,
    outputs: [],
    dispatches: [dispatch],
    // Bindings name loops by their place, so that all stay in the list; those elsewhere go round nothing.
    loops: [
      ...loops.map((loop) =>
        loop.first <= index && index < loop.end ? { ...loop, first: 0, end: 1 } : { ...loop, first: 0, end: 0 },
      ),
      { first: 0, end: 1, count: times, reverse: false },
    ],
  }
}

function smallestTensor(program: CompiledProgram, { dims }: OpenOptions): string {
  const readable = program.tensors.filter(({ role }) => role === 'parameter' || role === 'input' || role === 'output')
  const [first, ...others] = readable.length > 0 ? readable : program.tensors
  return others.reduce((a, b) => (elements(b.shape, dims) < elements(a.shape, dims) ? b : a), first!).name
}
