/** Random recurrences: bodies drawn from every kind of op, reading elements, carries, captures and each other. */
import { differentiate } from '../../compiler/3-differentiate/differentiate.ts'
import { type Bindings, dim, one, symbol, zero } from '../../compiler/ir/dim.ts'
import type { Graph, Node, Result } from '../../compiler/ir/graph.ts'
import { GraphBuilder } from '../../compiler/ops/builder.ts'
import { generator } from '../ops/sample-graph.ts'

const [T, batch, width] = [symbol('T'), symbol('batch'), dim(3)]
const rows = [batch, width]

export interface RandomScan {
  readonly graph: Graph
  readonly dims: Bindings
  /** The leaves whose gradients the graph has, in that order. */
  readonly wrt: readonly Node[]
}

export function randomScan(seed: number, gradients: boolean): RandomScan {
  const random = generator(seed)
  const pick = <V>(list: readonly V[]): V => list[Math.floor(random() * list.length)]!
  const b = new GraphBuilder()
  const stacks = [b.input('x', [T, ...rows]), b.tanh(b.input('y', [T, ...rows]))]
  const indexStack = b.input('index', [T, batch], 'int')
  const [square, bias, table, fixed] = [
    b.parameter('square', [width, width]),
    b.parameter('bias', [width]),
    b.parameter('table', [dim(7), width]),
    b.input('fixed', rows),
  ]
  const first = b.input('first', rows)

  const elements = stacks.map((stack) => ({ leaf: b.bound(rows), stack }))
  const index = { leaf: b.bound([batch], 'int'), stack: indexStack }
  const [state, sum, squares, unused, still] = [
    b.bound(rows),
    b.bound(rows),
    b.bound([width, width]),
    b.bound(rows),
    b.bound(rows),
  ]
  // All of one shape, so that any fits any; kept small, so that products do not run away.
  const pool = [...elements.map(({ leaf }) => leaf), state, fixed, b.gather(table, index.leaf, 0), still]
  for (let i = 0; i < 10; i++) pool.push(draw(b, random, pick, pool, { square, bias, table, index: index.leaf }))
  const recent = () => pick(pool.slice(-8))
  const results = b.scan({
    length: T,
    reverse: random() < 0.5,
    elements: [...elements, index],
    carries: [
      { leaf: state, initial: first, next: b.tanh(b.add(b.mul(state, 0.5), recent())) },
      {
        leaf: sum,
        initial: first,
        next: pick([() => b.add(sum, recent()), () => b.sub(b.add(sum, recent()), recent())])(),
      },
      {
        leaf: squares,
        initial: b.full([width, width], 1),
        next: b.add(b.contract(recent(), recent(), outer), squares),
      },
      { leaf: unused, initial: first, next: b.mul(unused, recent()) },
      { leaf: still, initial: fixed, next: still },
    ],
    yields: [recent(), recent(), b.sum(recent(), [1]), b.full(rows, 2)],
  })
  const read = results.filter((_, i) => i !== 3 && random() < 0.8)
  const outputs = (read.length > 0 ? read : [results[0]!]).map(
    (node, i): Result => ({ name: `output${i}`, node, role: 'output' }),
  )
  const dims = new Map([
    ['T', pick([1, 2, 3, 5, 7, 0])],
    ['batch', pick([1, 2, 3, 5, 0])],
  ])
  if (!gradients) return { graph: b.graph(`scan${seed}`, outputs), dims, wrt: [] }
  const parts = outputs.map(({ node }) =>
    b.sum(
      b.mul(node, node),
      node.shape.map((_, axis) => axis),
    ),
  )
  const loss = parts.reduce((x, y) => b.add(x, y))
  const wrt = [stacks[0]!, square, bias, table, fixed, first]
  const found = differentiate(b, loss, wrt).map((node, i): Result => ({ name: `gradient${i}`, node, role: 'gradient' }))
  return {
    graph: b.graph(`scan${seed}`, [...outputs, { name: 'loss', node: loss, role: 'loss' }, ...found]),
    dims,
    wrt,
  }
}

const plain = (axis: string) => ({ terms: [{ axis, stride: 1 }], offset: 0, divisor: 1 })
/** Σ over the batch of outer products. */
const outer = {
  axes: [
    { name: 'n', size: batch },
    { name: 'i', size: width },
    { name: 'j', size: width },
  ],
  left: [plain('n'), plain('i')],
  right: [plain('n'), plain('j')],
  output: ['i', 'j'],
}

interface Given {
  readonly square: Node
  readonly bias: Node
  readonly table: Node
  readonly index: Node
}

function draw(
  b: GraphBuilder,
  random: () => number,
  pick: <V>(list: readonly V[]) => V,
  pool: readonly Node[],
  { square, bias, table, index }: Given,
): Node {
  const [x, y] = [pick(pool), pick(pool)]
  const column = (node: Node) => b.broadcast(node, rows, [0])
  return pick<() => Node>([
    () => b.tanh(b.add(x, y)),
    () => b.mul(b.tanh(x), y),
    () => b.sub(x, b.mul(y, 0.25)),
    () => b.add(b.tanh(x), bias),
    () => b.tanh(b.matmul(x, square)),
    () => b.tanh(b.matmul(x, b.permute(square, [1, 0]))),
    () => b.tanh(b.matmul(b.matmul(x, square), square)),
    () => b.mul(x, column(b.mul(b.sum(y, [1]), 0.2))),
    () => b.sub(x, column(b.max(b.add(x, y), [1]))),
    () => b.select(b.lt(column(b.argmax(b.add(x, y), [1])), 2), x, y),
    () => b.add(b.gather(table, index, 0), x),
    () => b.tanh(b.scatterAdd(x, b.literal([2, 0, 2], [3], 'int'), 1, width)),
    () => b.tanh(b.cumsum(x, 1, { reverse: random() < 0.5 })),
    () => b.concat([b.slice(x, [zero, one], [batch, dim(2)]), b.slice(y, [zero, zero], [batch, one])], 1),
    () => b.pad(b.slice(x, [zero, one], [batch, one]), [zero, one], [zero, one], 0),
    () => b.reshape(b.tanh(b.reshape(y, [one, ...rows])), rows),
    () => b.mul(x, b.mul(bias, bias)),
    () => b.tanh(b.sum(b.window(x, { axis: 1, size: 2, stride: 1, dilation: 1, low: 0, high: 1, fill: 0 }), [2])),
    () => b.add(x, b.cast(b.iota(rows, 1), 'float')),
    () => inner(b, x, y),
  ])()
}

/** A scan inside the step: a running product along the rows' columns. */
function inner(b: GraphBuilder, x: Node, y: Node): Node {
  const element = b.bound([batch])
  const carry = b.bound([batch])
  const [, all] = b.scan({
    length: width,
    reverse: false,
    elements: [{ leaf: element, stack: b.permute(x, [1, 0]) }],
    carries: [{ leaf: carry, initial: b.sum(y, [1]), next: b.tanh(b.add(b.mul(carry, 0.5), element)) }],
    yields: [carry],
  })
  return b.permute(all!, [1, 0])
}
