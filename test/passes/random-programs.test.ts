/** Random valid programs: simplified and not, they mean the same; their gradients are those of central differences. */
import { describe, expect, it } from 'vitest'
import { simplify } from '../../compiler/4-simplify/simplify.ts'
import { nodesOf } from '../../compiler/ir/graph.ts'
import { opNames, opOf } from '../../compiler/ops/registry.ts'
import { evaluate } from '../../compiler/reference/evaluate.ts'
import { leafName, randomGraph } from '../random-graph.ts'
import { expectSameMeaning } from './same-meaning.ts'

const programs = 300

describe('random programs', () => {
  it('cover every op, stay finite and are the same for the same seed', () => {
    const met = new Set<string>()
    for (let seed = 0; seed < programs; seed++) {
      const { graph, dims, leaves } = randomGraph(seed)
      const nodes = nodesOf(graph.results)
      for (const { op } of nodes) met.add(op)
      const values = evaluate(graph.results.map(({ node }) => node), { dims, leaf: (node) => leaves.get(leafName(node))! })
      for (const value of values) expect(value.data.every((x) => Number.isFinite(x) && Math.abs(x) < 1e7), `seed ${seed}`).toBe(true)
      expect(nodesOf(randomGraph(seed).graph.results).map(({ op }) => op)).toEqual(nodes.map(({ op }) => op))
    }
    const missing = opNames.filter((op) => !met.has(op) && op !== 'state' && op !== 'stop_gradient')
    expect(missing).toEqual([])
    expect(opOf({ op: 'add' }).name).toBe('add')
  })
  for (const gradients of [false, true])
    it(`mean the same simplified${gradients ? ', with their gradients' : ''}`, () => {
      for (let seed = 0; seed < programs; seed++) {
        const { graph, dims, leaves } = randomGraph(seed, { gradients })
        try {
          expectSameMeaning(graph, simplify(graph), dims, leaves)
        } catch (error) {
          throw new Error(`seed ${seed}`, { cause: error })
        }
      }
    })
})
