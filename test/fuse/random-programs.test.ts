/** Random programs, with and without gradients, simplified and not: their kernels agree with the graph's reference. */
import { describe, it } from 'vitest'
import { simplify } from '../../compiler/4-simplify/simplify.ts'
import { leafName, randomGraph } from '../random-graph.ts'
import { expectFused } from './expect-fused.ts'

const programs = Number(process.env.DLM_FUSE_PROGRAMS ?? 400)
const from = Number(process.env.DLM_FUSE_FROM ?? 0)

describe('random programs mean the same as kernels', () => {
  for (const gradients of [false, true])
    for (const simplified of [false, true])
      it(`${gradients ? 'with gradients' : 'forward'}, ${simplified ? 'simplified' : 'as written'}`, () => {
        const failures: string[] = []
        for (let seed = from; seed < from + programs; seed++) {
          const { graph, dims, leaves } = randomGraph(seed, { gradients, nodes: 6 + (seed % 20) })
          try {
            expectFused({
              graph: simplified ? simplify(graph) : graph,
              dims,
              leaf: (node) => (node.op === 'literal' ? undefined : leaves.get(leafName(node))),
              options: seed % 3 === 0 ? { maxSlots: 5 } : {},
            })
          } catch (error) {
            failures.push(`seed ${seed}: ${(error as Error).stack?.slice(0, 3000)}`)
          }
        }
        if (failures.length > 0)
          throw new Error(
            `${failures.length} of ${programs} differ\n${failures
              .map((f) => f.split('\n')[0])
              .slice(0, 30)
              .join('\n')}\n\n${failures[0]}`,
          )
      }, 600_000)
})
