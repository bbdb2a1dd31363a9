/**
 * The optimizer as graphs over the flat parameter arena: one elementwise program per group of parameters, preceded by
 * the global gradient norm where the block clips (Pascanu et al., 2013, arXiv 1211.5063).
 */
import { symbol } from '../ir/dim.ts'
import type { Graph, Node, Result } from '../ir/graph.ts'
import type { LoweredPhase, UpdateGroup } from '../lowered.ts'
import { GraphBuilder } from '../ops/builder.ts'
import { transplant } from '../ops/transplant.ts'
import type { ParameterPort, Program, TrainDescription } from '../program.ts'

/** The metric that carries ‖g‖₂ over all trainable parameters, before clipping. */
const normName = 'gradient_norm'

export function updatePhases(
  program: Program,
  train: TrainDescription,
  groups: readonly UpdateGroup[],
  trainable: readonly ParameterPort[],
): LoweredPhase[] {
  if (trainable.length === 0) return []
  const clip = train.clipNorm
  return [
    ...(clip === undefined ? [] : [normPhase(train)]),
    ...groups.map((group) => groupPhase(program, train, group)),
  ]
}

function normPhase(train: TrainDescription): LoweredPhase {
  const builder = new GraphBuilder()
  const norm = builder.withOrigin({ span: train.span, path: '', role: 'update' }, () => {
    const grad = builder.input('grad', [symbol('N')], 'float', 'gradient')
    return builder.sqrt(builder.sum(builder.mul(grad, grad), [0]))
  })
  return {
    graph: { name: 'norm', results: [{ name: normName, node: norm, role: 'metric' }], origins: builder.origins },
    flat: 'all',
  }
}

function groupPhase(program: Program, train: TrainDescription, group: UpdateGroup): LoweredPhase {
  const rule = program.optimizer(train.optimizer)
  const builder = new GraphBuilder()
  return builder.withOrigin({ span: train.optimizer.span, path: '', role: 'update' }, () => {
    const flat = [symbol('N')]
    const param = builder.input('param', flat, 'float', 'input')
    const grad = builder.input('grad', flat, 'float', 'gradient')
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
      { name: 'param', node: moved.get(rule.result)!, role: 'parameter', replaces: param },
      ...rule.moments.map(
        (m, i): Result => ({ name: m.name, node: moved.get(m.next)!, role: 'moment', replaces: moments[i]! }),
      ),
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
