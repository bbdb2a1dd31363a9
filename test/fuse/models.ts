/** Small models as graphs, written as the standard library writes them: what goldens and dispatch counts are made of. */
import { differentiate } from '../../compiler/3-differentiate/differentiate.ts'
import { simplify } from '../../compiler/4-simplify/simplify.ts'
import { type Dim, dim, symbol } from '../../compiler/ir/dim.ts'
import type { Graph, Node, Result } from '../../compiler/ir/graph.ts'
import { GraphBuilder } from '../../compiler/ops/builder.ts'

export const batch = symbol('batch')
const dims = (...sizes: (number | Dim)[]): Dim[] => sizes.map((s) => (typeof s === 'number' ? dim(s) : s))

export class Model {
  readonly b = new GraphBuilder()
  readonly parameters: Node[] = []

  input(name: string, ...shape: (number | Dim)[]): Node {
    return this.b.input(name, dims(...shape))
  }
  parameter(path: string, ...shape: number[]): Node {
    const node = this.b.parameter(path, dims(...shape))
    this.parameters.push(node)
    return node
  }
  linear(x: Node, features: number, path: string): Node {
    const { b } = this
    const inputs = x.shape.at(-1)!.constant!
    const weight = this.parameter(`${path}.weight`, features, inputs)
    return b.add(b.matmul(x, b.permute(weight, [1, 0])), this.parameter(`${path}.bias`, features))
  }
  /** [batch, channels, H, W] → [batch, features, H', W']. */
  conv(x: Node, features: number, kernel: number, path: string, { stride = 1, padding = 0 } = {}): Node {
    const { b } = this
    const [n, channels, height, width] = x.shape as [Dim, Dim, Dim, Dim]
    const weight = this.parameter(`${path}.weight`, features, channels.constant!, kernel, kernel)
    const after = (size: Dim) => dim(Math.floor((size.constant! + 2 * padding - kernel) / stride) + 1)
    const plain = (axis: string) => ({ terms: [{ axis, stride: 1 }], offset: 0, divisor: 1 })
    const slid = (o: string, k: string) => ({
      terms: [
        { axis: o, stride },
        { axis: k, stride: 1 },
      ],
      offset: -padding,
      divisor: 1,
    })
    const y = b.contract(x, weight, {
      axes: [
        { name: 'n', size: n },
        { name: 'f', size: dim(features) },
        { name: 'y', size: after(height) },
        { name: 'x', size: after(width) },
        { name: 'c', size: channels },
        { name: 'i', size: dim(kernel) },
        { name: 'j', size: dim(kernel) },
      ],
      left: [plain('n'), plain('c'), slid('y', 'i'), slid('x', 'j')],
      right: [plain('f'), plain('c'), plain('i'), plain('j')],
      output: ['n', 'f', 'y', 'x'],
    })
    return b.add(y, b.reshape(this.parameter(`${path}.bias`, features), dims(features, 1, 1)))
  }
  windows(x: Node, size: number, stride: number, low = 0, fill = -3.4028234663852886e38): Node {
    const rows = this.b.window(x, { axis: 2, size, stride, dilation: 1, low, high: low, fill })
    return this.b.window(rows, { axis: 4, size, stride, dilation: 1, low, high: low, fill })
  }
  maxPool(x: Node, size: number, stride = size, low = 0): Node {
    return this.b.max(this.windows(x, size, stride, low), [3, 5])
  }
  relu(x: Node): Node {
    return this.b.maximum(x, 0)
  }
  gelu(x: Node): Node {
    return this.b.mul(this.b.mul(x, 0.5), this.b.add(this.b.erf(this.b.mul(x, Math.SQRT1_2)), 1))
  }
  softmax(x: Node): Node {
    const { b } = this
    const last = x.shape.length - 1
    const e = b.exp(b.sub(x, b.stopGradient(b.max(x, [last], true))))
    return b.div(e, b.sum(e, [last], true))
  }
  layerNorm(x: Node, path: string, eps = 1e-5): Node {
    const { b } = this
    const last = x.shape.length - 1
    const width = x.shape[last]!.constant!
    const centred = b.sub(x, b.mean(x, [last], true))
    const variance = b.mean(b.mul(centred, centred), [last], true)
    const y = b.mul(centred, b.rsqrt(b.add(variance, eps)))
    return b.add(b.mul(y, this.parameter(`${path}.weight`, width)), this.parameter(`${path}.bias`, width))
  }
  /** Over the batch and the image, with what the running statistics become. */
  batchNorm(x: Node, path: string): { y: Node; states: Result[] } {
    const { b } = this
    const channels = x.shape[1]!.constant!
    const axes = x.shape.map((_, axis) => axis).filter((axis) => axis !== 1)
    const spread = (v: Node) => b.reshape(v, dims(channels, ...axes.slice(1).map(() => 1)))
    const mean = b.mean(x, axes)
    const centred = b.sub(x, spread(mean))
    const variance = b.mean(b.mul(centred, centred), axes)
    const y = b.mul(centred, spread(b.rsqrt(b.add(variance, 1e-5))))
    const states = (
      [
        ['mean', mean],
        ['variance', variance],
      ] as const
    ).map(([name, now]): Result => {
      const old = b.state(`${path}.${name}`, dims(channels))
      return { name: `${path}.${name}`, node: b.add(b.mul(old, 0.9), b.mul(now, 0.1)), role: 'state', replaces: old }
    })
    return {
      y: b.add(
        b.mul(y, spread(this.parameter(`${path}.weight`, channels))),
        spread(this.parameter(`${path}.bias`, channels)),
      ),
      states,
    }
  }
  dropout(x: Node, rate: number, site: number): Node {
    const { b } = this
    const key = b.input('key', [dim(2)], 'uint', 'step')
    return b.select(b.lt(b.unitFloat(b.randomBits(key, site, x.shape)), rate), 0, b.div(x, 1 - rate))
  }
  crossEntropy(logits: Node, label: Node): Node {
    const { b } = this
    const last = logits.shape.length - 1
    const shifted = b.sub(logits, b.stopGradient(b.max(logits, [last], true)))
    const logP = b.sub(shifted, b.log(b.sum(b.exp(shifted), [last], true)))
    const here = b.eq(
      b.broadcast(
        label,
        logits.shape,
        label.shape.map((_, axis) => axis),
      ),
      b.iota(logits.shape, last),
    )
    const loss = b.neg(b.sum(b.select(here, logP, 0), [last]))
    return b.mean(
      loss,
      label.shape.map((_, axis) => axis),
    )
  }
  accuracy(logits: Node, label: Node): Node {
    const { b } = this
    const last = logits.shape.length - 1
    return b.mean(
      b.cast(b.eq(b.argmax(logits, [last]), label), 'float'),
      label.shape.map((_, axis) => axis),
    )
  }

  forward(name: string, ...outputs: Node[]): Graph {
    return simplify(
      this.b.graph(
        name,
        outputs.map((node, i) => ({ name: `output${i}`, node, role: 'output' })),
      ),
    )
  }
  /** Loss, metrics, gradients of all parameters, new states. */
  step(
    name: string,
    loss: Node,
    metrics: Readonly<Record<string, Node>> = {},
    states: readonly Result[] = [],
    wrt: readonly Node[] = this.parameters,
  ): Graph {
    const gradients = differentiate(this.b, loss, wrt)
    return simplify(
      this.b.graph(name, [
        { name: 'loss', node: loss, role: 'loss' },
        ...Object.entries(metrics).map(([metric, node]): Result => ({ name: metric, node, role: 'metric' })),
        ...gradients.map((node, i): Result => ({ name: `grad.${i}`, node, role: 'gradient' })),
        ...states,
      ]),
    )
  }
}

export function softmaxStep(): Graph {
  const m = new Model()
  const image = m.input('image', batch, 28, 28)
  const label = m.b.input('label', [batch], 'int', 'target')
  const logits = m.linear(m.b.reshape(image, [batch, dim(784)]), 10, 'linear')
  return m.step('softmax', m.crossEntropy(logits, label), { accuracy: m.accuracy(logits, label) })
}

export function adamUpdate(): Graph {
  const b = new GraphBuilder()
  const flat = [symbol('N')]
  const leaf = (name: string, role: 'input' | 'gradient' | 'moment' = 'input') => b.input(name, flat, 'float', role)
  const [param, grad, m, v] = [leaf('param'), leaf('grad', 'gradient'), leaf('m', 'moment'), leaf('v', 'moment')]
  const [rate, step] = [b.input('rate', [], 'float', 'step'), b.input('step', [], 'float', 'step')]
  const m1 = b.add(b.mul(m, 0.9), b.mul(grad, 0.1))
  const v1 = b.add(b.mul(v, 0.999), b.mul(b.mul(grad, grad), 0.001))
  const correction = (beta: number) => b.sub(1, b.exp(b.mul(step, Math.log(beta))))
  const size = b.add(b.div(b.sqrt(v1), b.sqrt(correction(0.999))), 1e-8)
  const next = b.sub(param, b.div(b.mul(b.div(rate, correction(0.9)), m1), size))
  return simplify(
    b.graph('adam', [
      { name: 'param', node: next, role: 'parameter', replaces: param },
      { name: 'm', node: m1, role: 'moment', replaces: m },
      { name: 'v', node: v1, role: 'moment', replaces: v },
    ]),
  )
}

export function convnetStep(): Graph {
  const m = new Model()
  const image = m.input('image', batch, 28, 28)
  const label = m.b.input('label', [batch], 'int', 'target')
  const x = m.b.reshape(image, [batch, dim(1), dim(28), dim(28)])
  const first = m.maxPool(m.relu(m.conv(x, 8, 5, 'conv1', { padding: 2 })), 2)
  const second = m.maxPool(m.relu(m.conv(first, 16, 5, 'conv2', { padding: 2 })), 2)
  const flat = m.b.reshape(second, [batch, dim(16 * 7 * 7)])
  const logits = m.linear(m.relu(m.linear(flat, 64, 'linear1')), 10, 'linear2')
  return m.step('convnet', m.crossEntropy(logits, label), { accuracy: m.accuracy(logits, label) })
}

/** Pre-norm feed-forward block on [batch, T, width] with a residual, and the mean square of its result as the loss. */
export function layerNormStep(): Graph {
  const m = new Model()
  const x = m.input('x', batch, symbol('T'), 32)
  const y = m.layerNorm(x, 'norm')
  return m.step('layernorm', m.b.mean(m.b.mul(y, y), [0, 1, 2]), {}, [], [...m.parameters, x])
}

export function feedForwardStep(): Graph {
  const m = new Model()
  const x = m.input('x', batch, symbol('T'), 32)
  const hidden = m.dropout(m.gelu(m.linear(m.layerNorm(x, 'norm'), 128, 'up')), 0.1, 1)
  const y = m.b.add(x, m.linear(hidden, 32, 'down'))
  return m.step('feedforward', m.b.mean(m.b.mul(y, y), [0, 1, 2]), {}, [], [...m.parameters, x])
}

export function attentionStep(): Graph {
  const m = new Model()
  const { b } = m
  const time = symbol('T')
  const x = m.input('x', batch, time, 32)
  const heads = (path: string) =>
    b.permute(b.reshape(m.linear(x, 32, path), [batch, time, dim(4), dim(8)]), [0, 2, 1, 3])
  const [q, k, v] = [heads('q'), heads('k'), heads('v')]
  const weight = m.softmax(b.mul(b.matmul(q, b.permute(k, [0, 1, 3, 2])), 8 ** -0.5))
  const joined = b.reshape(b.permute(b.matmul(weight, v), [0, 2, 1, 3]), [batch, time, dim(32)])
  const y = b.add(x, m.linear(joined, 32, 'o'))
  return m.step('attention', b.mean(b.mul(y, y), [0, 1, 2]))
}

export function batchNormStep(): Graph {
  const m = new Model()
  const x = m.input('x', batch, 6, 28, 28)
  const { y, states } = m.batchNorm(m.conv(x, 12, 3, 'conv', { padding: 1 }), 'norm')
  const z = m.relu(y)
  return m.step('batchnorm', m.b.mean(m.b.mul(z, z), [0, 1, 2, 3]), {}, states)
}

export function embeddingStep(): Graph {
  const m = new Model()
  const token = m.b.input('token', [batch, symbol('T')], 'int')
  const table = m.parameter('embedding.weight', 50, 16)
  const y = m.layerNorm(m.b.gather(table, token, 0), 'norm')
  return m.step('embedding', m.b.mean(m.b.mul(y, y), [0, 1, 2]))
}

/** Windows that overlap, padded: forward and gradient. */
export function overlappingPoolStep(): Graph {
  const m = new Model()
  const x = m.input('x', batch, 4, 15, 15)
  const y = m.maxPool(x, 3, 2, 1)
  return m.step('pool', m.b.mean(m.b.mul(y, y), [0, 1, 2, 3]), {}, [], [x])
}

export function averagePoolStep(): Graph {
  const m = new Model()
  const x = m.input('x', batch, 4, 16, 16)
  const y = m.b.mean(m.windows(m.relu(m.conv(x, 4, 3, 'conv', { stride: 1, padding: 1 })), 2, 2, 0, 0), [3, 5])
  return m.step('average', m.b.mean(m.b.mul(y, y), [0, 1, 2, 3]))
}

export function stridedConvStep(): Graph {
  const m = new Model()
  const x = m.input('x', batch, 3, 17, 17)
  const y = m.relu(m.conv(x, 8, 3, 'conv', { stride: 2, padding: 1 }))
  return m.step('strided', m.b.mean(m.b.mul(y, y), [0, 1, 2, 3]), {}, [], [...m.parameters, x])
}

export function convBiasRelu(): Graph {
  const m = new Model()
  return m.forward('conv', m.relu(m.conv(m.input('x', batch, 3, 9, 9), 4, 3, 'conv', { padding: 1 })))
}

/** A pre-norm transformer of some layers on embedded tokens, with the cross-entropy of the next token as its loss. */
export function transformerStep(layers: number): Graph {
  const m = new Model()
  const { b } = m
  const time = symbol('T')
  const token = b.input('token', [batch, time], 'int')
  const label = b.input('label', [batch, time], 'int', 'target')
  let x = b.gather(m.parameter('embedding', 100, 32), token, 0)
  for (let layer = 0; layer < layers; layer++) {
    const normed = m.layerNorm(x, `norm1.${layer}`)
    const heads = (path: string) =>
      b.permute(b.reshape(m.linear(normed, 32, `${path}.${layer}`), [batch, time, dim(4), dim(8)]), [0, 2, 1, 3])
    const weight = m.softmax(b.mul(b.matmul(heads('q'), b.permute(heads('k'), [0, 1, 3, 2])), 8 ** -0.5))
    const joined = b.reshape(b.permute(b.matmul(weight, heads('v')), [0, 2, 1, 3]), [batch, time, dim(32)])
    x = b.add(x, m.dropout(m.linear(joined, 32, `o.${layer}`), 0.1, 2 * layer))
    x = b.add(
      x,
      m.dropout(
        m.linear(m.gelu(m.linear(m.layerNorm(x, `norm2.${layer}`), 128, `up.${layer}`)), 32, `down.${layer}`),
        0.1,
        2 * layer + 1,
      ),
    )
  }
  const logits = m.linear(m.layerNorm(x, 'norm'), 100, 'head')
  return m.step('transformer', m.crossEntropy(logits, label), { accuracy: m.accuracy(logits, label) })
}
