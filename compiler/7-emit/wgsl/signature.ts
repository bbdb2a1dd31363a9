/**
 * A kernel → the key under which a better schedule for it is kept: its default text, the sizes of what the text leaves open,
 * and how its tensors lie in memory. Names and lines of the program are in none of these, so that equal kernels of
 * different programs share what was learnt.
 */
import type { EmittedKernel } from '../../lowered.ts'

export function signature({ stages, scratch }: EmittedKernel): string {
  const text = JSON.stringify([
    stages.map(({ wgsl, constants, workgroups }) => [
      wgsl,
      [...constants].map(([name, size]) => [name, size.key]),
      workgroups.map((size) => size.key),
    ]),
    scratch.map(({ elements, storage }) => [elements.key, storage]),
  ])
  return [0x811c9dc5, 0x01000193].map((start) => hash(text, start).toString(16).padStart(8, '0')).join('')
}

/** FNV-1a over the code units of a text, from some start. */
function hash(text: string, start: number): number {
  let value = start
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return value >>> 0
}
