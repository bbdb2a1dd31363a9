/**
 * A variable's record and the run's seed → its first values. Each variable draws from a stream named by its path, so a
 * value depends on neither the order of the variables nor the presence of others, and is the same on every machine.
 */
import type { VariableRecord } from './abi.ts'
import type { TensorData } from './executor.ts'
import { randomStream } from './random.ts'

export function initialValues(variable: VariableRecord, seed: number): TensorData {
  const count = variable.shape.reduce((product, size) => product * size, 1)
  const values = allocate(variable.dtype, count)
  const { initial } = variable
  switch (initial.kind) {
    case 'constant':
      values.fill(initial.value)
      return values
    case 'literal':
      if (initial.values.length !== count) {
        throw new Error(`${variable.path}: ${initial.values.length} literal values for ${count} elements`)
      }
      values.set(initial.values)
      return values
    case 'uniform': {
      const { uniform } = randomStream(seed, variable.path)
      const width = initial.high - initial.low
      for (let i = 0; i < count; i++) values[i] = initial.low + width * uniform()
      return values
    }
    case 'normal': {
      const { normal } = randomStream(seed, variable.path)
      for (let i = 0; i < count; i++) values[i] = initial.mean + initial.deviation * normal()
      return values
    }
    case 'truncated_normal': {
      const { truncatedNormal } = randomStream(seed, variable.path)
      for (let i = 0; i < count; i++) values[i] = initial.mean + initial.deviation * truncatedNormal()
      return values
    }
    default:
      return initial satisfies never
  }
}

function allocate(dtype: VariableRecord['dtype'], count: number): TensorData {
  switch (dtype) {
    case 'float':
      return new Float32Array(count)
    case 'int':
      return new Int32Array(count)
    case 'uint':
    case 'bool':
      return new Uint32Array(count)
    default:
      return dtype satisfies never
  }
}
