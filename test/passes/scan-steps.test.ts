/** What leaves a loop, one reason at a time: each recurrence keeps its meaning and loses just what it should. */
import { describe, expect, it } from 'vitest'
import { differentiate } from '../../compiler/3-differentiate/differentiate.ts'
import { simplify } from '../../compiler/4-simplify/simplify.ts'
import { type Dim, dim, symbol } from '../../compiler/ir/dim.ts'
import { type Graph, type Node, nodesOf } from '../../compiler/ir/graph.ts'
import { printGraph } from '../../compiler/ir/print-graph.ts'
import { verifyGraph } from '../../compiler/ir/verify-graph.ts'
import { GraphBuilder } from '../../compiler/ops/builder.ts'
import { lowerOf } from '../../compiler/ops/registry.ts'
import { expectSameMeaning } from './same-meaning.ts'

const [T, batch] = [symbol('T'), symbol('batch')]
const dims = (...sizes: (number | Dim)[]) => sizes.map((size) => (typeof size === 'number' ? dim(size) : size))

/** The graph simplified, after its meaning was compared at several sizes. */
function simplified(b: GraphBuilder, ...nodes: readonly Node[]): Graph {
  const graph = b.graph(
    'case',
    nodes.map((node, i) => ({ name: `r${i}`, node, role: 'output' })),
  )
  const after = simplify(graph)
  for (const [t, n] of [
    [3, 5],
    [1, 1],
    [0, 2],
  ] as const)
    expectSameMeaning(
      graph,
      after,
      new Map([
        ['T', t],
        ['batch', n],
      ]),
    )
  return after
}
const scansOf = (graph: Graph) => nodesOf(graph.results).filter((node) => node.op === 'scan')
const onlyScan = (graph: Graph) => {
  const scans = scansOf(graph)
  expect(scans, printGraph(graph)).toHaveLength(1)
  return scans[0]!.attributes.body
}
type Body = ReturnType<typeof onlyScan>
const kindsIn = (body: Body) =>
  nodesOf([...body.next, ...body.yields].map((node) => ({ node }))).flatMap((node) => {
    const { kind } = lowerOf(node)
    return kind === 'leaf' || kind === 'index' || kind === 'view' ? [] : [node.op]
  })
const shapesOf = (nodes: readonly Node[]) => nodes.map(({ shape }) => shape.map(({ key }) => key).join())

/** A recurrence `h' = tanh(h / 2 + x_t)` to which a case adds what it is about. */
function plain(length: Dim = T) {
  const b = new GraphBuilder()
  const stack = b.input('x', dims(length, batch, 3))
  const first = b.input('first', dims(batch, 3))
  const [x, h] = [b.bound(dims(batch, 3)), b.bound(dims(batch, 3))]
  const next = b.tanh(b.add(b.mul(h, 0.5), x))
  return { b, x, h, next, first, elements: [{ leaf: x, stack }], carry: { leaf: h, initial: first, next } }
}
const loop = ['mul', 'add', 'tanh']

describe('a recurrence loses', () => {
  it('results, carries, elements and captures that nobody reads', () => {
    const { b, x, h, next, first, elements, carry } = plain()
    const [other, only] = [b.bound(dims(batch, 3)), b.bound(dims(3))]
    const [last] = b.scan({
      length: T,
      reverse: false,
      elements: [...elements, { leaf: only, stack: b.input('z', dims(T, 3)) }],
      carries: [
        carry,
        { leaf: other, initial: first, next: b.add(b.mul(other, h), b.add(only, b.input('c', dims(3)))) },
      ],
      yields: [b.mul(x, next)],
    })
    const body = onlyScan(simplified(b, last!))
    expect([body.elements, body.carries, body.captures, body.yields].map((list) => list.length)).toEqual([1, 1, 0, 0])
    expect(kindsIn(body)).toEqual(loop)
  })

  it('the loop itself, where no step needs another', () => {
    const { b, x, elements } = plain()
    const still = b.bound(dims(batch, 3))
    const [last, all] = b.scan({
      length: T,
      reverse: true,
      elements,
      carries: [{ leaf: still, initial: b.input('still', dims(batch, 3)), next: still }],
      yields: [b.tanh(b.matmul(b.add(x, still), b.input('w', dims(3, 4))))],
    })
    expect(scansOf(simplified(b, last!, all!))).toEqual([])
  })

  it('elements given twice, and those that are the same at each step', () => {
    const { b, x, h, elements, carry } = plain()
    const [twice, same] = [b.bound(dims(batch, 3)), b.bound(dims(batch, 3))]
    const [last] = b.scan({
      length: T,
      reverse: false,
      elements: [
        ...elements,
        { leaf: twice, stack: elements[0]!.stack },
        { leaf: same, stack: b.broadcast(b.input('s', dims(3)), dims(T, batch, 3), [2]) },
      ],
      carries: [{ ...carry, next: b.tanh(b.add(b.mul(h, same), b.sub(x, b.mul(twice, 3)))) }],
      yields: [],
    })
    const body = onlyScan(simplified(b, last!))
    expect(shapesOf(body.elements)).toEqual(['batch,3'])
    expect(shapesOf(body.captures)).toEqual(['3'])
  })

  it('products, reductions, lookups and prefix sums of elements, which are taken of all steps at once', () => {
    const { b, x, h, elements, carry } = plain()
    const index = b.bound(dims(batch), 'int')
    const share = b.div(x, b.broadcast(b.sum(b.mul(x, x), [1]), x.shape, [0]))
    const row = b.gather(b.input('table', dims(7, 3)), index, 0)
    const mixed = b.add(b.add(b.matmul(x, b.input('w', dims(3, 3))), b.cumsum(share, 1)), row)
    const [last] = b.scan({
      length: T,
      reverse: false,
      elements: [...elements, { leaf: index, stack: b.input('index', dims(T, batch), 'int') }],
      carries: [{ ...carry, next: b.tanh(b.add(b.mul(h, 0.5), mixed)) }],
      yields: [],
    })
    const body = onlyScan(simplified(b, last!))
    expect(kindsIn(body)).toEqual(loop)
    expect(shapesOf(body.elements)).toEqual(['batch,3'])
    expect(body.captures).toEqual([])
  })

  it('what is the same at each step, computed once', () => {
    const { b, h, elements, carry } = plain()
    const [scale, w] = [b.bound(dims(3)), b.bound(dims(3, 3))]
    // Bound by hand, as parts of a step that only later turn out to be the same.
    const made = b.matmul(b.exp(scale), w)
    const [last] = b.scan({
      length: T,
      reverse: false,
      elements,
      carries: [{ ...carry, next: b.tanh(b.mul(h, made)) }],
      captures: [
        { leaf: scale, value: b.input('scale', dims(3)) },
        { leaf: w, value: b.input('w', dims(3, 3)) },
      ],
      yields: [],
    })
    const body = onlyScan(simplified(b, last!))
    expect(kindsIn(body)).toEqual(['mul', 'tanh'])
    expect(shapesOf(body.captures)).toEqual(['3'])
  })

  it('elementwise work on an element only where that leaves less to read', () => {
    const { b, x, h, elements, carry } = plain()
    const wide = b.bound(dims(batch, 3, 8))
    const [last] = b.scan({
      length: T,
      reverse: false,
      elements: [...elements, { leaf: wide, stack: b.input('wide', dims(T, batch, 3, 8)) }],
      carries: [
        {
          ...carry,
          next: b.tanh(
            b.add(
              b.mul(h, b.mul(x, x)),
              b.tanh(b.reshape(b.slice(wide, dims(0, 0, 2), dims(batch, 3, 1)), dims(batch, 3))),
            ),
          ),
        },
      ],
      yields: [],
    })
    const body = onlyScan(simplified(b, last!))
    expect(kindsIn(body)).toEqual(['mul', 'mul', 'add', 'tanh'])
    expect(shapesOf(body.elements).sort()).toEqual(['batch,3', 'batch,3,1'])
  })

  it('what only yields need, done afterwards on the stacked values', () => {
    const { b, x, next, elements, carry } = plain()
    const w = b.input('w', dims(3, 4))
    const [, all, logits] = b.scan({
      length: T,
      reverse: false,
      elements,
      carries: [carry],
      yields: [next, b.tanh(b.matmul(b.add(next, x), w))],
    })
    const body = onlyScan(simplified(b, all!, logits!))
    expect(kindsIn(body)).toEqual(loop)
    expect(body.yields).toEqual(body.next)
  })

  it('a sum over the batch of a product, which becomes one product over steps and batch', () => {
    const { b, x, h, next, elements, carry } = plain()
    const [weights, bias] = [b.bound(dims(3, 3)), b.bound(dims(3))]
    const outer = b.matmul(b.permute(x, [1, 0]), next)
    const [, w, s] = b.scan({
      length: T,
      reverse: false,
      elements,
      carries: [
        carry,
        {
          leaf: weights,
          initial: b.full(dims(3, 3), 0),
          next: b.sub(b.add(weights, outer), b.permute(b.matmul(b.permute(h, [1, 0]), x), [1, 0])),
        },
        { leaf: bias, initial: b.input('bias', dims(3)), next: b.add(b.sum(next, [0]), bias) },
      ],
      yields: [],
    })
    const graph = simplified(b, w!, s!)
    const body = onlyScan(graph)
    expect(kindsIn(body)).toEqual(loop)
    expect(shapesOf(body.carries)).toEqual(['batch,3'])
    const outside = nodesOf(graph.results).filter((node) => node.op === 'contract' || node.op === 'reduce_sum')
    expect(shapesOf(outside).sort()).toEqual(['3', '3,3', '3,3'])
  })

  it('an elementwise sum over steps, but for one too large to be stacked', () => {
    for (const large of [false, true]) {
      const { b, next, elements, carry } = plain()
      const side = dim(large ? 400 : 2)
      const sum = b.bound(dims(side, batch, 3))
      const h2 = b.bound(dims(side, batch, 3))
      const wide = b.tanh(b.mul(h2, b.broadcast(next, h2.shape, [1, 2])))
      const first = b.input('wide', h2.shape)
      const [, , total] = b.scan({
        length: T,
        reverse: false,
        elements,
        carries: [
          carry,
          { leaf: h2, initial: first, next: wide },
          { leaf: sum, initial: first, next: b.add(sum, wide) },
        ],
        yields: [],
      })
      const body = onlyScan(simplified(b, total!))
      expect(body.carries).toHaveLength(large ? 3 : 2)
      expect(body.yields).toHaveLength(large ? 0 : 1)
    }
  })

  it('not a scan inside, nor what the carry feeds', () => {
    const { b, x, h, elements, carry } = plain()
    const [column, product] = [b.bound(dims(batch)), b.bound(dims(batch))]
    const [p] = b.scan({
      length: dim(3),
      reverse: false,
      elements: [{ leaf: column, stack: b.permute(b.tanh(b.matmul(x, b.input('w', dims(3, 3)))), [1, 0]) }],
      carries: [{ leaf: product, initial: b.sum(h, [1]), next: b.tanh(b.mul(product, column)) }],
      yields: [],
    })
    const [last] = b.scan({
      length: T,
      reverse: false,
      elements,
      carries: [{ ...carry, next: b.tanh(b.add(b.mul(h, b.broadcast(p!, h.shape, [0])), x)) }],
      yields: [],
    })
    const body = onlyScan(simplified(b, last!))
    expect(kindsIn(body)).toEqual(['reduce_sum', 'scan', 'scan_result', 'mul', 'add', 'tanh'])
  })
})

describe('a recurrence and its gradient', () => {
  it('run the forward pass once, of first and of second order', () => {
    const { b, next, elements, carry, first } = plain(dim(4))
    const w = b.input('w', dims(3, 3))
    const [last, all] = b.scan({
      length: dim(4),
      reverse: false,
      elements,
      carries: [{ ...carry, next: b.tanh(b.matmul(next, w)) }],
      yields: [next],
    })
    const loss = b.add(b.sum(b.mul(last!, last!), [0, 1]), b.sum(b.mul(all!, all!), [0, 1, 2]))
    const [g] = differentiate(b, loss, [w])
    expect(scansOf(simplified(b, loss, g!)).map(({ attributes }) => attributes.reverse)).toEqual([false, true])
    const penalty = b.add(loss, b.sum(b.mul(g!, g!), [0, 1]))
    const second = differentiate(b, penalty, [w, first])
    const forward = scansOf(simplified(b, penalty, ...second)).filter(({ attributes }) => !attributes.reverse)
    expect(forward.length).toBeLessThanOrEqual(2)
  })

  it('attend inside a step: weights of the attention are learnt by one product over all steps', () => {
    const { b, h, x, elements, carry } = plain()
    const memory = b.input('memory', dims(batch, 6, 3))
    const [wq, wm, v] = [b.input('wq', dims(3, 5)), b.input('wm', dims(3, 5)), b.input('v', dims(5))]
    const keys = b.matmul(memory, wm)
    const scores = b.matmul(b.tanh(b.add(keys, b.reshape(b.matmul(h, wq), dims(batch, 1, 5)))), v)
    const shifted = b.exp(b.sub(scores, b.max(scores, [1], true)))
    const weights = b.div(shifted, b.sum(shifted, [1], true))
    const context = b.reshape(b.matmul(b.reshape(weights, dims(batch, 1, 6)), memory), dims(batch, 3))
    const [last] = b.scan({
      length: T,
      reverse: false,
      elements,
      carries: [{ ...carry, next: b.tanh(b.add(b.add(h, x), context)) }],
      yields: [weights],
    })
    const loss = b.sum(b.mul(last!, last!), [0, 1])
    const wrt = [memory, wq, wm, v]
    const graph = simplified(b, loss, ...differentiate(b, loss, wrt))
    const [forward, backward] = scansOf(graph)
    expect(forward!.attributes.body.carries).toHaveLength(1)
    expect(shapesOf(backward!.attributes.body.carries), printGraph(graph)).toEqual(['batch,3'])
    // A reduction in the loop that is left is one over the memory, not over the batch.
    for (const node of nodesOf(backward!.attributes.body.next.map((node) => ({ node }))))
      if (node.shape.length > 0 && lowerOf(node).kind === 'reduce') expect(node.shape[0]).toBe(batch)
  })
})

it('a body that reads what it is not given is a fault of the compiler', () => {
  const { b, h, elements, carry } = plain()
  const [last] = b.scan({ length: T, reverse: false, elements, carries: [carry], yields: [] })
  const scan = last!.operands[0] as Node<'scan'>
  const body = { ...scan.attributes.body, family: {}, next: [h] }
  const wrong = b.scanResult(b.node('scan', scan.operands, { ...scan.attributes, body }), 0)
  expect(() => verifyGraph(b.graph('wrong', [{ name: 'r', node: wrong, role: 'output' }]))).toThrow('is not given it')
  expect(() => verifyGraph(b.graph('wrong', [{ name: 'r', node: h, role: 'output' }]))).toThrow('outside of the body')
})
