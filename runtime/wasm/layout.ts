/**
 * A program with WebAssembly code → where everything of a session lies in its one memory, in whole pages:
 *
 *     control words | arenas written by every run, their copies for uploads | other arenas | rows of scalars | work space of each thread | command lists
 *
 * The compiler certifies these very bytes; what threads need beside them is counted by thread, and command lists, like code, are not.
 */
import { type Arena, addSizes, arenasOf, type CompiledProgram, ringRows, type Size, scalarsOf } from '../abi.ts'
import { controlBytes } from './control.ts'

export const pageBytes = 65_536

type Planned = Omit<CompiledProgram, 'footprint'>

/** Written by the host before every run: an upload waits in a copy of the arena while the run before goes on. */
export const isUploaded = ({ role }: Arena): boolean => role === 'batch' || role === 'step'

/** What a session takes beside its arenas: control words, the copies, the rows of scalars, and the rest of the last page. */
export function wasmStaging(program: Planned, entries: readonly string[], arenaBytes: readonly Size[]): Size {
  const used = arenasOf(program, entries)
  const copies = used.filter((index) => isUploaded(program.arenas[index]!)).map((index) => arenaBytes[index]!)
  const staging = addSizes(controlBytes, ...copies, 4 * ringRows * scalarsOf(program, entries).length)
  const all = addSizes(staging, ...used.map((index) => arenaBytes[index]!))
  return addSizes(inPages(all), negative(all), staging)
}

/** Bytes that each thread takes besides. */
export const threadBytes = (program: Planned): number => pageBytes * Math.ceil(program.wasm!.workspace / pageBytes)

const inPages = (bytes: Size): Size =>
  typeof bytes === 'number'
    ? pageBytes * Math.ceil(bytes / pageBytes)
    : { terms: [[pageBytes, { floor: [addSizes(bytes, pageBytes - 1), pageBytes] }]] }
const negative = (bytes: Size): Size =>
  typeof bytes === 'number' ? -bytes : { terms: bytes.terms.map(([c, ...factors]) => [-c, ...factors]) }

export interface Layout {
  /** Address of each arena; absent where the session does not hold it. */
  readonly arenas: readonly (number | undefined)[]
  /** Where the copies of uploaded arenas begin (the arenas end there), and the bytes from an arena to its copy. */
  readonly mirror: number
  readonly mirrorDistance: number
  /** Where the rows of scalars begin, and the words of one. */
  readonly ring: number
  readonly rowWords: number
  /** The work space of the first thread. */
  readonly workspace: number
}

/** The addresses; arenas are as large as their greatest variant. */
export function layOut(program: CompiledProgram, entries: readonly string[], arenaBytes: readonly number[]): Layout {
  const used = arenasOf(program, entries)
  const arenas: number[] = []
  let end = controlBytes
  const place = (indices: readonly number[]) => {
    for (const index of indices) {
      arenas[index] = end
      end += arenaBytes[index]!
    }
  }
  place(used.filter((index) => isUploaded(program.arenas[index]!)))
  const mirror = end
  const mirrorDistance = end - controlBytes
  end += mirrorDistance
  place(used.filter((index) => !isUploaded(program.arenas[index]!)))
  const ring = end
  const rowWords = scalarsOf(program, entries).length
  end += 4 * ringRows * rowWords
  return { arenas, mirror, mirrorDistance, ring, rowWords, workspace: pageBytes * Math.ceil(end / pageBytes) }
}
