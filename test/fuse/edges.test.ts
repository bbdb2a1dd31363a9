/** Programs at the edges: what is written over while it is read, what is too wide or too long for one kernel. */
import { describe, expect, it } from 'vitest'
import { differentiate } from '../../compiler/3-differentiate/differentiate.ts'
import { fuse } from '../../compiler/5-fuse/fuse.ts'
import { dim, symbol } from '../../compiler/ir/dim.ts'
import type { Graph, Node, Result } from '../../compiler/ir/graph.ts'
import type { Kernel } from '../../compiler/ir/kernel.ts'
import { verifyKernel } from '../../compiler/ir/verify-kernel.ts'
import { GraphBuilder } from '../../compiler/ops/builder.ts'
import { expectFused } from './expect-fused.ts'
import { convnetStep, softmaxStep } from './models.ts'

const updates = (kernels: readonly Kernel[]) =>
  kernels.flatMap(({ slots }) => slots.filter(({ access }) => access === 'update')).length
const sizes = new Map([['n', 6]])
const n = symbol('n')

function graphOf(b: GraphBuilder, results: readonly (Node | [Node, Node])[]): Graph {
  return b.graph(
    'edge',
    results.map(
      (r, i): Result =>
        Array.isArray(r)
          ? { name: `r${i}`, node: r[0], role: 'state', replaces: r[1] }
          : { name: `r${i}`, node: r, role: 'output' },
    ),
  )
}

describe('leaves that results replace', () => {
  it('are updated in place where each element is read by its own lane', () => {
    const b = new GraphBuilder()
    const [x, y] = [b.state('x', [n]), b.state('y', [n])]
    const kernels = expectFused({
      graph: graphOf(b, [
        [b.add(x, y), x],
        [b.sub(x, y), y],
      ]),
      dims: sizes,
    })
    expect(kernels.length).toBe(1)
    expect(updates(kernels)).toBe(2)
  })
  it('are not where an element moves', () => {
    const b = new GraphBuilder()
    const x = b.state('x', [n])
    expect(updates(expectFused({ graph: graphOf(b, [[b.reverse(x, 0), x]]), dims: sizes }))).toBe(0)
  })
  it('are not where a reduction reads them along the way', () => {
    const b = new GraphBuilder()
    const x = b.state('x', [n])
    const centred = b.sub(x, b.broadcast(b.sum(x, [0]), [n], []))
    expect(updates(expectFused({ graph: graphOf(b, [[centred, x]]), dims: sizes }))).toBe(0)
  })
  it('are written after the last kernel that reads them', () => {
    const b = new GraphBuilder()
    const x = b.state('x', [n, n])
    const next = b.mul(x, 0.5)
    const kernels = expectFused({ graph: graphOf(b, [[next, x], b.matmul(x, x), b.matmul(next, x)]), dims: sizes })
    expect(kernels.length).toBeGreaterThan(2)
  })
  it('may take a value that is an output too', () => {
    const b = new GraphBuilder()
    const x = b.state('x', [n])
    const next = b.add(x, 1)
    expectFused({ graph: graphOf(b, [next, [next, x]]), dims: sizes })
  })
})

describe('what is too large for one kernel', () => {
  it('a join of twenty parts', () => {
    const b = new GraphBuilder()
    const parts = Array.from({ length: 20 }, (_, i) => b.input(`x${i}`, [n, dim(i % 3)]))
    for (const maxSlots of [4, 8])
      expectFused({ graph: graphOf(b, [b.concat(parts, 1)]), dims: sizes, options: { maxSlots } })
  })
  it('a sum of thirty inputs', () => {
    const b = new GraphBuilder()
    const sum = Array.from({ length: 30 }, (_, i) => b.input(`x${i}`, [n])).reduce((x, y) => b.add(x, y))
    expectFused({ graph: graphOf(b, [sum]), dims: sizes })
  })
  it('twenty results of one input', () => {
    const b = new GraphBuilder()
    const x = b.input('x', [n])
    expectFused({
      graph: graphOf(
        b,
        Array.from({ length: 20 }, (_, i) => b.mul(b.exp(x), i + 2)),
      ),
      dims: sizes,
    })
  })
  it('a chain of five thousand operations', () => {
    const b = new GraphBuilder()
    let x = b.input('x', [n])
    for (let i = 0; i < 5000; i++) x = i % 2 ? b.sin(x) : b.add(x, 0.25)
    expect(expectFused({ graph: graphOf(b, [x]), dims: sizes }).length).toBeLessThan(30)
  })
  it('a value doubled by itself sixty times', () => {
    const b = new GraphBuilder()
    let x = b.mul(b.input('x', [n]), 1e-9)
    for (let i = 0; i < 60; i++) x = i % 3 ? b.mul(x, b.add(x, 0.5)) : b.add(x, x)
    expectFused({ graph: graphOf(b, [x, b.sum(b.broadcast(b.sum(x, [0]), [n], []), [0])]), dims: sizes })
  })
  it('differences of differences, each element of which is used at two places', () => {
    const b = new GraphBuilder()
    let x = b.input('x', [dim(24)])
    for (let i = 0; i < 12; i++) {
      const size = [dim(23 - i)]
      x = b.sub(b.slice(x, [dim(1)], size), b.slice(x, [dim(0)], size))
      x = b.tanh(x)
    }
    expectFused({ graph: graphOf(b, [x]) })
  })
})

describe('results that are nothing computed', () => {
  it('need no kernel, or one that writes them', () => {
    const b = new GraphBuilder()
    const x = b.input('x', [n])
    const constant = b.constant(3)
    const kernels = expectFused({
      graph: graphOf(b, [x, constant, b.broadcast(constant, [n], []), b.reshape(x, [n, dim(1)])]),
      dims: sizes,
    })
    expect(kernels.length).toBe(3)
  })
})

describe('the verifier refuses', () => {
  const kernels = [...fuse(softmaxStep()), ...fuse(convnetStep())]
  const find = <K extends Kernel['kind']>(kind: K) =>
    kernels.find((k): k is Extract<Kernel, { kind: K }> => k.kind === kind)!
  const row = find('row')
  const map = find('map')
  const contract = find('contract')
  const broken: readonly (readonly [string, Kernel])[] = [
    ['an axis that is not bound', { ...map, axes: map.axes.slice(1) }],
    ['a stage used before it is known', { ...row, stages: row.stages.toReversed() }],
    ['a slot that is never written', { ...map, stores: map.stores.slice(1) }],
    ['a store to what is only read', { ...map, slots: map.slots.map((s) => ({ ...s, access: 'read' as const })) }],
    ['a load of what is only written', { ...map, slots: map.slots.map((s) => ({ ...s, access: 'write' as const })) }],
    ['left using the columns', { ...contract, left: contract.right }],
    ['an accumulator outside the stores', { ...contract, left: { kind: 'accumulator', dtype: 'float' } }],
    [
      'a result of the wrong dtype',
      {
        ...map,
        stores: map.stores.map((s) => ({ ...s, value: { kind: 'number', value: 1, dtype: 'bool' } as const })),
      },
    ],
    [
      'a load that nothing uses',
      { ...map, slots: [...map.slots, { node: map.slots[0]!.node, access: 'read' as const }] },
    ],
    ['a store written twice', { ...map, stores: [...map.stores, map.stores[0]!] }],
  ]
  for (const [what, kernel] of broken) it(what, () => expect(() => verifyKernel(kernel)).toThrow(/^kernel /))
})

describe('tensors that are put one after another', () => {
  const square = (b: GraphBuilder, name: string) =>
    b.matmul(b.input(name, [n, n], 'float'), b.input(`${name}2`, [n, n], 'float'))
  const joining = (kernels: readonly Kernel[]) => kernels.filter(({ kind }) => kind === 'map').length
  const touches = (kernels: readonly Kernel[]) =>
    kernels.flatMap(({ slots }) => slots.filter(({ part }) => part)).length

  it('are written where they belong', () => {
    const b = new GraphBuilder()
    const parts = [square(b, 'x'), square(b, 'y'), square(b, 'z')]
    const joined = b.concat(parts, 0)
    const kernels = expectFused({ graph: graphOf(b, [b.matmul(b.permute(joined, [1, 0]), joined)]), dims: sizes })
    expect([joining(kernels), touches(kernels)]).toEqual([0, 3])
  })
  it('are read there by others too', () => {
    const b = new GraphBuilder()
    const [x, y, z] = [square(b, 'x'), square(b, 'y'), square(b, 'z')]
    const joined = b.concat([x, y, z], 0)
    const product = b.matmul(b.permute(joined, [1, 0]), joined)
    const kernels = expectFused({
      graph: graphOf(b, [product, b.matmul(x, b.input('w', [n, n], 'float'))]),
      dims: sizes,
    })
    expect([joining(kernels), touches(kernels)]).toEqual([0, 4])
  })
  it('stay apart where they are results, or interleave', () => {
    const b = new GraphBuilder()
    const [x, y, z] = [square(b, 'x'), square(b, 'y'), square(b, 'z')]
    const rows = b.concat([x, y, z], 0)
    const columns = b.concat([square(b, 'u'), square(b, 'v'), square(b, 'w')], 1)
    const graph = graphOf(b, [
      x,
      b.matmul(b.permute(rows, [1, 0]), rows),
      b.matmul(columns, b.permute(columns, [1, 0])),
    ])
    expect(touches(expectFused({ graph, dims: sizes }))).toBe(0)
  })
  it('stay apart where one kernel makes one from another', () => {
    const b = new GraphBuilder()
    const x = square(b, 'x')
    const joined = b.concat([x, b.matmul(x, x), square(b, 'y')], 0)
    const kernels = expectFused({ graph: graphOf(b, [b.matmul(b.permute(joined, [1, 0]), joined)]), dims: sizes })
    expect([joining(kernels), touches(kernels)]).toEqual([1, 0])
  })
})

describe('axes that are taken apart', () => {
  it('where an index has them negated: the gradient of the greatest element of windows dilated by their stride', () => {
    const b = new GraphBuilder()
    const x = b.input('x', [n, n])
    const windowed = b.window(x, { axis: 0, size: 2, stride: 2, dilation: 2, low: 2, high: dim(2), fill: -1 })
    const most = b.max(windowed, [1, 2])
    const [gradient] = differentiate(b, b.sum(b.mul(most, most), [0]), [x])
    for (const size of [1, 5, 6]) expectFused({ graph: graphOf(b, [gradient!]), dims: new Map([['n', size]]) })
  })
})
