/** Each rule of the simplifier alone: it fires where its law holds, not beside it, and the meaning stays. */
import { describe, expect, it } from 'vitest'
import { rules } from '../../compiler/4-simplify/rules.ts'
import { simplify } from '../../compiler/4-simplify/simplify.ts'
import { add, dim, one, symbol, zero } from '../../compiler/ir/dim.ts'
import type { Graph, Node } from '../../compiler/ir/graph.ts'
import { nodesOf } from '../../compiler/ir/graph.ts'
import { printGraph } from '../../compiler/ir/print-graph.ts'
import { GraphBuilder } from '../../compiler/ops/builder.ts'
import { expectSameMeaning } from './same-meaning.ts'

type Make = (b: GraphBuilder, x: Node, y: Node, flag: Node) => Node
interface Case {
  readonly rule: string
  /** x: float[2, 3], y: float[2, 3], flag: bool[2, 3]. */
  readonly fires: Make
  /** The ops that remain, leaves and constants left out. */
  readonly leaves?: readonly string[]
  /** A neighbour that the law does not cover. */
  readonly stays?: Make
}

const T = symbol('T')
const dims = new Map([['T', 4]])
const shape = [dim(2), dim(3)]
const plain = (axis: string) => ({ terms: [{ axis, stride: 1 }], offset: 0, divisor: 1 })
const filter = (b: GraphBuilder) => b.input('w', [dim(2)])
/** Σₖ s[h + k] · w[k] for a signal of the given number of places. */
const convolve = (b: GraphBuilder, signal: Node, windows: number) =>
  b.contract(signal, filter(b), {
    axes: [
      { name: 'h', size: dim(windows) },
      { name: 'k', size: dim(2) },
    ],
    left: [
      {
        terms: [
          { axis: 'h', stride: 1 },
          { axis: 'k', stride: 1 },
        ],
        offset: 0,
        divisor: 1,
      },
    ],
    right: [plain('k')],
    output: ['h'],
  })
const windows = { dilation: 1, low: 0, high: 0, fill: 0 }
const column = (b: GraphBuilder) => b.input('c', [dim(2)])
const across = (b: GraphBuilder) => b.broadcast(column(b), shape, [0])
const unit = (b: GraphBuilder) => b.input('u', [dim(2), one, dim(3)])

const cases: readonly Case[] = [
  {
    rule: 'sum-of-paddings',
    fires: (b, x, y) =>
      b.add(
        b.add(b.pad(x, [zero, dim(5)], [zero, one], 0), b.pad(y, [zero, dim(2)], [zero, dim(4)], 0)),
        b.pad(b.slice(x, [zero, one], [dim(2), dim(1)]), [zero, dim(8)], [zero, zero], 0),
      ),
    stays: (b, x, y) => b.add(b.pad(x, [zero, dim(5)], [zero, one], 0), b.pad(y, [zero, dim(3)], [zero, dim(3)], 0)),
  },
  {
    rule: 'fold-constants',
    fires: (b, x) => b.add(x, b.mul(b.constant(2), b.constant(3))),
    leaves: ['broadcast', 'add'],
    stays: (b) => b.log(b.constant(0)),
  },
  {
    rule: 'fold-literals',
    fires: (b) => b.neg(b.literal([1, 2, 3], [3])),
    leaves: [],
    stays: (b) => b.log(b.literal([0, 1], [2])),
  },
  { rule: 'number-right-of-sum', fires: (b, x) => b.add(2, x) },
  { rule: 'number-right-of-product', fires: (b, x) => b.mul(2, x) },
  { rule: 'add-zero', fires: (b, x) => b.add(x, 0), leaves: [], stays: (b, x) => b.add(x, 1) },
  { rule: 'subtract-zero', fires: (b, x) => b.sub(x, 0), leaves: [] },
  { rule: 'subtract-from-zero', fires: (b, x) => b.sub(0, x), leaves: ['neg'] },
  { rule: 'multiply-by-one', fires: (b, x) => b.mul(x, 1), leaves: [], stays: (b, x) => b.mul(x, 2) },
  { rule: 'multiply-by-minus-one', fires: (b, x) => b.mul(x, -1), leaves: ['neg'] },
  {
    rule: 'multiply-by-zero',
    fires: (b, x) => b.mul(b.tanh(x), 0),
    leaves: ['broadcast'],
    stays: (b, x) => b.mul(b.exp(x), 0),
  },
  { rule: 'divide-by-one', fires: (b, x) => b.div(x, 1), leaves: [] },
  {
    rule: 'divide-by-power-of-two',
    fires: (b, x) => b.div(x, 4),
    leaves: ['broadcast', 'mul'],
    stays: (b, x) => b.div(x, 3),
  },
  {
    rule: 'zero-divided',
    fires: (b, x) => b.add(x, b.div(b.full(shape, 0), b.full(shape, 3))),
    stays: (b, x) => b.div(b.full(shape, 0), x),
  },
  { rule: 'sum-of-numbers', fires: (b, x) => b.add(b.add(x, 2), 3), leaves: ['broadcast', 'add'] },
  {
    rule: 'product-of-numbers',
    fires: (b, x) => b.mul(b.mul(x, 2), 3),
    leaves: ['broadcast', 'mul'],
    stays: (b, x) => b.mul(b.mul(x, 1e20), 1e20),
  },
  { rule: 'subtract-number', fires: (b, x) => b.sub(x, 2), leaves: ['broadcast', 'add'] },
  { rule: 'double-negation', fires: (b, x) => b.neg(b.neg(x)), leaves: [] },
  {
    rule: 'negated-product',
    fires: (b, x) => b.neg(b.mul(x, 3)),
    leaves: ['broadcast', 'mul'],
    stays: (b, x, y) => b.neg(b.mul(x, y)),
  },
  {
    rule: 'negated-quotient',
    fires: (b, x) => b.neg(b.div(2, x)),
    leaves: ['broadcast', 'div'],
    stays: (b, x, y) => b.neg(b.div(x, y)),
  },
  { rule: 'negated-difference', fires: (b, x, y) => b.neg(b.sub(x, y)), leaves: ['sub'] },
  { rule: 'add-negation', fires: (b, x, y) => b.add(x, b.neg(y)), leaves: ['sub'] },
  { rule: 'negation-first', fires: (b, x, y) => b.add(b.neg(x), y), leaves: ['sub'] },
  { rule: 'subtract-negation', fires: (b, x, y) => b.sub(x, b.neg(y)), leaves: ['add'] },
  { rule: 'negation-into-number', fires: (b, x) => b.mul(b.neg(x), 3), leaves: ['broadcast', 'mul'] },
  { rule: 'negation-out-of-left', fires: (b, x, y) => b.mul(b.neg(x), y), leaves: ['mul', 'neg'] },
  { rule: 'negation-out-of-right', fires: (b, x, y) => b.mul(x, b.neg(y)), leaves: ['mul', 'neg'] },
  { rule: 'negation-out-of-numerator', fires: (b, x, y) => b.div(b.neg(x), y), leaves: ['div', 'neg'] },
  { rule: 'negation-out-of-divisor', fires: (b, x, y) => b.div(x, b.neg(y)), leaves: ['div', 'neg'] },
  { rule: 'absolute-negation', fires: (b, x) => b.abs(b.neg(x)), leaves: ['abs'] },
  {
    rule: 'whole-power',
    fires: (b, x) => b.pow(b.abs(x), 5),
    leaves: ['abs', 'mul', 'mul', 'mul'],
    stays: (b, x) => b.pow(b.abs(x), 2.5),
  },
  { rule: 'decided-choice', fires: (b, x, y) => b.select(b.constant(1, 'bool'), x, y), leaves: [] },
  { rule: 'choice-of-equals', fires: (b, x, _y, flag) => b.select(flag, x, x), leaves: [] },
  { rule: 'choice-by-negation', fires: (b, x, y, flag) => b.select(b.not(flag), x, y), leaves: ['select'] },
  { rule: 'choice-made-before', fires: (b, x, y, flag) => b.select(flag, b.select(flag, x, y), y), leaves: ['select'] },
  {
    rule: 'choice-refused-before',
    fires: (b, x, y, flag) => b.select(flag, x, b.select(flag, x, y)),
    leaves: ['select'],
  },
  { rule: 'double-denial', fires: (b, _x, _y, flag) => b.not(b.not(flag)), leaves: [] },
  {
    rule: 'and-with-known',
    fires: (b, _x, _y, flag) => b.and(flag, b.full(shape, 1, 'bool')),
    leaves: [],
    stays: (b, x, y, flag) => b.and(flag, b.lt(x, y)),
  },
  { rule: 'or-with-known', fires: (b, _x, _y, flag) => b.or(b.full(shape, 1, 'bool'), flag), leaves: ['broadcast'] },
  { rule: 'minimum-of-equals', fires: (b, x) => b.minimum(x, x), leaves: [] },
  { rule: 'maximum-of-equals', fires: (b, x) => b.maximum(x, x), leaves: [] },
  {
    rule: 'double-cast',
    fires: (b, _x, _y, flag) => b.cast(b.cast(flag, 'int'), 'float'),
    leaves: ['cast'],
    stays: (b, x) => b.cast(b.cast(x, 'int'), 'float'),
  },
  { rule: 'gradient-stopped', fires: (b, x) => b.stopGradient(x), leaves: [] },
  {
    rule: 'reshape-of-reshape',
    fires: (b, x) => b.node('reshape', [b.reshape(x, [dim(6)])], { shape: [dim(3), dim(2)] }),
    leaves: ['reshape'],
    stays: (b, x) => b.reshape(b.permute(x, [1, 0]), [dim(6)]),
  },
  {
    rule: 'permute-of-permute',
    fires: (b, x) => b.node('permute', [b.permute(x, [1, 0])], { order: [1, 0] }),
    leaves: [],
  },
  {
    rule: 'broadcast-of-broadcast',
    fires: (b) => b.node('broadcast', [across(b)], { shape: [T, ...shape], axes: [1, 2] }),
    leaves: ['broadcast'],
  },
  {
    rule: 'slice-of-slice',
    fires: (b, x) => {
      const cut = { starts: [one, zero], sizes: [one, dim(2)], steps: [1, 1] }
      return b.node('slice', [b.slice(x, [zero, one], [dim(2), dim(2)])], cut)
    },
    leaves: ['slice'],
  },
  { rule: 'reshape-of-number', fires: (b) => b.reshape(b.full(shape, 2), [dim(6)]), leaves: ['broadcast'] },
  { rule: 'permute-of-number', fires: (b) => b.permute(b.full(shape, 2), [1, 0]), leaves: ['broadcast'] },
  {
    rule: 'broadcast-of-number',
    fires: (b) => b.broadcast(b.node('reshape', [b.constant(2)], { shape: [one] }), [one, dim(2)], [0]),
    leaves: ['broadcast'],
  },
  {
    rule: 'slice-of-number',
    fires: (b) => b.slice(b.full(shape, 2), [zero, one], [dim(2), one]),
    leaves: ['broadcast'],
  },
  {
    rule: 'pad-with-the-same',
    fires: (b) => b.pad(b.full(shape, 2), [one, zero], [zero, one], 2),
    leaves: ['broadcast'],
    stays: (b) => b.pad(b.full(shape, 2), [one, zero], [zero, one], 0),
  },
  {
    rule: 'permute-of-broadcast',
    fires: (b, x) => b.permute(b.broadcast(x, [dim(2), T, dim(3)], [0, 2]), [2, 1, 0]),
    leaves: ['permute', 'broadcast'],
  },
  {
    rule: 'reshape-of-broadcast',
    fires: (b) => b.reshape(b.broadcast(column(b), [one, dim(2), dim(3)], [1]), [dim(2), one, dim(3)]),
    leaves: ['broadcast'],
    stays: (b) => b.reshape(across(b), [dim(6)]),
  },
  {
    rule: 'broadcast-of-unit-axes',
    fires: (b) => b.broadcast(b.node('reshape', [column(b)], { shape: [dim(2), one] }), [dim(2), T, one], [0, 2]),
    leaves: ['broadcast'],
  },
  {
    rule: 'permute-of-unit-axes',
    fires: (b) => b.permute(unit(b), [1, 0, 2]),
    leaves: ['reshape'],
    stays: (b, x) => b.permute(x, [1, 0]),
  },
  {
    rule: 'slice-undoes-pad',
    fires: (b, x) => b.slice(b.pad(x, [one, zero], [zero, one], 0), [one, zero], shape),
    leaves: [],
    stays: (b, x) => b.slice(b.pad(x, [one, zero], [zero, one], 0), [zero, zero], shape),
  },
  {
    rule: 'slice-of-concat',
    fires: (b, x, y) => b.slice(b.concat([x, y], 1), [zero, dim(3)], shape),
    leaves: [],
    stays: (b, x, y) => b.slice(b.concat([x, y], 1), [zero, dim(2)], shape),
  },
  {
    rule: 'slice-of-broadcast',
    fires: (b) => b.slice(across(b), [one, one], [one, dim(2)]),
    leaves: ['slice', 'broadcast'],
  },
  {
    rule: 'pad-of-pad',
    fires: (b, x) => b.pad(b.pad(x, [one, zero], [zero, zero], 5), [zero, one], [one, one], 5),
    leaves: ['pad'],
    stays: (b, x) => b.pad(b.pad(x, [one, zero], [zero, zero], 5), [zero, one], [one, one], 0),
  },
  {
    rule: 'concat-of-slices',
    fires: (b, x) => b.concat([b.slice(x, [zero, zero], [dim(2), one]), b.slice(x, [zero, one], [dim(2), dim(2)])], 1),
    leaves: [],
    stays: (b, x) => b.concat([b.slice(x, [zero, one], [dim(2), dim(2)]), b.slice(x, [zero, zero], [dim(2), one])], 1),
  },
  {
    rule: 'adjacent-windows',
    fires: (b) => b.window(b.input('s', [dim(2), dim(6)]), { ...windows, axis: 1, size: 3, stride: 3 }),
    leaves: ['reshape'],
    stays: (b) => b.window(b.input('s', [dim(2), dim(7)]), { ...windows, axis: 1, size: 3, stride: 3 }),
  },
  {
    rule: 'fold-of-adjacent-windows',
    fires: (b, x) => b.fold(x, { axis: 0, size: dim(8), stride: 3, dilation: 1, low: 0 }),
    leaves: ['reshape', 'pad'],
    stays: (b, x) => b.fold(x, { axis: 0, size: dim(8), stride: 2, dilation: 1, low: 0 }),
  },
  {
    rule: 'map-of-broadcasts',
    fires: (b) => b.exp(b.mul(across(b), 2)),
    leaves: ['broadcast', 'mul', 'exp', 'broadcast'],
    stays: (b, x) => b.mul(across(b), x),
  },
  {
    rule: 'map-of-reshapes',
    fires: (b, x, y) => b.add(b.reshape(b.exp(x), [dim(6)]), b.reshape(y, [dim(6)])),
    leaves: ['exp', 'add', 'reshape'],
    stays: (b, x) => b.add(b.reshape(x, [dim(6)]), b.input('z', [dim(6)])),
  },
  { rule: 'reduce_sum-of-unit-axes', fires: (b) => b.sum(unit(b), [1]), leaves: ['reshape'] },
  { rule: 'reduce_max-of-unit-axes', fires: (b) => b.max(unit(b), [1, 2]), leaves: ['reduce_max', 'reshape'] },
  { rule: 'reduce_min-of-unit-axes', fires: (b) => b.min(unit(b), [1]), leaves: ['reshape'] },
  { rule: 'reduce_sum-of-reduce_sum', fires: (b, x) => b.sum(b.sum(x, [0]), [0]), leaves: ['reduce_sum'] },
  {
    rule: 'reduce_max-of-reduce_max',
    fires: (b, x) => b.max(b.max(x, [1]), [0]),
    leaves: ['reduce_max'],
    stays: (b, x) => b.max(b.sum(x, [1]), [0]),
  },
  { rule: 'reduce_min-of-reduce_min', fires: (b, x) => b.min(b.min(x, [1]), [0]), leaves: ['reduce_min'] },
  {
    rule: 'reduce_sum-of-permute',
    fires: (b) => b.sum(b.permute(b.input('z', [dim(2), dim(3), dim(5)]), [2, 0, 1]), [1]),
    leaves: ['reduce_sum', 'permute'],
  },
  { rule: 'reduce_max-of-permute', fires: (b, x) => b.max(b.permute(x, [1, 0]), [1]), leaves: ['reduce_max'] },
  { rule: 'reduce_min-of-permute', fires: (b, x) => b.min(b.permute(x, [1, 0]), [1]), leaves: ['reduce_min'] },
  {
    rule: 'sum-of-broadcast',
    fires: (b, x) => b.sum(b.broadcast(x, [T, dim(2), dim(3)], [1, 2]), [0, 2]),
    leaves: ['reduce_sum', 'size', 'broadcast', 'mul'],
  },
  {
    rule: 'reduce_max-of-broadcast',
    fires: (b) => b.max(across(b), [0, 1]),
    leaves: ['reduce_max'],
    stays: (b, x) => b.max(b.broadcast(x, [T, dim(2), dim(3)], [1, 2]), [0]),
  },
  { rule: 'reduce_min-of-broadcast', fires: (b) => b.min(across(b), [1]), leaves: [] },
  { rule: 'sum-of-negation', fires: (b, x) => b.sum(b.neg(x), [1]), leaves: ['reduce_sum', 'neg'] },
  {
    rule: 'factor-out-of-sum',
    fires: (b, x) => b.sum(b.mul(across(b), x), [1]),
    leaves: ['reduce_sum', 'mul'],
    stays: (b, x) => b.sum(b.mul(across(b), x), [0]),
  },
  { rule: 'divisor-out-of-sum', fires: (b, x) => b.sum(b.div(x, across(b)), [1]), leaves: ['reduce_sum', 'div'] },
  { rule: 'product-of-permute', fires: (b, x, y) => b.matmul(x, b.permute(y, [1, 0])), leaves: ['contract'] },
  {
    rule: 'product-of-broadcast',
    fires: (b, x) =>
      b.contract(x, across(b), {
        axes: [
          { name: 'i', size: dim(2) },
          { name: 'j', size: dim(3) },
        ],
        left: [plain('i'), plain('j')],
        right: [plain('i'), plain('j')],
        output: ['i', 'j'],
      }),
    leaves: ['contract'],
  },
  {
    rule: 'product-of-unit-axes',
    fires: (b, x) =>
      b.contract(b.reshape(x, [dim(2), one, dim(3)]), unit(b), {
        axes: ['i', 'u', 'j'].map((name, i) => ({ name, size: [dim(2), one, dim(3)][i]! })),
        left: ['i', 'u', 'j'].map(plain),
        right: ['i', 'u', 'j'].map(plain),
        output: ['u', 'i'],
      }),
    leaves: ['contract'],
  },
  {
    rule: 'product-of-padding',
    fires: (b) => convolve(b, b.pad(b.input('s', [dim(4)]), [one], [dim(2)], 0), 6),
    leaves: ['contract'],
    stays: (b) => convolve(b, b.pad(b.input('s', [dim(4)]), [one], [dim(2)], 1), 6),
  },
  {
    rule: 'permute-of-product',
    fires: (b, x, y) => b.permute(b.matmul(x, b.reshape(y, [dim(3), dim(2)])), [1, 0]),
    leaves: ['reshape', 'contract'],
  },
  {
    rule: 'negation-out-of-product',
    fires: (b) => convolve(b, b.neg(b.input('s', [dim(4)])), 3),
    leaves: ['contract', 'neg'],
  },
]

function graphOf(make: Make): Graph {
  const b = new GraphBuilder()
  const node = make(b, b.input('x', shape), b.input('y', shape), b.input('flag', shape, 'bool'))
  return b.graph('case', [{ name: 'result', node, role: 'output' }])
}
const named = (name: string) => rules.filter((rule) => rule.name === name)
const opsOf = (graph: Graph) =>
  nodesOf(graph.results)
    .map(({ op }) => op)
    .filter((op) => !['input', 'constant', 'literal'].includes(op))

describe('rules of the simplifier', () => {
  it('are all tested here, each under its own name', () => {
    expect([...new Set(rules.map(({ name }) => name))]).toEqual(rules.map(({ name }) => name))
    expect(rules.map(({ name }) => name).filter((name) => !cases.some(({ rule }) => rule === name))).toEqual([])
  })
  for (const { rule, fires, leaves, stays } of cases)
    it(rule, () => {
      const before = graphOf(fires)
      const after = simplify(before, { rules: named(rule) })
      expect(printGraph(after)).not.toBe(printGraph(before))
      if (leaves) expect(opsOf(after)).toEqual(leaves)
      expectSameMeaning(before, after, dims)
      if (!stays) return
      const neighbour = graphOf(stays)
      expect(printGraph(simplify(neighbour, { rules: named(rule) }))).toBe(printGraph(neighbour))
    })
})

describe('simplification', () => {
  it('does not repeat a product that is also read unpermuted', () => {
    const b = new GraphBuilder()
    const product = b.matmul(b.input('x', [dim(2), dim(3)]), b.input('y', [dim(3), dim(2)]))
    const results = [product, b.permute(product, [1, 0])].map((node, i) => ({
      name: `r${i}`,
      node,
      role: 'output' as const,
    }))
    expect(opsOf(simplify(b.graph('shared', results)))).toEqual(['contract', 'permute'])
  })
  it('keeps results, their order, what they replace, and where nodes came from', () => {
    const b = new GraphBuilder()
    const span = { source: { path: 'a.dlm', text: 'a + 0' }, start: 0, end: 5 }
    const state = b.state('mean', [dim(2)])
    const x = b.input('x', [dim(2)])
    const sum = b.withOrigin({ span, path: 'norm', role: 'forward' }, () => b.add(b.exp(x), 0))
    const after = simplify(
      b.graph('kept', [
        { name: 'mean', node: sum, role: 'state', replaces: state },
        { name: 'y', node: sum, role: 'output' },
      ]),
    )
    expect(after.results.map(({ name, role }) => [name, role])).toEqual([
      ['mean', 'state'],
      ['y', 'output'],
    ])
    expect(after.results[0]!.replaces!.op).toBe('state')
    expect(after.results[0]!.node.op).toBe('exp')
    expect(after.origins.get(after.results[0]!.node)).toEqual([{ span, path: 'norm', role: 'forward' }])
  })
  it('gives what it is given when nothing applies, and is idempotent', () => {
    const b = new GraphBuilder()
    const x = b.input('x', [T, dim(3)])
    const softmax = b.div(b.exp(b.sub(x, b.max(x, [1], true))), b.sum(b.exp(b.sub(x, b.max(x, [1], true))), [1], true))
    const once = simplify(b.graph('softmax', [{ name: 'p', node: softmax, role: 'output' }]))
    expect(printGraph(simplify(once))).toBe(printGraph(once))
    expect(opsOf(once)).toEqual(['reduce_max', 'broadcast', 'sub', 'exp', 'reduce_sum', 'broadcast', 'div'])
    expect(add(T, zero)).toBe(T)
  })
})
