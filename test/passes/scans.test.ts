/** Recurrences simplified: the same meaning, and in the loop only what needs the step before. */
import { describe, expect, it } from 'vitest'
import { simplify } from '../../compiler/4-simplify/simplify.ts'
import { dim, evaluate as evaluateDim, symbol } from '../../compiler/ir/dim.ts'
import { type Graph, type Node, nodesOf, type Result } from '../../compiler/ir/graph.ts'
import { printGraph } from '../../compiler/ir/print-graph.ts'
import type { Value } from '../../compiler/ops/op.ts'
import { lowerOf } from '../../compiler/ops/registry.ts'
import { evaluate } from '../../compiler/reference/evaluate.ts'
import { drawValue, generator } from '../ops/sample-graph.ts'
import { leafName } from '../random-graph.ts'
import { cells, recurrence } from './cells.ts'
import { randomScan } from './random-scan.ts'
import { expectSameMeaning } from './same-meaning.ts'

const scansOf = (graph: Graph) => nodesOf(graph.results).filter((node) => node.op === 'scan')
const bodyOf = ({ attributes: { body } }: Node<'scan'>) =>
  nodesOf([...body.next, ...body.yields].map((node) => ({ node })))
const kinds = (nodes: readonly Node[], ...wanted: string[]) =>
  nodes.filter((node) => wanted.includes(lowerOf(node).kind))

const counts = { rnn: 1, lstm: 2, gru: 1 } as const
const products = { rnn: 1, lstm: 1, gru: 2 } as const

describe('the recurrence of', () => {
  for (const name of ['rnn', 'lstm', 'gru'] as const)
    for (const reverse of [false, true])
      describe(`${name}${reverse ? ', reversed' : ''}`, () => {
        const sizes = { width: 3, hidden: 5, reverse }
        it('means the same without its gradient and with it', () => {
          for (const [length, batch] of [
            [7, 3],
            [1, 1],
            [0, 2],
            [5, 0],
          ] as const)
            for (const gradients of [false, true]) {
              const graph = recurrence(
                cells[name],
                counts[name],
                { ...sizes, length: symbol('T'), batch: symbol('batch') },
                gradients,
              )
              expectSameMeaning(
                graph,
                simplify(graph),
                new Map([
                  ['T', length],
                  ['batch', batch],
                ]),
              )
              const fixed = recurrence(
                cells[name],
                counts[name],
                { ...sizes, length: dim(length), batch: dim(batch) },
                gradients,
              )
              expectSameMeaning(fixed, simplify(fixed))
            }
        })
        it('leaves in the loops the products with what is carried alone', () => {
          const graph = simplify(
            recurrence(cells[name], counts[name], { ...sizes, length: symbol('T'), batch: symbol('batch') }),
          )
          if (process.env.SHOW) console.log(printGraph(graph))
          const scans = scansOf(graph)
          expect(scans.map((scan) => scan.attributes.reverse)).toEqual([reverse, !reverse])
          for (const scan of scans) {
            expect(kinds(bodyOf(scan), 'contract')).toHaveLength(products[name])
            expect(kinds(bodyOf(scan), 'reduce', 'lookup', 'scatter', 'running')).toEqual([])
            expect(scan.attributes.body.carries).toHaveLength(counts[name])
          }
          const [infer] = scansOf(
            simplify(
              recurrence(cells[name], counts[name], { ...sizes, length: symbol('T'), batch: symbol('batch') }, false),
            ),
          )
          expect(kinds(bodyOf(infer!), 'contract')).toHaveLength(products[name])
          expect(infer!.attributes.body.yields).toHaveLength(1)
        })
      })
})

describe('random recurrences', () => {
  for (const gradients of [false, true])
    it(`mean the same simplified${gradients ? ', with their gradients' : ''}`, () => {
      for (let seed = 0; seed < Number(process.env.SEEDS ?? 60); seed++) {
        const { graph, dims } = randomScan(seed, gradients)
        try {
          const after = simplify(graph)
          expectSameMeaning(graph, after, dims)
          expect(printGraph(simplify(after))).toBe(printGraph(after))
        } catch (error) {
          throw new Error(`seed ${seed}`, { cause: error })
        }
      }
    })
  it('have the gradients that differences of their loss show', () => {
    for (let seed = 0; seed < Number(process.env.SEEDS ?? 40); seed++) {
      const { graph, dims, wrt } = randomScan(seed, true)
      const random = generator(seed)
      const leaves = new Map<string, Value>()
      const simple = simplify(graph)
      const at = (
        results: readonly Result[],
        moved?: { readonly name: string; readonly by: number; readonly along: readonly number[] },
      ) =>
        evaluate(
          results.map(({ node }) => node),
          {
            dims,
            leaf: (node) => {
              const name = leafName(node)
              const shape = node.shape.map((size) => evaluateDim(size, dims))
              const value = leaves.get(name) ?? drawValue({ shape, dtype: node.dtype }, random)
              leaves.set(name, value)
              return name === moved?.name
                ? { ...value, data: value.data.map((x, i) => x + moved.by * moved.along[i]!) }
                : value
            },
          },
        )
      const gradients = simple.results.filter(({ role }) => role === 'gradient')
      const loss = graph.results.filter(({ role }) => role === 'loss')
      const found = at(gradients)
      const size = Math.abs(at(loss)[0]!.data[0]!)
      for (const [i, leaf] of wrt.entries()) {
        const along = [...found[i]!.data].map(() => random() - 0.5)
        const name = leafName(leaf)
        const moved = (by: number) => at(loss, { name, by, along })[0]!.data[0]!
        const step = 1e-5
        const measured = (8 * (moved(step) - moved(-step)) - (moved(2 * step) - moved(-2 * step))) / (12 * step)
        const derived = along.reduce((sum, x, k) => sum + x * found[i]!.data[k]!, 0)
        const allowed = 1e-6 * Math.max(Math.abs(measured), Math.abs(derived)) + 1e-9 * Math.max(1, size)
        expect(Math.abs(measured - derived), `seed ${seed}, ${name}: ${measured} ${derived}`).toBeLessThanOrEqual(
          allowed,
        )
      }
    }
  })
})
