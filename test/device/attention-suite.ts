/** Attention kernels on a device: they agree with the reference, gradients too. */
import { describe, expect, test } from 'vitest'
import { evaluate } from '../../compiler/ir/dim.ts'
import type { Node } from '../../compiler/ir/graph.ts'
import { type AttentionParts, attention } from '../fuse/attention-models.ts'
import { drawValue, generator } from '../ops/sample-graph.ts'
import { disagreements, type GraphRunOptions } from './run-graph.ts'

const variants: Record<string, AttentionParts> = {
  'a distance penalty, causal': { shared: true, causal: true },
  'a mask, with rows of nothing else': { mask: true },
  dropout: { dropout: 0.5 },
  'queries that share keys': { grouped: true, values: 5, width: 3 },
}
const sizes: readonly (readonly [number, number, number])[] = [
  [13, 7, 2],
  [1, 5, 1],
]

/** What is run with may differ from one size to the next. */
export function attentionSuite(options: (seed: number) => GraphRunOptions): void {
  describe.each(Object.entries(variants))('%s', (_, parts) => {
    test.each(['forward', 'gradients'] as const)('%s', async (results) => {
      const graph = attention(parts, results)
      for (const [seed, [queries, keys, batch]] of sizes.entries()) {
        const dims = new Map([
          ['queries', queries],
          ['keys', keys],
          ['batch', batch],
        ])
        const drawn = new Map<Node, ReturnType<typeof drawValue>>()
        const leaf = (node: Node) => {
          const known =
            drawn.get(node) ??
            drawValue({ shape: node.shape.map((d) => evaluate(d, dims)), dtype: node.dtype }, generator(node.id + 1))
          // The first of the batch has no key at all.
          if (!drawn.has(node) && node.dtype === 'bool') known.data.fill(0, 0, keys)
          drawn.set(node, known)
          return known
        }
        const run = { graph, dims, leaf }
        expect(await disagreements(run, { fuse: { recompute: 0 }, ...options(seed) })).toEqual([])
      }
    })
  })
}
