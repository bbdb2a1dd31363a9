/** What a session's memory holds before the first run, where that is not zero: constants, and moments that start elsewhere. */
import { type CompiledProgram, type DimValues, turnBytes } from './abi.ts'
import { elements, evaluate } from './size.ts'

/** `write` passes over arenas that the session does not hold. */
export function fillInitial(
  program: CompiledProgram,
  dims: DimValues,
  arenaBytes: readonly number[],
  write: (arena: number, offset: number, bytes: Uint8Array<ArrayBuffer>) => void,
): void {
  program.arenas.forEach(({ role, contents }, index) => {
    if (role === 'turns') write(index, 0, turnNumbers(arenaBytes[index]!))
    if (contents) write(index, 0, bytesOfBase64(contents))
  })
  for (const { name, arena, initial } of program.moments) {
    const slot = program.tensors.find((t) => t.role === 'moment' && t.name === name)
    if (!slot || initial === 0) continue
    const values = new Float32Array(elements(slot.shape, dims)).fill(initial)
    write(arena, evaluate(slot.offset, dims), new Uint8Array(values.buffer))
  }
}

export const bytesOfBase64 = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text), (c) => c.charCodeAt(0))

/** 0, 1, 2, … where the kernels of a loop look for the number of their turn. */
function turnNumbers(bytes: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(bytes / 4)
  for (let turn = 0; turn * turnBytes < bytes; turn++) words[(turn * turnBytes) / 4] = turn
  return new Uint8Array(words.buffer)
}
