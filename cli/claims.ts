/** Who compiles which part of which module: two threads of `dlmc compile` take them from one list in shared memory. */
import type { ModulePart } from '../compiler/modules.ts'

export const moduleParts: readonly ModulePart[] = ['whole', 'exposing', 'stepping']

/** Whether nobody had it yet: a module, which is claimed by its whole, or another part of one. */
export const claim = (claimed: Int32Array, at: number, part: ModulePart): boolean =>
  Atomics.compareExchange(claimed, at * moduleParts.length + moduleParts.indexOf(part), 0, 1) === 0

/** Whether a list has room for so many modules. */
export const hasRoom = (claimed: Int32Array, modules: number): boolean => claimed.length >= modules * moduleParts.length
