/** A graph planned and run in a session, against the float64 reference of the graph. */

import { type Bindings, evaluate as evaluateDim } from '../../compiler/ir/dim.ts'
import { type DType, type Graph, type Node, nodesOf } from '../../compiler/ir/graph.ts'
import { GraphBuilder } from '../../compiler/ops/builder.ts'
import type { Value } from '../../compiler/ops/op.ts'
import { lowerOf } from '../../compiler/ops/registry.ts'
import { ownData } from '../../compiler/ops/structure.ts'
import { transplant } from '../../compiler/ops/transplant.ts'
import { compileGraph } from '../../compiler/pipeline.ts'
import { evaluate } from '../../compiler/reference/evaluate.ts'
import { findDevice } from '../../runtime/node/devices.ts'
import { providePlatform } from '../../runtime/node/platform.ts'
import { drawValue, generator } from '../ops/sample-graph.ts'
import { leafName } from '../random-graph.ts'

providePlatform()

const tolerance = 2e-4
const arrays: Partial<Record<DType, typeof Float32Array | typeof Uint32Array>> = {
  float: Float32Array,
  uint: Uint32Array,
}

function leavesOf(graph: Graph, dims: Bindings, seed: number): Map<string, Value> {
  const random = generator(seed)
  const leaves = new Map<string, Value>()
  for (const node of nodesOf(graph.results)) {
    if (lowerOf(node).kind !== 'leaf' || ownData(node) || node.op === 'bound') continue
    const shape = node.shape.map((size) => evaluateDim(size, dims))
    const value = drawValue({ shape, dtype: node.dtype }, random)
    leaves.set(leafName(node), { ...value, data: Float64Array.from(value.data, Math.fround) })
  }
  return leaves
}

/** The same with inputs in the place of parameters: there is no model around it. */
export function withInputs(graph: Graph): Graph {
  const builder = new GraphBuilder()
  const inputs = nodesOf(graph.results).flatMap((node) =>
    node.op === 'parameter' ? [[node, builder.input(node.attributes.path, node.shape)] as const] : [],
  )
  const copies = transplant(builder, results(graph), graph.origins, new Map(inputs))
  return builder.graph(
    graph.name,
    graph.results.map((result) => ({ ...result, node: copies.get(result.node)! })),
  )
}

const results = (graph: Graph): readonly Node[] => graph.results.map(({ node }) => node)

/** What float64 says, and by how much it changes with its leaves in the last places: where a comparison tips over, by much. */
function expectedOf(graph: Graph, dims: Bindings, leaves: ReadonlyMap<string, Value>) {
  const nudged = (by: number): ReadonlyMap<string, Value> =>
    new Map(
      [...leaves].map(([name, value]) => [
        name,
        value.dtype === 'float' ? { ...value, data: value.data.map((x, i) => x + (i % 2 === 0 ? by : -by)) } : value,
      ]),
    )
  const at = (given: ReadonlyMap<string, Value>) =>
    evaluate(results(graph), { dims, leaf: (node) => given.get(leafName(node))! })
  const values = at(leaves)
  const others = [1e-6, -1e-6].map((by) => at(nudged(by)))
  return values.map((value, i) => ({
    value,
    change: value.data.map((x, k) => Math.max(...others.map((other) => Math.abs(other[i]!.data[k]! - x)))),
  }))
}

/** Elements of the results that differ by more than float32 explains. Leaves that are not given are drawn. */
export async function planDisagreements(
  name: string,
  graph: Graph,
  dims: Bindings,
  seed: number,
  leaves: ReadonlyMap<string, Value> = leavesOf(graph, dims, seed),
): Promise<string[]> {
  const { device } = await findDevice(name)
  const program = compileGraph(graph, device!.target, { subgroup: device!.subgroup })
  const session = await device!.open(program, { dims: Object.fromEntries(dims), entries: ['infer'], poison: true })
  try {
    const used = new Set(program.tensors.map((tensor) => tensor.name))
    for (const [leaf, { data, dtype }] of leaves)
      if (used.has(leaf)) session.write(leaf, (arrays[dtype] ?? Int32Array).from(data))
    await session.run('infer')
    await session.run('infer')
    const found: string[] = []
    for (const [i, { value, change }] of expectedOf(graph, dims, leaves).entries()) {
      const given = await session.read(graph.results[i]!.name)
      const scale = [...value.data].reduce((most, x) => Math.max(most, Math.abs(x)), 1)
      value.data.forEach((x, k) => {
        if (!(Math.abs(given[k]! - x) <= tolerance * scale + 4 * change[k]!))
          found.push(`${graph.results[i]!.name}[${k}]: ${given[k]}, not ${x}`)
      })
    }
    return found
  } finally {
    session.dispose()
    device!.dispose()
  }
}
