/**
 * The optimizer as graphs over the flat parameter arena: one elementwise program per group of parameters, preceded by
 * the global gradient norm where the block clips or gradients may be no numbers.
 */
import { symbol } from '../ir/dim.ts'
import type { Graph, Node, Result } from '../ir/graph.ts'
import type { LoweredPhase, UpdateGroup } from '../lowered.ts'
import { GraphBuilder } from '../ops/builder.ts'
import { transplant } from '../ops/transplant.ts'
import type { ParameterPort, Program, TrainDescription } from '../program.ts'
import { ifFinite, unscaled } from './loss-scale.ts'
import { normName, normPhase } from './norm.ts'

/** What the optimizer takes for the gradient, of what lies in the gradients' arena. */
export type GradientOf = (builder: GraphBuilder, gradient: Node) => Node

export function updatePhases(
  program: Program,
  train: TrainDescription,
  groups: readonly UpdateGroup[],
  trainable: readonly ParameterPort[],
  /** The gradients are those of a scaled loss, and may be no numbers. */
  scaled: boolean,
): LoweredPhase[] {
  if (trainable.length === 0) return []
  const gradientOf: GradientOf = scaled ? unscaled : (_, gradient) => gradient
  return [
    ...(train.clipNorm === undefined && !scaled ? [] : [normPhase(train, gradientOf)]),
    ...groups.map((group) => groupPhase(program, train, group, scaled ? ifFinite : (_, next) => next, gradientOf)),
  ]
}

function groupPhase(
  program: Program,
  train: TrainDescription,
  group: UpdateGroup,
  guard: typeof ifFinite,
  gradientOf: GradientOf,
): LoweredPhase {
  const rule = program.optimizer(train.optimizer)
  const builder = new GraphBuilder()
  return builder.withOrigin({ span: train.optimizer.span, path: '', role: 'update' }, () => {
    const flat = [symbol('N')]
    const param = builder.input('param', flat, 'float', 'input')
    const grad = gradientOf(builder, builder.input('grad', flat, 'float', 'gradient'))
    const moments = rule.moments.map((m) => builder.input(m.name, flat, 'float', 'moment'))
    const replacements = new Map<Node, Node>([
      [rule.param, param],
      [rule.grad, train.clipNorm === undefined ? grad : builder.mul(grad, clipFactor(builder, train.clipNorm))],
      [rule.rate, builder.input('rate', [], 'float', 'step')],
      [rule.step, builder.input('step', [], 'float', 'step')],
      ...rule.moments.map((m, i): [Node, Node] => [m.node, moments[i]!]),
    ])
    const moved = transplant(builder, [rule.result, ...rule.moments.map((m) => m.next)], rule.origins, replacements)
    const results: Result[] = [
      { name: 'param', node: guard(builder, moved.get(rule.result)!, param), role: 'parameter', replaces: param },
      ...rule.moments.map((m, i): Result => {
        const was = moments[i]!
        return { name: m.name, node: guard(builder, moved.get(m.next)!, was), role: 'moment', replaces: was }
      }),
    ]
    const graph: Graph = { name: `update.${group.index}`, results, origins: builder.origins }
    return { graph, flat: group }
  })
}

/** min(1, clip / (norm + 1e-6)), as the common implementations have it; the small term keeps a zero norm finite. */
function clipFactor(builder: GraphBuilder, clip: number): Node {
  const norm = builder.input(normName, [], 'float', 'step')
  const ratio = builder.div(builder.constant(clip, 'float'), builder.add(norm, builder.constant(1e-6, 'float')))
  return builder.minimum(ratio, builder.constant(1, 'float'))
}
