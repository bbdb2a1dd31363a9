/** Whether two graphs mean the same: their results agree in float64 on random values of their leaves. */
import { expect } from 'vitest'
import type { Bindings } from '../../compiler/ir/dim.ts'
import { evaluate as evaluateDim } from '../../compiler/ir/dim.ts'
import type { Graph } from '../../compiler/ir/graph.ts'
import { verifyGraph } from '../../compiler/ir/verify-graph.ts'
import type { Value } from '../../compiler/ops/op.ts'
import { evaluate } from '../../compiler/reference/evaluate.ts'
import { drawValue, generator } from '../ops/sample-graph.ts'
import { leafName } from '../random-graph.ts'

export function expectSameMeaning(
  before: Graph,
  after: Graph,
  dims: Bindings = new Map(),
  known?: ReadonlyMap<string, Value>,
): void {
  verifyGraph(before)
  verifyGraph(after)
  const leaves = new Map(known)
  const run = (graph: Graph) =>
    evaluate(
      graph.results.map(({ node }) => node),
      {
        dims,
        leaf: (node) => {
          const name = leafName(node)
          const shape = node.shape.map((size) => evaluateDim(size, dims))
          const value =
            leaves.get(name) ??
            drawValue({ shape, dtype: node.dtype }, generator(name.length * 131 + name.charCodeAt(0)))
          leaves.set(name, value)
          return value
        },
      },
    )
  const [expected, found] = [run(before), run(after)]
  expect(after.results.map(({ name, role }) => [name, role])).toEqual(
    before.results.map(({ name, role }) => [name, role]),
  )
  for (const [i, { name }] of before.results.entries()) {
    expect(found[i]!.shape, name).toEqual(expected[i]!.shape)
    expect(found[i]!.dtype, name).toBe(expected[i]!.dtype)
    const magnitude = [...expected[i]!.data].reduce((most, x) => Math.max(most, Math.abs(x)), 1)
    let worst = 0
    for (let k = 0; k < expected[i]!.data.length; k++) {
      const [x, y] = [expected[i]!.data[k]!, found[i]!.data[k]!]
      if (!Object.is(x, y) && !(Math.abs(x - y) <= 1e-9 * magnitude))
        worst = Math.max(worst, Math.abs(x - y) || Infinity)
    }
    expect(worst, `${name}: greatest difference`).toBe(0)
  }
}
