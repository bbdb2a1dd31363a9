/** Gradients of whole programs against central differences, zeros that stay implicit, and provenance. */
import { describe, expect, it } from 'vitest'
import { differentiate } from '../../compiler/3-differentiate/differentiate.ts'
import { simplify } from '../../compiler/4-simplify/simplify.ts'
import { dim, symbol } from '../../compiler/ir/dim.ts'
import { type Node, nodesOf } from '../../compiler/ir/graph.ts'
import { printGraph } from '../../compiler/ir/print-graph.ts'
import { GraphBuilder } from '../../compiler/ops/builder.ts'
import type { Value } from '../../compiler/ops/op.ts'
import { evaluate } from '../../compiler/reference/evaluate.ts'
import { gradientMismatches } from '../ops/gradient-check.ts'
import { drawValue, generator } from '../ops/sample-graph.ts'

function draw(nodes: readonly Node[], seed = 3): Map<Node, Value> {
  const random = generator(seed)
  return new Map(
    nodes.map((node) => [
      node,
      drawValue(
        {
          shape: node.shape.map((size) => size.constant!),
          dtype: node.dtype,
          range: node.dtype === 'int' ? [0, 2] : [-1, 1],
        },
        random,
      ),
    ]),
  )
}
const axesOf = (node: Node) => node.shape.map((_, axis) => axis)

/** log-softmax cross-entropy over the last axis, as the standard library composes it. */
function crossEntropy(b: GraphBuilder, logits: Node, label: Node): Node {
  const last = [logits.shape.length - 1]
  const shifted = b.sub(logits, b.stopGradient(b.max(logits, last, true)))
  const logProbability = b.sub(shifted, b.log(b.sum(b.exp(shifted), last, true)))
  const hot = b.eq(b.iota(logits.shape, 1), b.reshape(label, [...label.shape, dim(1)]))
  return b.neg(b.mean(b.sum(b.select(hot, logProbability, 0), last), [0]))
}

describe('gradients of programs', () => {
  it('of a two-layer classifier are its central differences, and softmax minus one-hot at the logits', () => {
    const b = new GraphBuilder()
    const inputs = [
      b.input('x', [dim(5), dim(7)]),
      b.parameter('w1', [dim(7), dim(4)]),
      b.parameter('b1', [dim(4)]),
      b.parameter('w2', [dim(4), dim(3)]),
      b.input('label', [dim(5)], 'int'),
    ]
    const [x, w1, b1, w2, label] = inputs as [Node, Node, Node, Node, Node]
    const logits = b.matmul(b.maximum(b.add(b.matmul(x, w1), b1), 0), w2)
    const loss = crossEntropy(b, logits, label)
    const values = draw(inputs)
    expect(gradientMismatches(b, loss, inputs, values)).toEqual([])

    const [gradient] = differentiate(b, loss, [logits])
    const [found, at, labels] = evaluate([gradient!, logits, label], { leaf: (node) => values.get(node)! })
    for (let row = 0; row < 5; row++) {
      const exps = [0, 1, 2].map((k) => Math.exp(at!.data[row * 3 + k]!))
      const sum = exps.reduce((p, q) => p + q)
      for (let k = 0; k < 3; k++)
        expect(found!.data[row * 3 + k]).toBeCloseTo((exps[k]! / sum - (labels!.data[row] === k ? 1 : 0)) / 5, 12)
    }
  })
  it('of layer norm, attention and a pooled convolution are their central differences', () => {
    const b = new GraphBuilder()
    const x = b.input('x', [dim(2), dim(3), dim(4)])
    const centred = b.sub(x, b.mean(x, [2], true))
    const normed = b.mul(centred, b.rsqrt(b.add(b.mean(b.mul(centred, centred), [2], true), 1e-5)))
    const score = b.mul(b.matmul(normed, b.permute(x, [0, 2, 1])), 0.5)
    const weight = b.exp(b.sub(score, b.max(score, [2], true)))
    const attended = b.matmul(b.div(weight, b.sum(weight, [2], true)), x)
    const pooled = b.max(
      b.window(attended, { axis: 2, size: 2, stride: 2, dilation: 1, low: 0, high: 0, fill: 0 }),
      [3],
    )
    const loss = b.sum(b.sin(b.mul(pooled, 3)), axesOf(pooled))
    expect(gradientMismatches(b, loss, [x], draw([x]))).toEqual([])
  })
  it('of an embedding add up where an index repeats', () => {
    const b = new GraphBuilder()
    const inputs = [b.parameter('table', [dim(3), dim(2)]), b.input('token', [dim(4)], 'int')]
    const rows = b.gather(inputs[0]!, inputs[1]!, 0)
    expect(gradientMismatches(b, b.sum(b.exp(rows), [0, 1]), inputs, draw(inputs))).toEqual([])
  })
  it('stay right after simplification, with symbolic dims', () => {
    const b = new GraphBuilder()
    const x = b.input('x', [symbol('batch'), dim(3)])
    const w = b.parameter('w', [dim(3), dim(2)])
    const loss = b.mean(b.mul(b.matmul(x, w), b.matmul(x, w)), [0, 1])
    const graph = b.graph(
      'g',
      differentiate(b, loss, [w]).map((node) => ({ name: 'grad.w', node, role: 'gradient' as const })),
    )
    const values = new Map<string, Value>([
      ['x', { shape: [2, 3], dtype: 'float', data: Float64Array.of(1, 2, 3, 4, 5, 6) }],
      ['w', { shape: [3, 2], dtype: 'float', data: Float64Array.of(1, 0, 0, 1, 1, 1) }],
    ])
    const run = ({ results }: typeof graph) => [
      ...evaluate(
        results.map((r) => r.node),
        { dims: new Map([['batch', 2]]), leaf: (node) => values.get(node.op === 'input' ? 'x' : 'w')! },
      )[0]!.data,
    ]
    // d/dw Σ(x·w)²/4 = xᵀ(x·w)/2 with x·w = [[4, 5], [10, 11]]
    expect(run(graph)).toEqual([22, 24.5, 29, 32.5, 36, 40.5])
    expect(run(simplify(graph))).toEqual(run(graph))
  })
})

describe('what is differentiated', () => {
  it('is nothing beside the path from the parameters to the loss', () => {
    const b = new GraphBuilder()
    const [x, w, unused] = [b.input('x', [dim(2)]), b.parameter('w', [dim(2)]), b.parameter('unused', [dim(2)])]
    const loss = b.sum(b.mul(b.exp(x), w), [0])
    const [gradient, none] = differentiate(b, loss, [w, unused])
    expect(gradient).toBe(b.mul(b.full([dim(2)], 1), b.exp(x)))
    expect(none).toBe(b.full([dim(2)], 0))
    expect(
      nodesOf([
        { node: simplify(b.graph('g', [{ name: 'g', node: gradient!, role: 'gradient' }])).results[0]!.node },
      ]).map(({ op }) => op),
    ).toEqual(['input', 'exp'])
  })
  it('ends at stop_gradient, at comparisons and at integers', () => {
    const b = new GraphBuilder()
    const w = b.parameter('w', [dim(2)])
    const loss = b.sum(
      b.add(b.stopGradient(b.exp(w)), b.add(b.cast(b.lt(w, 0), 'float'), b.cast(b.cast(w, 'int'), 'float'))),
      [0],
    )
    expect(differentiate(b, loss, [w])).toEqual([b.full([dim(2)], 0)])
  })
  it('says of each gradient node which line it is the gradient of', () => {
    const b = new GraphBuilder()
    const span = { source: { path: 'a.dlm', text: 'exp(w)' }, start: 0, end: 6 }
    const w = b.parameter('w', [dim(2)])
    const loss = b.withOrigin({ span, path: 'layer', role: 'forward' }, () => b.sum(b.sin(w), [0]))
    const graph = b.graph('g', [{ name: 'grad.w', node: differentiate(b, loss, [w])[0]!, role: 'gradient' }])
    expect(printGraph(graph, { origins: true })).toContain('cos %0 : float[2]  ; a.dlm:1 layer gradient')
  })
  it('can be differentiated again: the Hessian of a cubic', () => {
    const b = new GraphBuilder()
    const w = b.parameter('w', [])
    const cube = b.mul(w, b.mul(w, w))
    const [first] = differentiate(b, cube, [w])
    const [second] = differentiate(b, first!, [w])
    const [third] = differentiate(b, second!, [w])
    const values = evaluate([first!, second!, third!], {
      leaf: () => ({ shape: [], dtype: 'float', data: Float64Array.of(2) }),
    })
    expect(values.map((value) => value.data[0])).toEqual([12, 12, 6])
  })
})
