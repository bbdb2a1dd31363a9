/** Recurrences simplified: the same meaning, and in the loop only what needs the step before. */
import { describe, expect, it } from 'vitest'
import { simplify } from '../../compiler/4-simplify/simplify.ts'
import { dim, symbol } from '../../compiler/ir/dim.ts'
import { type Graph, type Node, nodesOf } from '../../compiler/ir/graph.ts'
import { printGraph } from '../../compiler/ir/print-graph.ts'
import { lowerOf } from '../../compiler/ops/registry.ts'
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
          expectSameMeaning(graph, simplify(graph), dims)
        } catch (error) {
          throw new Error(`seed ${seed}`, { cause: error })
        }
      }
    })
})
