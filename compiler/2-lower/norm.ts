/**
 * The norm of all gradients together, as a graph over their flat arena (Pascanu et al., 2013, arXiv 1211.5063), and that of
 * each parameter's, where it is to be recorded.
 */
import { symbol } from '../ir/dim.ts'
import type { Result } from '../ir/graph.ts'
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

/** Gradients by parameter → their norms, as metrics `gradient_norm.PATH`. */
export function parameterNorms(builder: GraphBuilder, gradients: readonly Result[], gradientOf: GradientOf): Result[] {
  return gradients.map(({ name, node }) => {
    const gradient = gradientOf(builder, node)
    const axes = gradient.shape.map((_, axis) => axis)
    const norm = builder.sqrt(builder.sum(builder.mul(gradient, gradient), axes))
    return { name: `${normName}.${name.slice('grad.'.length)}`, node: norm, role: 'metric' }
  })
}
