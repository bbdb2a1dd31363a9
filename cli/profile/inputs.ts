/** Numbers for the inputs of a program that is only timed: floats within ±1, whole numbers 0 and 1, which are valid classes everywhere. */
import type { Executor } from '../../runtime/executor.ts'
import { elements } from '../../runtime/size.ts'

export function fillInputs(executor: Executor, names: readonly string[]): void {
  const { program, dims } = executor
  for (const name of names) {
    const slot = program.tensors.find((t) => t.name === name && (t.role === 'input' || t.role === 'target'))
    if (!slot) continue
    const count = elements(slot.shape, dims)
    // A multiplicative step through the fractions: as good as random here, and the same every time.
    const numbers = Array.from({ length: count }, (_, i) => (i * 0.6180339887) % 1)
    if (slot.dtype === 'float')
      executor.write(
        name,
        Float32Array.from(numbers, (u) => 2 * u - 1),
      )
    else if (slot.dtype === 'int') executor.write(name, Int32Array.from(numbers, Math.round))
    else executor.write(name, Uint32Array.from(numbers, Math.round))
  }
}
