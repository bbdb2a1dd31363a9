import type { KernelSlot } from './kernel.ts'

/** Uniform buffers that WebGPU guarantees a stage. */
const mostNumbers = 12

/**
 * How many storage buffers a kernel's slots take: numbers that are the same for all lanes take none, so long as they are no more than
 * a stage may bind beside them.
 */
export function countTensors(slots: readonly KernelSlot[]): number {
  let numbers = 0
  for (let i = 0; i < slots.length; i++) if (slots[i]!.uniform) numbers += 1
  return numbers > mostNumbers ? slots.length : slots.length - numbers
}
