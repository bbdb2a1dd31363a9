/** The norm of all gradients together, as a graph over their flat arena (Pascanu et al., 2013, arXiv 1211.5063). */
import { symbol } from '../ir/dim.ts'
import type { LoweredPhase } from '../lowered.ts'
import { GraphBuilder } from '../ops/builder.ts'
import type { TrainDescription } from '../program.ts'
import type { GradientOf } from './update.ts'

/** The metric that carries ‖g‖₂ over all trainable parameters, before clipping. */
export const normName = 'gradient_norm'

export function normPhase(train: TrainDescription, gradientOf: GradientOf): LoweredPhase {
  const builder = new GraphBuilder()
  const norm = builder.withOrigin({ span: train.span, path: '', role: 'update' }, () => {
    const grad = gradientOf(builder, builder.input('grad', [symbol('N')], 'float', 'gradient'))
    return builder.sqrt(builder.sum(builder.mul(grad, grad), [0]))
  })
  return {
    graph: { name: 'norm', results: [{ name: normName, node: norm, role: 'metric' }], origins: builder.origins },
    flat: 'all',
  }
}
