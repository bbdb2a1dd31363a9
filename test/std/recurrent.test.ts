/** Recurrent layers on the test adapter and as WebAssembly, in one dispatch where the device has that form: forward and every gradient within 1e-4 of PyTorch's float64. */
import { afterAll, describe, expect, it } from 'vitest'
import { simplify } from '../../compiler/4-simplify/simplify.ts'
import { type Graph, type Node, nodesOf } from '../../compiler/ir/graph.ts'
import { GraphBuilder } from '../../compiler/ops/builder.ts'
import { lowerOf } from '../../compiler/ops/registry.ts'
import { transplant } from '../../compiler/ops/transplant.ts'
import { compileGraph } from '../../compiler/pipeline.ts'
import { findDevice } from '../../runtime/node/devices.ts'
import { providePlatform } from '../../runtime/node/platform.ts'
import { caseRun, namesOf, recurrentCases, tensorOf } from './cases.ts'
import { difference } from './fixtures.ts'

providePlatform()
const devices = await Promise.all([process.env['DLM_ADAPTER'] ?? 'software', 'wasm'].map(findDevice))
afterAll(() => devices.forEach(({ device }) => void device!.dispose()))

/** A graph without a model has inputs only, so parameters become some. */
function overInputs({ results, ...graph }: Graph, leaf: (node: Node) => { readonly data: ArrayLike<number> }) {
  const builder = new GraphBuilder()
  const given = new Map<string, ArrayLike<number>>()
  const replacements = new Map<Node, Node>()
  for (const node of nodesOf(results)) {
    if (lowerOf(node).kind !== 'leaf' || 'data' in node.attributes) continue
    const name = `leaf${given.size}`
    given.set(name, leaf(node).data)
    replacements.set(node, builder.input(name, node.shape, node.dtype))
  }
  const moved = transplant(
    builder,
    results.map((r) => r.node),
    graph.origins,
    replacements,
  )
  return { graph: simplify({ ...graph, results: results.map((r) => ({ ...r, node: moved.get(r.node)! })) }), given }
}

/** Each case is a few dozen kernels, which a software driver takes seconds to compile: these have every form among them. */
const chosen = /^(\w+ 3x5x7 to 5|LSTM from a state|GRU in reverse|RNN in two layers, both directions)$/

describe.each(devices)('recurrent layers on $description.name', ({ device }) => {
  // WebAssembly compiles at once, so there it is every case.
  for (const each of recurrentCases.filter((c) => device!.target === 'wasm' || chosen.test(c.title)))
    it(each.title, { timeout: 120_000 }, async () => {
      const run = caseRun(each)
      const { graph, given } = overInputs(run.graph, run.leaf)
      const session = await device!.open(compileGraph(graph, device!.target, { subgroup: device!.subgroup }), {
        dims: {},
        entries: ['infer'],
        poison: true,
      })
      try {
        for (const [name, values] of given) session.write(name, Float32Array.from(values))
        await session.run('infer')
        for (const prefix of ['out.', 'grad.'])
          for (const name of namesOf(each.title, prefix))
            expect(
              difference(await session.read(prefix + name), tensorOf(each.title, prefix + name)!.data),
              prefix + name,
            ).toBeLessThan(1e-4)
      } finally {
        session.dispose()
      }
    })
})
