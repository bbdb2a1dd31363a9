/** Recurrences: values and gradients of scans against central differences of the float64 reference. */
import { describe, expect, it } from 'vitest'
import { differentiate } from '../../compiler/3-differentiate/differentiate.ts'
import { dim } from '../../compiler/ir/dim.ts'
import type { Node } from '../../compiler/ir/graph.ts'
import { GraphBuilder } from '../../compiler/ops/builder.ts'
import type { Value } from '../../compiler/ops/op.ts'
import { evaluate } from '../../compiler/reference/evaluate.ts'

const dims = (...sizes: number[]) => sizes.map(dim)

/** Values of inputs in ±0.75, the same in every run. */
function numbers(nodes: readonly Node[]): Map<Node, Value> {
  let seed = 1
  const next = () => {
    seed = (seed * 16807) % 2147483647
    return (seed / 2147483647 - 0.5) * 1.5
  }
  return new Map(
    nodes.map((node) => {
      const shape = node.shape.map((d) => d.constant!)
      return [
        node,
        { shape, dtype: node.dtype, data: Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, next) },
      ]
    }),
  )
}

/** The greatest difference between gradients and central differences of a loss. */
function gradientError(b: GraphBuilder, loss: Node, inputs: readonly Node[]): number {
  const gradients = differentiate(b, loss, inputs)
  const values = numbers(inputs)
  const at = (nodes: readonly Node[]) => evaluate(nodes, { leaf: (node) => values.get(node)! })
  const found = at(gradients)
  let worst = 0
  inputs.forEach((input, k) => {
    const { data } = values.get(input)!
    for (let i = 0; i < data.length; i++) {
      const before = data[i]!
      const nudged = [1e-6, -1e-6].map((step) => {
        data[i] = before + step
        return at([loss])[0]!.data[0]!
      })
      data[i] = before
      worst = Math.max(worst, Math.abs((nudged[0]! - nudged[1]!) / 2e-6 - found[k]!.data[i]!))
    }
  })
  return worst
}

/** An LSTM written as the lecture has it, and a loss that reads all its results. */
function lstm(length: number, batch: number, width: number, hidden: number, reverse: boolean) {
  const b = new GraphBuilder()
  const x = b.input('x', dims(length, batch, width))
  const wx = b.input('wx', dims(width, 4 * hidden))
  const wh = b.input('wh', dims(hidden, 4 * hidden))
  const bias = b.input('bias', dims(4 * hidden))
  const h0 = b.input('h0', dims(batch, hidden))
  const element = b.bound(dims(batch, width))
  const h = b.bound(dims(batch, hidden))
  const c = b.bound(dims(batch, hidden))
  const z = b.add(b.add(b.matmul(element, wx), b.matmul(h, wh)), bias)
  const gate = (k: number) => b.slice(z, dims(0, k * hidden), dims(batch, hidden))
  const sigmoid = (n: Node) => b.add(b.mul(b.tanh(b.mul(n, 0.5)), 0.5), 0.5)
  const nextC = b.add(b.mul(sigmoid(gate(1)), c), b.mul(sigmoid(gate(0)), b.tanh(gate(3))))
  const nextH = b.mul(sigmoid(gate(2)), b.tanh(nextC))
  const [lastH, lastC, all] = b.scan({
    length: dim(length),
    reverse,
    elements: [{ leaf: element, stack: x }],
    carries: [
      { leaf: h, initial: h0, next: nextH },
      { leaf: c, initial: b.full(dims(batch, hidden), 0), next: nextC },
    ],
    yields: [nextH],
  })
  const weight = b.input('weight', dims(length, batch, hidden))
  const loss = b.add(b.sum(b.mul(all!, b.mul(all!, weight)), [0, 1, 2]), b.sum(b.mul(lastH!, lastC!), [0, 1]))
  return { b, loss, inputs: [x, wx, wh, bias, h0, weight] }
}

describe('the gradient of a scan', () => {
  for (const [length, batch, width, hidden] of [
    [5, 3, 4, 2],
    [1, 1, 1, 1],
    [7, 2, 3, 5],
  ] as const)
    for (const reverse of [false, true])
      it(`of an LSTM over ${length} steps, batch ${batch}, ${width} → ${hidden}${reverse ? ', reversed' : ''}`, () => {
        const { b, loss, inputs } = lstm(length, batch, width, hidden, reverse)
        expect(gradientError(b, loss, inputs)).toBeLessThan(1e-8)
      })

  it('is zero steps without a step', () => {
    const { b, loss, inputs } = lstm(0, 2, 3, 2, false)
    expect(gradientError(b, loss, inputs)).toBeLessThan(1e-8)
  })

  it('passes a scan inside a scan', () => {
    const b = new GraphBuilder()
    const x = b.input('x', dims(3, 4))
    const a = b.input('a', dims(4))
    const row = b.bound(dims(4))
    const sum = b.bound([])
    const inner = b.bound([])
    const product = b.bound([])
    const [p] = b.scan({
      length: dim(4),
      reverse: false,
      elements: [{ leaf: inner, stack: b.mul(row, a) }],
      carries: [{ leaf: product, initial: b.add(sum, 1), next: b.mul(product, b.add(inner, 1)) }],
      yields: [],
    })
    const [last] = b.scan({
      length: dim(3),
      reverse: false,
      elements: [{ leaf: row, stack: x }],
      carries: [{ leaf: sum, initial: b.constant(0.5), next: b.tanh(p!) }],
      yields: [],
    })
    expect(gradientError(b, last!, [x, a])).toBeLessThan(1e-8)
  })

  it('of second order agrees with differences of the first', () => {
    const b = new GraphBuilder()
    const x = b.input('x', dims(4, 2))
    const w = b.input('w', dims(2))
    const element = b.bound(dims(2))
    const h = b.bound(dims(2))
    const [last] = b.scan({
      length: dim(4),
      reverse: false,
      elements: [{ leaf: element, stack: x }],
      carries: [{ leaf: h, initial: b.full(dims(2), 0.1), next: b.tanh(b.add(b.mul(h, w), element)) }],
      yields: [],
    })
    const loss = b.sum(b.mul(last!, last!), [0])
    const [first] = differentiate(b, loss, [w])
    expect(gradientError(b, b.sum(b.mul(first!, first!), [0]), [x, w])).toBeLessThan(1e-7)
  })
})
