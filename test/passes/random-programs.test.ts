/**
 * Random valid programs: simplified and not, they mean the same; the gradients agree with differences of the loss along
 * a random direction (five points, so that the curvature does not count).
 */
import { describe, expect, it } from 'vitest'
import { rules } from '../../compiler/4-simplify/rules.ts'
import { simplify } from '../../compiler/4-simplify/simplify.ts'
import { type Node, nodesOf } from '../../compiler/ir/graph.ts'
import { printGraph } from '../../compiler/ir/print-graph.ts'
import type { Value } from '../../compiler/ops/op.ts'
import { opNames } from '../../compiler/ops/registry.ts'
import { evaluate } from '../../compiler/reference/evaluate.ts'
import { generator } from '../ops/sample-graph.ts'
import { leafName, randomGraph } from '../random-graph.ts'
import { expectSameMeaning } from './same-meaning.ts'

const programs = 300
const step = 1e-5

/** Recurrences have tests of their own: their bodies are graphs. */
const recurrence = new Set<string>(['bound', 'scan', 'scan_result'])

describe('random programs', () => {
  it('cover every op, stay finite and are the same for the same seed', () => {
    const met = new Set<string>()
    for (let seed = 0; seed < programs; seed++) {
      const { graph, dims, leaves } = randomGraph(seed)
      const nodes = nodesOf(graph.results)
      for (const { op } of nodes) met.add(op)
      const values = evaluate(
        graph.results.map(({ node }) => node),
        { dims, leaf: (node) => leaves.get(leafName(node))! },
      )
      for (const value of values)
        expect(
          value.data.every((x) => Number.isFinite(x) && Math.abs(x) < 1e7),
          `seed ${seed}`,
        ).toBe(true)
      expect(nodesOf(randomGraph(seed).graph.results).map(({ op }) => op)).toEqual(nodes.map(({ op }) => op))
    }
    const missing = opNames.filter(
      (op) => !met.has(op) && op !== 'state' && op !== 'stop_gradient' && !recurrence.has(op),
    )
    expect(missing).toEqual([])
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
  it('are simplified to the end: there is nothing left to do', () => {
    for (let seed = 0; seed < programs; seed++) {
      const once = simplify(randomGraph(seed, { gradients: seed % 2 === 0, nodes: 6 + (seed % 20) }).graph)
      expect(printGraph(simplify(once)), `seed ${seed}`).toBe(printGraph(once))
    }
  })
  it('come out the same if each rule is tried whatever it reads', () => {
    const tried = rules.map(({ name, ops, apply }) => ({ name, ops, apply }))
    for (let seed = 0; seed < programs; seed++) {
      const { graph } = randomGraph(seed, { gradients: seed % 2 === 0, nodes: 6 + (seed % 20) })
      const made = printGraph(simplify(graph, { rules }))
      expect(printGraph(simplify(graph, { rules: tried })), `seed ${seed}`).toBe(made)
    }
  })
  it('have the gradients that differences of their loss show', () => {
    let checked = 0
    for (let seed = 0; seed < programs; seed++) {
      const { graph, dims, leaves } = randomGraph(seed, { gradients: true })
      const loss = graph.results.find(({ role }) => role === 'loss')
      if (!loss) continue
      const random = generator(seed + 999)
      // Away from the multiples of 1/32 on which leaves lie, where floor and its kin jump and extrema tie.
      const at = new Map(
        [...leaves].map(([name, value]): [string, Value] => [
          name,
          value.dtype === 'float' ? { ...value, data: value.data.map((x) => x + 0.001 + 0.02 * random()) } : value,
        ]),
      )
      const run = (values: ReadonlyMap<string, Value>, nodes: readonly Node[]) =>
        evaluate(nodes, { dims, leaf: (node) => values.get(leafName(node))! })
      const lossAt = (values: ReadonlyMap<string, Value>) => run(values, [loss.node])[0]!.data[0]!
      const gradients = graph.results.filter(({ role }) => role === 'gradient')
      for (const [i, gradient] of run(
        at,
        gradients.map(({ node }) => node),
      ).entries()) {
        const name = gradients[i]!.name.slice('grad.'.length)
        const value = at.get(name)!
        const direction = [...value.data].map(() => random() - 0.5)
        const moved = (by: number) =>
          lossAt(new Map(at).set(name, { ...value, data: value.data.map((x, k) => x + by * direction[k]!) }))
        const measured = (8 * (moved(step) - moved(-step)) - (moved(2 * step) - moved(-2 * step))) / (12 * step)
        const derived = direction.reduce((sum, d, k) => sum + d * gradient.data[k]!, 0)
        const allowed =
          1e-6 * Math.max(Math.abs(measured), Math.abs(derived)) + 1e-9 * Math.max(1, Math.abs(lossAt(at)))
        expect(Math.abs(measured - derived), `seed ${seed}, ${gradients[i]!.name}`).toBeLessThanOrEqual(allowed)
        checked++
      }
    }
    expect(checked).toBeGreaterThan(programs)
  })
})
