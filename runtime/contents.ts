/** What a session's buffers hold before the first run, where that is not zero: constants, and moments that start elsewhere. */
import { type CompiledProgram, type DimValues, turnBytes } from './abi.ts'
import type { SessionMemory } from './memory.ts'
import { elements, evaluate } from './size.ts'
import type { Uploader } from './uploader.ts'

export function fillInitial(
  program: CompiledProgram,
  memory: SessionMemory,
  dims: DimValues,
  uploader: Uploader,
): void {
  program.arenas.forEach((arena, index) => {
    const buffer = memory.arenas[index]
    if (buffer && arena.role === 'turns') uploader.write(buffer, 0, turnNumbers(memory.arenaBytes[index]!))
    if (buffer && arena.contents)
      uploader.write(
        buffer,
        0,
        Uint8Array.from(atob(arena.contents), (c) => c.charCodeAt(0)),
      )
  })
  for (const { name, arena, initial } of program.moments) {
    const buffer = memory.arenas[arena]
    const slot = program.tensors.find((t) => t.role === 'moment' && t.name === name)
    if (!buffer || !slot || initial === 0) continue
    const values = new Float32Array(elements(slot.shape, dims)).fill(initial)
    uploader.write(buffer, evaluate(slot.offset, dims), new Uint8Array(values.buffer))
  }
}

/** 0, 1, 2, … where the kernels of a loop look for the number of their turn. */
function turnNumbers(bytes: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(bytes / 4)
  for (let turn = 0; turn * turnBytes < bytes; turn++) words[(turn * turnBytes) / 4] = turn
  return new Uint8Array(words.buffer)
}
