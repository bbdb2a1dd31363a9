/** Graphs that differ in the names of their leaves alone are fused once, and each gets kernels that speak of its own nodes. */
import { describe, expect, it } from 'vitest'
import { FusedGraphs } from '../../compiler/5-fuse/alike.ts'
import { type FuseOptions, fuse } from '../../compiler/5-fuse/fuse.ts'
import { dim } from '../../compiler/ir/dim.ts'
import { type Graph, type Node, nodesOf, type Origin, type Result } from '../../compiler/ir/graph.ts'
import type { Kernel } from '../../compiler/ir/kernel.ts'
import { keyOfKernel } from '../../compiler/ir/kernel-key.ts'
import { GraphBuilder } from '../../compiler/ops/builder.ts'
import { randomGraph } from '../random-graph.ts'

const origin = (start: number): Origin => ({
  span: { source: { path: 'twin.dlm', text: '' }, start, end: start + 1 },
  path: '',
  role: 'forward',
})

/** The same with other names, other ids and an origin of its own for each node. */
function twinOf({ name, results }: Graph, shift: number): Graph {
  const builder = new GraphBuilder()
  for (let i = 0; i < shift; i++) builder.input(`before${i}`, [dim(1)], 'float', 'input')
  const copies = new Map<Node, Node>()
  const replaced = results.flatMap(({ replaces }) => (replaces ? [{ node: replaces }] : []))
  for (const node of nodesOf([...results, ...replaced])) {
    const attributes = { ...node.attributes } as Record<string, unknown>
    for (const word of ['name', 'path']) if (word in attributes && node.operands.length === 0) attributes[word] += "'"
    const operands = node.operands.map((operand) => copies.get(operand)!)
    copies.set(
      node,
      builder.withOrigin(origin(node.id), () => builder.node(node.op, operands, attributes as never)),
    )
  }
  const moved = results.map(({ replaces, ...result }) => ({
    ...result,
    node: copies.get(result.node)!,
    ...(replaces && { replaces: copies.get(replaces)! }),
  }))
  return builder.graph(name, moved)
}

/** What a kernel is and says, its graph's nodes by id, those that fusion made by what they are. */
function told(kernels: readonly Kernel[], { results }: Graph) {
  const own = new Set(nodesOf(results))
  const say = (node: Node | undefined) => node && (own.has(node) ? `%${node.id}` : `made ${node.op}`)
  return kernels.map((kernel) => ({
    key: keyOfKernel(kernel),
    slots: kernel.slots.map(({ node, access }) => `${access} ${say(node)}`),
    nodes: kernel.nodes.map(say),
    origins: kernel.origins,
    stops: kernel.stops.map(({ producer, consumer, reason }) => `${say(producer)} ${say(consumer)} ${reason}`),
  }))
}

describe('graphs that are alike', () => {
  it('have the kernels that each of them has alone', () => {
    for (let seed = 0; seed < 150; seed++) {
      const { graph } = randomGraph(seed, { gradients: seed % 2 === 0, nodes: 6 + (seed % 20) })
      const options: FuseOptions = seed % 3 === 0 ? { maxSlots: 5 } : {}
      const known = new FusedGraphs()
      fuse(twinOf(graph, 0), { ...options, known })
      const twin = twinOf(graph, 1 + (seed % 7))
      expect(told(fuse(twin, { ...options, known }), twin), `seed ${seed}`).toEqual(told(fuse(twin, options), twin))
      const ids = new Map<number, Node>()
      for (const { slots } of fuse(twin, { ...options, known }))
        for (const { node } of slots) {
          expect(ids.get(node.id) ?? node, `seed ${seed}: two nodes with one id`).toBe(node)
          ids.set(node.id, node)
        }
    }
  })

  it('have the kernels that each has alone where more is wanted of one, and those are not searched for if all of it was stored', () => {
    let [graphs, searches] = [0, 0]
    for (let seed = 0; seed < 300; seed++) {
      const { graph } = randomGraph(seed, { gradients: seed % 2 === 0, nodes: 6 + (seed % 20) })
      const options: FuseOptions = seed % 3 === 0 ? { maxSlots: 5 } : {}
      const known = new FusedGraphs()
      const { kernelsOf } = known
      known.kernelsOf = (asked, limits, isMany, search) =>
        kernelsOf.call(known, asked, limits, isMany, (many) => {
          searches++
          return search(many)
        })
      const written = fuse(graph, { ...options, known }).flatMap(({ slots }) =>
        slots.filter((s) => s.access === 'write'),
      )
      const own = new Set(nodesOf(graph.results))
      const stored = written.map(({ node }) => node).filter((node) => own.has(node))
      // All that is stored, or else one that perhaps is not.
      const wanted = seed % 4 < 2 ? stored : [[...own][seed % own.size]!]
      const results = [
        ...graph.results,
        ...wanted.map((node, at): Result => ({ name: `more${at}`, node, role: 'exposed' })),
      ]
      const more = { ...twinOf({ ...graph, results }, seed % 5) }
      graphs++
      expect(told(fuse(more, { ...options, known }), more), `seed ${seed}`).toEqual(told(fuse(more, options), more))
    }
    expect(searches).toBeGreaterThan(graphs)
    expect(searches).toBeLessThan(1.7 * graphs)
  })

  const square = (factor: number) => {
    const builder = new GraphBuilder()
    const x = builder.input('x', [dim(3)], 'float', 'input')
    return builder.graph('square', [{ name: 'y', node: builder.mul(builder.mul(x, x), factor), role: 'output' }])
  }
  const runs = (known: FusedGraphs, graph: Graph, limits: string, many: boolean) => {
    let times = 0
    const fused = known.kernelsOf(
      graph,
      limits,
      () => many,
      (isMany) => {
        times++
        isMany(4)
        return { kernels: fuse(graph), origins: graph.origins }
      },
    )
    expect(fused.length).toBe(1)
    return times
  }

  it('are fused once; with another number, other limits or another decision they are others', () => {
    const known = new FusedGraphs()
    expect(runs(known, square(2), '8', true)).toBe(1)
    expect(runs(known, square(2), '8', true)).toBe(0)
    expect(runs(known, square(3), '8', true)).toBe(1)
    expect(runs(known, square(2), '5', true)).toBe(1)
    expect(runs(known, square(2), '8', false)).toBe(1)
    expect(runs(known, square(2), '8', false)).toBe(0)
    expect(runs(known, square(2), '8', true)).toBe(0)
  })
})
