/** What is known of one graph is used for another of the same nodes: it comes out the same, node by node, as alone. */
import { describe, expect, it } from 'vitest'
import { simplify } from '../../compiler/4-simplify/simplify.ts'
import { type Graph, type Node, nodesOf } from '../../compiler/ir/graph.ts'
import { generator } from '../ops/sample-graph.ts'
import { randomGraph } from '../random-graph.ts'

/** The same graph, of which nothing is known. */
const alone = (graph: Graph): Graph => ({ ...graph, origins: { get: (node) => graph.origins.get(node) } })

const told = (graph: Graph) => ({
  name: graph.name,
  results: graph.results.map(({ node, replaces, ...result }) => ({ ...result, id: node.id, replaces: replaces?.id })),
  nodes: nodesOf(graph.results).map((node: Node) => ({
    id: node.id,
    op: node.op,
    operands: node.operands.map(({ id }) => id),
    attributes: node.attributes,
    origins: graph.origins.get(node),
  })),
})

describe('graphs of the same nodes', () => {
  it('with other results', () => {
    let different = 0
    for (let seed = 0; seed < 150; seed++) {
      const { graph } = randomGraph(seed, { gradients: seed % 2 === 0, nodes: 6 + (seed % 30) })
      const random = generator(seed)
      const nodes = nodesOf(graph.results)
      const first = simplify(graph)
      for (let turn = 0; turn < 4; turn++) {
        const exposed = nodes
          .filter(() => random() < 0.2)
          .map((node) => ({ name: `${node.id}`, node, role: 'exposed' as const }))
        const other = { ...graph, name: 'other', results: [...graph.results, ...exposed] }
        const made = simplify(other)
        expect(told(made), `seed ${seed}`).toEqual(told(simplify(alone(other))))
        if (nodesOf(made.results).length !== nodesOf(first.results).length) different++
      }
    }
    expect(different).toBeGreaterThan(0)
  })

  it('with the same results under other names', () => {
    const { graph } = randomGraph(1)
    const made = simplify(graph)
    const results = graph.results.map((result) => ({ ...result, name: `other ${result.name}` }))
    const other = simplify({ name: 'other', results, origins: graph.origins })
    expect(other.results.map(({ name }) => name)).toEqual(results.map(({ name }) => name))
    for (const [at, { node }] of made.results.entries()) expect(other.results[at]!.node).toBe(node)
  })

  it('unless one of them comes from elsewhere too by then', () => {
    const { graph, builder } = randomGraph(2)
    const made = simplify(graph)
    const span = { source: { path: 'a.dlm', text: '' }, start: 0, end: 0 }
    builder.withOrigin({ span, path: 'here', role: 'forward' }, () => {
      for (const { node } of graph.results) builder.met(node)
    })
    const other = simplify(graph)
    for (const { node } of other.results) expect(other.origins.get(node)).toBeDefined()
    for (const { node } of made.results) expect(made.origins.get(node)).toBeUndefined()
  })
})
