/**
 * A small network as checking would give it, made by hand so that these tests need no front end: two layers with
 * dropout and a running mean, cross-entropy, momentum with bias towards its first value, clipping, two rates.
 */

import { type Dim, dim, symbol } from '../../compiler/ir/dim.ts'
import type { Node } from '../../compiler/ir/graph.ts'
import { GraphBuilder } from '../../compiler/ops/builder.ts'
import type { ModelGraph, OptimizerGraph, ParameterPort, Program, TrainDescription } from '../../compiler/program.ts'
import type { Span } from '../../grammar/source.ts'

const span: Span = { source: { path: 'small.dlm', text: '' }, start: 0, end: 0 }
const [features, hidden, classes] = [5, 7, 3]

function model(training: boolean): ModelGraph {
  const g = new GraphBuilder()
  const batch = symbol('batch')
  const port = (path: string, shape: readonly number[]): ParameterPort => ({
    path,
    node: g.parameter(
      path,
      shape.map((n) => dim(n)),
    ),
    shape,
    initial: { kind: 'normal', mean: 0, deviation: 0.5 },
    span,
  })
  const x = g.input('x', [batch, dim(features)])
  const label = g.input('label', [batch], 'int', 'target')
  const key = g.input('key', [dim(2)], 'uint', 'step')
  const [w1, b1, w2, b2] = [
    port('w1', [features, hidden]),
    port('b1', [hidden]),
    port('w2', [hidden, classes]),
    port('b2', [classes]),
  ]
  const mean = g.state('running', [dim(hidden)])

  const h = g.maximum(g.add(g.matmul(x, w1.node), b1.node), 0)
  const centred = g.sub(h, g.stopGradient(mean))
  const kept = g.ge(g.unitFloat(g.randomBits(key, 0, [batch, dim(hidden)] as Dim[])), 0.25)
  const dropped = training ? g.select(kept, g.div(centred, 0.75), 0) : centred
  const logits = g.add(g.matmul(dropped, w2.node), b2.node)
  const shifted = g.sub(logits, g.max(logits, [1], true))
  const logProbability = g.sub(shifted, g.log(g.sum(g.exp(shifted), [1], true)))
  const isLabel = g.eq(g.iota([batch, dim(classes)], 1), g.reshape(label, [batch, dim(1)]))
  const loss = g.neg(g.mean(g.sum(g.select(isLabel, logProbability, 0), [1]), [0]))
  const accuracy = g.mean(g.cast(g.eq(g.argmax(logits, [1]), label), 'float'), [0])
  const next = g.add(g.mul(mean, 0.9), g.mul(g.stopGradient(g.mean(h, [0])), 0.1))
  const named = (name: string, node: Node) => ({ name, node, span })
  return {
    name: 'Small',
    builder: g,
    span,
    documentation: undefined,
    arguments: new Map(),
    training,
    requirements: [],
    dims: ['batch'],
    inputs: [{ ...named('x', x), shape: x.shape, dtype: 'float' }],
    portsDependOnTraining: false,
    targets: [{ ...named('label', label), shape: label.shape, dtype: 'int' }],
    parameters: [w1, b1, w2, b2],
    states: [
      {
        path: 'running',
        node: mean,
        shape: [hidden],
        initial: { kind: 'constant', value: 0 },
        span,
        dtype: 'float',
        next: training ? next : undefined,
      },
    ],
    outputs: [named('logits', logits)],
    exposed: [],
    carries: [],
    loss,
    lossTerms: [named('loss', loss)],
    metrics: [named('accuracy', accuracy)],
    layers: [],
    randomKey: training ? key : undefined,
    origins: g.origins,
  }
}

/** v' = 0.9·v + g, with v from 0.125; p' = p − rate·v'/(1 + 1/step). */
function momentum(): OptimizerGraph {
  const g = new GraphBuilder()
  const flat = [symbol('N')]
  const [param, grad, moment] = [
    g.input('param', flat),
    g.input('grad', flat, 'float', 'gradient'),
    g.input('v', flat, 'float', 'moment'),
  ]
  const [rate, step] = [g.input('rate', [], 'float', 'step'), g.input('step', [], 'float', 'step')]
  const next = g.add(g.mul(moment, 0.9), grad)
  const result = g.sub(param, g.mul(rate, g.div(next, g.add(g.div(1, step), 1))))
  return {
    param,
    grad,
    rate,
    step,
    result,
    moments: [{ name: 'v', node: moment, next, initial: 0.125 }],
    origins: g.origins,
  }
}

export const train: TrainDescription = {
  name: undefined,
  span,
  model: { name: 'Small', arguments: new Map() },
  data: undefined,
  optimizer: {
    module: 'momentum',
    arguments: new Map(),
    rate: { kind: 'constant', rate: 0.1 },
    overrides: [{ pattern: 'w2', rate: { kind: 'constant', rate: 0.01 } }],
    span,
  },
  batch: 4,
  epochs: 1,
  steps: undefined,
  seed: 1,
  clipNorm: 0.5,
  precision: 'float32',
  validateEvery: undefined,
  averageLast: undefined,
  record: [],
  load: undefined,
  freeze: ['b2'],
  dims: new Map(),
}

export const smallNetwork: Program = {
  path: 'small.dlm',
  text: '',
  models: ['Small'],
  trains: [train],
  data: new Map(),
  tests: [],
  diagnostics: [],
  model: (_, { training }) => model(training),
  optimizer: momentum,
}
