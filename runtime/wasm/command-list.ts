/**
 * An entry under given dims → the command list that every thread walks: which kernel, how many groups, how many of them to
 * take at once, and the address of each binding. Loops are written out, as they are for WebGPU. Lists → words in the memory.
 */
import { type CompiledProgram, type DimValues, type Dispatch, type Entry, turnBytes } from '../abi.ts'
import { inOrder } from '../commands.ts'
import { outputsOf } from '../make-executor.ts'
import { evaluate } from '../size.ts'
import type { Layout } from './layout.ts'

/** One run of an entry, as `control.ts` places it. */
export interface RunList {
  readonly commands: readonly number[]
  readonly scalars: readonly number[]
}

/** Less work than this, in nanoseconds of one thread, is not worth sharing. */
const worthSharing = 4000

/** Each thread comes back for more about so often: the last to finish is waited for, and taking costs little. */
const portions = 6

export function commandList(
  program: CompiledProgram,
  entry: Entry,
  dims: DimValues,
  { arenas }: Layout,
  scalarNames: readonly string[],
  threads: number,
  kernelOf: (pipeline: number) => number,
): RunList {
  const commands: number[] = []
  for (const { dispatch, turns } of inOrder(entry, dims)) {
    const groups = evaluate(dispatch.workgroups[0], dims)
    if (groups === 0) continue
    const share =
      threads > 1 && groups > 1 && nanoseconds(dispatch, dims) > worthSharing
        ? Math.ceil(groups / (threads * portions))
        : 0
    commands.push(kernelOf(dispatch.pipeline), groups, share, dispatch.bindings.length)
    for (const { arena, offset, turn } of dispatch.bindings)
      commands.push(arenas[arena]! + evaluate(offset, dims) + (turn === undefined ? 0 : turnBytes * turns[turn]!))
  }
  const scalars: number[] = []
  const outputs = outputsOf(program, entry)
  for (const [word, name] of scalarNames.entries()) {
    const slot = outputs.get(name)
    if (slot) scalars.push(arenas[slot.arena]! + evaluate(slot.offset, dims), 4 * word)
  }
  return { commands, scalars }
}

/** Words for the address `start`: a directory of the lists, their parts, and at last, at the address `poison`, pairs of words. */
export function placeLists(lists: readonly RunList[], pairs: readonly (readonly [number, number])[], start: number) {
  const parts = [...lists.flatMap(({ commands, scalars }) => [commands, scalars]), pairs.flat()]
  let end = start + 4 * parts.length
  const starts = parts.map(({ length }) => {
    const at = end
    end += 4 * length
    return at
  })
  return { words: Int32Array.from([starts, parts].flat(2)), poison: starts.at(-1)!, end }
}

/** About what one run of an entry takes a thread. */
export const runNanoseconds = ({ dispatches }: Entry, dims: DimValues): number =>
  dispatches.reduce((sum, d) => sum + nanoseconds({ ...d, repeats: 1 }, dims), 0)

/** About what one run of it takes a thread: 20 operations or 8 bytes a nanosecond, as measured on a laptop's core. */
function nanoseconds({ flops, bytes, repeats = 1 }: Dispatch, dims: DimValues): number {
  return (evaluate(flops, dims) / 20 + evaluate(bytes, dims) / 8) / Math.max(1, evaluate(repeats, dims))
}
