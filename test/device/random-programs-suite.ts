/** Random programs, and their gradients, through fusion and the printer of a device, against the float64 reference. */
import { describe, expect, it } from 'vitest'
import { simplify } from '../../compiler/4-simplify/simplify.ts'
import { leafName, randomGraph } from '../random-graph.ts'
import { disagreements, type GraphRunOptions } from './run-graph.ts'

/** `DLM_RANDOM_PROGRAMS=2000` for a longer search; `DLM_RANDOM_SEED` to begin elsewhere. */
const first = Number(process.env.DLM_RANDOM_SEED ?? 1)

/** Runs `usual` programs where nothing else is asked for; what each is run with follows from its seed. */
export function randomProgramsSuite(usual: number, options: (seed: number) => GraphRunOptions): void {
  const count = Number(process.env.DLM_RANDOM_PROGRAMS ?? usual)
  describe('random programs', () => {
    it.each(Array.from({ length: count }, (_, i) => first + i))('program %i', async (seed) => {
      const made = randomGraph(seed, { nodes: 10, gradients: seed % 2 === 0 })
      // Every other pair with the passes before fusion off.
      const graph = seed % 4 < 2 ? simplify(made.graph) : made.graph
      const run = {
        graph,
        dims: made.dims,
        leaf: (node: Parameters<typeof leafName>[0]) => made.leaves.get(leafName(node))!,
      }
      expect((await disagreements(run, options(seed))).slice(0, 3)).toEqual([])
    })
  })
}
