/** Recurrences on the device: loops of dispatches agree with the float64 reference, forward and backward. */
import { describe, expect, it } from 'vitest'
import { differentiate } from '../../compiler/3-differentiate/differentiate.ts'
import { simplify } from '../../compiler/4-simplify/simplify.ts'
import type { ScanSchedule } from '../../compiler/7-emit/wgsl/schedule.ts'
import type { ScanChoice } from '../../compiler/emitters.ts'
import { dim } from '../../compiler/ir/dim.ts'
import type { Graph, Node } from '../../compiler/ir/graph.ts'
import { GraphBuilder } from '../../compiler/ops/builder.ts'
import { compileGraph } from '../../compiler/pipeline.ts'
import { evaluate } from '../../compiler/reference/evaluate.ts'
import { findDevice } from '../../runtime/node/devices.ts'
import { providePlatform } from '../../runtime/node/platform.ts'

providePlatform()

const dims = (...sizes: number[]) => sizes.map(dim)
const nameOf = (node: Node) => (node.attributes as { readonly name: string }).name

/** The greater of the errors on the test adapter and as WebAssembly. */
async function deviceError(graph: Graph, inputs: readonly Node[], scans?: ScanChoice): Promise<number> {
  const [software, wasm] = [process.env['DLM_ADAPTER'] ?? 'software', 'wasm']
  return Math.max(await errorOn(software, graph, inputs, scans), await errorOn(wasm, graph, inputs, scans))
}

/** Runs a graph on a device, intermediates poisoned, twice; the greatest error against the reference, relative to 1 + |value|. */
async function errorOn(name: string, graph: Graph, inputs: readonly Node[], scans?: ScanChoice): Promise<number> {
  let seed = 1
  const next = () => {
    seed = (seed * 16807) % 2147483647
    return (seed / 2147483647 - 0.5) * 1.2
  }
  const values = new Map(
    inputs.map((node) => {
      const shape = node.shape.map((d) => d.constant!)
      return [
        nameOf(node),
        {
          shape,
          dtype: node.dtype,
          data: Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => Math.fround(next())),
        },
      ]
    }),
  )
  const expected = evaluate(
    graph.results.map((r) => r.node),
    { leaf: (node) => values.get(nameOf(node))! },
  )
  const { device } = await findDevice(name)
  const program = compileGraph(graph, device!.target, { subgroup: device!.subgroup, ...(scans && { scans }) })
  const session = await device!.open(program, { dims: {}, entries: ['infer'], poison: true })
  try {
    const used = new Set(program.tensors.map((t) => t.name))
    for (const [name, value] of values) if (used.has(name)) session.write(name, Float32Array.from(value.data))
    await session.run('infer')
    await session.run('infer')
    let worst = 0
    for (const [i, { name }] of graph.results.entries()) {
      const given = await session.read(name)
      expected[i]!.data.forEach((x, k) => {
        const error = Math.abs(x - given[k]!) / (1 + Math.abs(x))
        worst = error <= worst ? worst : error
      })
    }
    return worst
  } finally {
    session.dispose()
    device!.dispose()
  }
}

function withGradients(b: GraphBuilder, loss: Node, inputs: readonly Node[], more: readonly Node[]): Graph {
  const nodes = [loss, ...more, ...differentiate(b, loss, inputs)]
  return b.graph(
    'test',
    nodes.map((node, i) => ({ name: `r${i}`, node, role: 'output' as const })),
  )
}

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
  const loss = b.add(b.sum(b.mul(all!, all!), [0, 1, 2]), b.sum(b.mul(lastH!, lastC!), [0, 1]))
  const inputs = [x, wx, wh, bias, h0]
  return { graph: withGradients(b, loss, inputs, [all!, lastH!, lastC!]), inputs }
}

const byWorkgroup = { kind: 'scan', by: 'workgroup', guards: 'branch' } as const
const byLane = { kind: 'scan', by: 'lane', guards: 'branch' } as const
/** Every way to lay a recurrence over lanes; `work` cuts some of them into several dispatches. */
const schedules: readonly ScanSchedule[] = [
  { ...byWorkgroup, rows: 1, lanes: 32, columns: 1, memory: 0, work: 1e9 },
  { ...byWorkgroup, rows: 2, lanes: 64, columns: 2, memory: 12288, work: 1e9 },
  { ...byWorkgroup, rows: 4, lanes: 8, columns: 4, memory: 700, work: 1 },
  { ...byLane, rows: 1, lanes: 8, columns: 4, subgroup: 0, work: 1e9 },
  { ...byLane, rows: 2, lanes: 16, columns: 3, subgroup: 0, work: 1 },
  { ...byLane, rows: 2, lanes: 8, columns: 2, subgroup: 8, work: 2000 },
]

describe('a recurrence in one kernel, by any schedule', () => {
  const { graph, inputs } = lstm(5, 9, 4, 7, true)
  const whole = simplify(graph)
  for (const schedule of schedules)
    it(JSON.stringify(schedule), async () => {
      const { device } = await findDevice(process.env['DLM_ADAPTER'] ?? 'software')
      const fits = schedule.by === 'workgroup' || schedule.subgroup === 0 || schedule.subgroup === device!.subgroup
      expect(
        await deviceError(whole, inputs, fits ? schedule : ({ ...schedule, subgroup: 0 } as ScanSchedule)),
      ).toBeLessThan(2e-6)
    })
})

describe('a recurrence on the device', () => {
  for (const [length, batch, width, hidden] of [
    [5, 3, 4, 2],
    [1, 1, 1, 1],
    [3, 17, 5, 7],
  ] as const)
    for (const reverse of [false, true])
      for (const form of ['as written', 'simplified', 'simplified, in one kernel'])
        it(`LSTM, ${length} steps, batch ${batch}, ${width} → ${hidden}${reverse ? ', reversed' : ''}, ${form}`, async () => {
          const { graph, inputs } = lstm(length, batch, width, hidden, reverse)
          const whole = form === 'simplified, in one kernel'
          expect(
            await deviceError(form === 'as written' ? graph : simplify(graph), inputs, whole ? undefined : 'loop'),
          ).toBeLessThan(2e-6)
        })

  it('a forward LSTM is the hoisted product and one dispatch over all steps', () => {
    const { graph } = lstm(6, 32, 128, 256, false)
    const forward = simplify({ ...graph, results: graph.results.filter((r) => r.name === 'r1') })
    const { entries } = compileGraph(forward, 'gpu')
    expect(entries[0]!.loops).toBeUndefined()
    const labels = entries[0]!.dispatches.map((d) => d.label)
    expect(labels.filter((l) => l.startsWith('scan'))).toHaveLength(1)
    expect(labels.filter((l) => l.startsWith('contract'))).toHaveLength(1)
  })

  it("a cell of one's own runs in one dispatch too: a minimal gated unit", async () => {
    const b = new GraphBuilder()
    const x = b.input('x', dims(5, 3, 4))
    const [wf, uf, wh, uh] = (['wf', 'uf', 'wh', 'uh'] as const).map((name, i) =>
      b.input(name, dims(i % 2 === 0 ? 4 : 6, 6)),
    )
    const element = b.bound(dims(3, 4))
    const h = b.bound(dims(3, 6))
    const f = b.add(b.mul(b.tanh(b.mul(b.add(b.matmul(element, wf!), b.matmul(h, uf!)), 0.5)), 0.5), 0.5)
    const candidate = b.tanh(b.add(b.matmul(element, wh!), b.matmul(b.mul(f, h), uh!)))
    const next = b.add(b.mul(b.sub(1, f), h), b.mul(f, candidate))
    const [, all] = b.scan({
      length: dim(5),
      reverse: false,
      elements: [{ leaf: element, stack: x }],
      carries: [{ leaf: h, initial: b.full(dims(3, 6), 0), next }],
      yields: [next],
    })
    const inputs = [x, wf!, uf!, wh!, uh!]
    const forward = simplify(b.graph('unit', [{ name: 'r0', node: all!, role: 'output' }]))
    const { entries } = compileGraph(forward, 'gpu')
    expect(entries[0]!.loops).toBeUndefined()
    expect(await deviceError(forward, inputs)).toBeLessThan(2e-6)
    expect(
      await deviceError(simplify(withGradients(b, b.sum(b.mul(all!, all!), [0, 1, 2]), inputs, [])), inputs),
    ).toBeLessThan(2e-6)
  })

  it('a state that is normalised row by row, by lanes and by workgroups', async () => {
    const b = new GraphBuilder()
    const x = b.input('x', dims(4, 3, 40))
    const w = b.input('w', dims(40, 40))
    const element = b.bound(dims(3, 40))
    const h = b.bound(dims(3, 40))
    const a = b.add(element, b.matmul(h, w))
    const spread = (n: Node) => b.reshape(b.mul(b.sum(n, [1]), 1 / 40), dims(3, 1))
    const centred = b.sub(a, spread(a))
    const next = b.div(centred, b.sqrt(b.add(spread(b.mul(centred, centred)), 0.1)))
    const [, all] = b.scan({
      length: dim(4),
      reverse: false,
      elements: [{ leaf: element, stack: x }],
      carries: [{ leaf: h, initial: b.full(dims(3, 40), 0), next }],
      yields: [next],
    })
    const loss = b.sum(b.mul(all!, b.tanh(all!)), [0, 1, 2])
    const graph = simplify(withGradients(b, loss, [x, w], [all!]))
    expect(await deviceError(graph, [x, w])).toBeLessThan(5e-6)
    const together = { ...byWorkgroup, rows: 2, lanes: 32, columns: 2, memory: 8192, work: 1e9 }
    expect(await deviceError(graph, [x, w], together)).toBeLessThan(5e-6)
  })

  it('carries that change places', async () => {
    const b = new GraphBuilder()
    const x = b.input('x', dims(3))
    const a = b.bound(dims(3))
    const c = b.bound(dims(3))
    const [first, second, seen] = b.scan({
      length: dim(4),
      reverse: false,
      elements: [],
      carries: [
        { leaf: a, initial: x, next: c },
        { leaf: c, initial: b.mul(x, 2), next: a },
      ],
      yields: [a],
    })
    const graph = b.graph(
      'swap',
      [first!, second!, seen!].map((node, i) => ({ name: `r${i}`, node, role: 'output' as const })),
    )
    expect(await deviceError(graph, [x])).toBeLessThan(1e-7)
  })

  it('a scan inside a scan, with gradients', async () => {
    const b = new GraphBuilder()
    const x = b.input('x', dims(3, 4))
    const scale = b.input('scale', dims(4))
    const row = b.bound(dims(4))
    const sum = b.bound([])
    const inner = b.bound([])
    const product = b.bound([])
    const [p, seen] = b.scan({
      length: dim(4),
      reverse: false,
      elements: [{ leaf: inner, stack: b.mul(row, scale) }],
      carries: [{ leaf: product, initial: b.add(sum, 1), next: b.mul(product, b.add(inner, 1)) }],
      yields: [product],
    })
    const [last, all] = b.scan({
      length: dim(3),
      reverse: true,
      elements: [{ leaf: row, stack: x }],
      carries: [{ leaf: sum, initial: b.constant(0.5), next: b.tanh(p!) }],
      yields: [seen!],
    })
    const loss = b.add(last!, b.sum(b.mul(all!, all!), [0, 1]))
    expect(await deviceError(withGradients(b, loss, [x, scale], [all!]), [x, scale])).toBeLessThan(2e-6)
  })

  it('a scan whose stack is the element of another', async () => {
    const b = new GraphBuilder()
    const x = b.input('x', dims(3, 4, 2))
    const row = b.bound(dims(4, 2))
    const item = b.bound(dims(2))
    const total = b.bound(dims(2))
    const [t] = b.scan({
      length: dim(4),
      reverse: false,
      elements: [{ leaf: item, stack: row }],
      carries: [{ leaf: total, initial: b.full(dims(2), 0), next: b.tanh(b.add(total, item)) }],
      yields: [],
    })
    const [all] = b.scan({
      length: dim(3),
      reverse: false,
      elements: [{ leaf: row, stack: x }],
      carries: [],
      yields: [t!],
    })
    expect(await deviceError(withGradients(b, b.sum(b.mul(all!, all!), [0, 1]), [x], [all!]), [x])).toBeLessThan(2e-6)
  })
})
