/**
 * Mixed precision's loss scale, as part of the program: gradients are those of `loss · scale`, so that small ones do not
 * vanish in 16 bits; a step whose gradients are not all finite changes nothing but the scale, which it halves; after
 * 2,000 good steps in a row the scale doubles (Micikevicius et al., 2018, arXiv 1710.03740, section 3.2).
 *
 * before: gradients → update        after: scale → 16-bit weights → gradients → norm → update if finite → next scale
 *
 * The scale is a moment like the optimizer's: data that a checkpoint keeps, never a constant of a kernel. It is a power of
 * two, so scaling is exact.
 */
import { symbol } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import type { LoweredPhase, UpdateGroup } from '../lowered.ts'
import { GraphBuilder } from '../ops/builder.ts'
import type { TrainDescription } from '../program.ts'
import { normName } from './norm.ts'

const first = 65536
/** Where the scale stays at most: its square is far from float32's end. */
const greatest = 2 ** 24
const patience = 2000

/** The metric that carries the scale of a step. */
const scaleName = 'loss_scale'

/** What the scale is in this step, for a graph that comes after the first phase. */
const lossScale = (builder: GraphBuilder): Node => builder.input(scaleName, [], 'float', 'step')

/** What gradients are taken of. */
export const scaledLoss = (builder: GraphBuilder, loss: Node): Node => builder.mul(loss, lossScale(builder))

/** The gradient of the loss itself. */
export const unscaled = (builder: GraphBuilder, gradient: Node): Node => builder.div(gradient, lossScale(builder))

/** The next value of a parameter or moment: what it was, where a gradient is not finite. */
export function ifFinite(builder: GraphBuilder, next: Node, was: Node): Node {
  const finite = builder.isFinite(builder.input(normName, [], 'float', 'step'))
  return builder.select(builder.broadcast(finite, was.shape, []), next, was)
}

export interface Scaling {
  readonly group: UpdateGroup
  readonly before: readonly LoweredPhase[]
  readonly after: readonly LoweredPhase[]
}

/** The phases around a step, and the group that holds the scale and the number of good steps in a row. */
export function scaling(train: TrainDescription, index: number): Scaling {
  const group: UpdateGroup = {
    index,
    parameters: [],
    moments: [
      { name: scaleName, initial: first },
      { name: 'good_steps', initial: 0 },
    ],
  }
  const phase = (make: (builder: GraphBuilder) => LoweredPhase): LoweredPhase => {
    const builder = new GraphBuilder()
    return builder.withOrigin({ span: train.span, path: '', role: 'update' }, () => make(builder))
  }
  const one = [symbol('N')]
  return {
    group,
    before: [
      phase((b) => {
        const scale = b.sum(b.input(scaleName, one, 'float', 'moment'), [0])
        return {
          graph: { name: 'scale', results: [{ name: scaleName, node: scale, role: 'metric' }], origins: b.origins },
          flat: group,
        }
      }),
      phase((b) => {
        const half = b.input('param', one, 'float', 'input')
        return {
          graph: { name: 'half', results: [{ name: 'half', node: half, role: 'half' }], origins: b.origins },
          flat: 'all',
        }
      }),
    ],
    after: [
      phase((b) => {
        const scale = b.input(scaleName, one, 'float', 'moment')
        const good = b.input('good_steps', one, 'float', 'moment')
        const finite = b.broadcast(b.isFinite(b.input(normName, [], 'float', 'step')), one, [])
        const enough = b.le(b.constant(patience - 1, 'float'), good)
        const grown = b.select(enough, b.minimum(b.mul(scale, 2), greatest), scale)
        const shrunk = b.maximum(b.mul(scale, 0.5), 1)
        const next = b.select(finite, grown, shrunk)
        const count = b.select(b.and(finite, b.not(enough)), b.add(good, 1), b.mul(good, 0))
        return {
          graph: {
            name: 'next-scale',
            results: [
              { name: scaleName, node: next, role: 'moment', replaces: scale },
              { name: 'good_steps', node: count, role: 'moment', replaces: good },
            ],
            origins: b.origins,
          },
          flat: group,
        }
      }),
    ],
  }
}
