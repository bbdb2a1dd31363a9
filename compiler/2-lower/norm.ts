/**
 * The norm of all gradients together, as a graph over their flat arena (Pascanu et al., 2013, arXiv 1211.5063), and, where
 * they are to be recorded, that of each parameter's and of each carry's after every step of its recurrence.
 */
import { dim, one, symbol, zero } from '../ir/dim.ts'
import type { Node, Result } from '../ir/graph.ts'
import type { LoweredPhase } from '../lowered.ts'
import { GraphBuilder } from '../ops/builder.ts'
import type { CarryTarget } from '../ops/carry-target.ts'
import type { CarryPort, TrainDescription } from '../program.ts'
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

/** What precedes a carry's name in that of the tensor of its norms. */
const carryNormName = 'carry_gradient_norm'

/**
 * ‖∂L/∂h_t‖ of a carry at each position of its sequence, over the whole batch: as exposed values, for a sequence has any
 * length. Gradients that vanish have squares that vanish long before; so the greatest element is taken out first.
 */
export function carryNorms(
  builder: GraphBuilder,
  carries: readonly CarryPort[],
  cotangents: ReadonlyMap<CarryTarget, Node>,
  gradientOf: GradientOf,
): Result[] {
  return carries.map(({ name, target, layers, depth }) => {
    const gradient = layers.reduce(
      (all, layer) => partOf(builder, all, layer),
      gradientOf(builder, cotangents.get(target)!),
    )
    const { shape } = gradient
    const axes = shape.map((_, axis) => axis).slice(depth)
    const greatest = builder.max(builder.abs(gradient), axes)
    const scale = builder.select(builder.eq(greatest, 0), 1, greatest)
    const unit = builder.div(
      gradient,
      builder.broadcast(
        scale,
        shape,
        shape.slice(0, depth).map((_, axis) => axis),
      ),
    )
    const norm = builder.mul(scale, builder.sqrt(builder.sum(builder.mul(unit, unit), axes)))
    return { name: `${carryNormName}.${name}`, node: norm, role: 'exposed' }
  })
}

/** One index of the first axis. */
function partOf(builder: GraphBuilder, whole: Node, index: number): Node {
  const [, ...rest] = whole.shape
  const own = builder.slice(whole, [dim(index), ...rest.map(() => zero)], [one, ...rest])
  return builder.reshape(own, rest)
}
