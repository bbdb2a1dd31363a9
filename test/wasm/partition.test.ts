/** However the groups of a kernel are cut into ranges and in whatever order those run, the bits of the result are the same. */
import { describe, expect, it } from 'vitest'
import { differentiate } from '../../compiler/3-differentiate/differentiate.ts'
import { dim, evaluate } from '../../compiler/ir/dim.ts'
import type { Graph, Node } from '../../compiler/ir/graph.ts'
import { GraphBuilder } from '../../compiler/ops/builder.ts'
import { disagreements, runGraph } from '../device/run-graph.ts'
import { drawValue, generator } from '../ops/sample-graph.ts'
import { leafName, randomGraph } from '../random-graph.ts'

const bits = (arrays: Awaited<ReturnType<typeof runGraph>>) =>
  arrays.map((a) => [...new Uint32Array(a.buffer, a.byteOffset, a.length)])

async function expectSameBits(run: Parameters<typeof runGraph>[0]): Promise<void> {
  const first = bits(await runGraph(run, { target: 'wasm', seed: 1 }))
  for (const seed of [2, 3, 4]) expect(bits(await runGraph(run, { target: 'wasm', seed }))).toEqual(first)
}

/** Many tiles, a depth that is cut in parts, a long row: what several groups work on together. */
function large(): Graph {
  const b = new GraphBuilder()
  const x = b.input('x', [dim(66), dim(1030)])
  const w = b.input('w', [dim(1030), dim(136)])
  const loss = b.sum(b.tanh(b.mul(b.matmul(x, w), 0.02)), [0, 1])
  const nodes = [loss, ...differentiate(b, loss, [x, w])]
  return b.graph(
    'large',
    nodes.map((node, i) => ({ name: `r${i}`, node, role: 'output' as const })),
  )
}

describe('any partition of the groups gives the same bits', () => {
  it('products and sums over several groups', async () => {
    const values = new Map<Node, ReturnType<typeof drawValue>>()
    const leaf = (node: Node) => {
      const shape = node.shape.map((d) => evaluate(d, new Map()))
      const known = values.get(node) ?? drawValue({ shape, dtype: node.dtype, range: [-1, 1] }, generator(7))
      values.set(node, known)
      return known
    }
    const run = { graph: large(), dims: new Map<string, number>(), leaf }
    await expectSameBits(run)
    expect((await disagreements(run, { target: 'wasm' })).slice(0, 3)).toEqual([])
  })
  it.each(Array.from({ length: 40 }, (_, i) => 1000 + 2 * i))('random program %i with gradients', async (seed) => {
    const { graph, dims, leaves } = randomGraph(seed, { nodes: 10, gradients: true })
    await expectSameBits({ graph, dims, leaf: (node) => leaves.get(leafName(node as never))! })
  })
})
