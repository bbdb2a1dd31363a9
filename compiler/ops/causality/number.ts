/** A context in which ops are evaluated on numbers alone. */
import type { EvaluationContext } from '../op.ts'

export const emptyContext: EvaluationContext = {
  size: (dim) => dim.constant ?? Number.NaN,
  allocate: (_dtype, elements) => new Float64Array(elements),
  leaf: () => {
    throw new Error('a number has no leaves')
  },
}
