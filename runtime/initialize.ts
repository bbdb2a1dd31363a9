/**
 * A variable's record and the run's seed → its first values. Each variable draws from a stream named by its path, so a
 * value depends on neither the order of the variables nor the presence of others, and is the same on every machine.
 */
import type { VariableRecord } from './abi.ts'
import type { TensorData } from './executor.ts'
import { randomStream } from './random.ts'
import { arrayOf } from './transfer.ts'

export function initialValues(variable: VariableRecord, seed: number): TensorData {
  const count = variable.shape.reduce((product, size) => product * size, 1)
  const values: TensorData = new arrayOf[variable.dtype](count)
  const { initial } = variable
  const { uniform, normal, truncatedNormal } = randomStream(seed, variable.path)
  const drawn = (start: number, scale: number, draw: () => number): TensorData => {
    for (let i = 0; i < count; i++) values[i] = start + scale * draw()
    return values
  }
  switch (initial.kind) {
    case 'constant':
      return values.fill(initial.value)
    case 'literal':
      if (initial.values.length !== count)
        throw new Error(`${variable.path}: ${initial.values.length} literals for ${count} elements`)
      values.set(initial.values)
      return values
    case 'uniform':
      return drawn(initial.low, initial.high - initial.low, uniform)
    case 'normal':
      return drawn(initial.mean, initial.deviation, normal)
    case 'truncated_normal':
      return drawn(initial.mean, initial.deviation, truncatedNormal)
    default:
      return initial satisfies never
  }
}
