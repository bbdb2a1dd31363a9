/**
 * Every primitive on every sample of its row, forward and gradient, through fusion and the printer of a device, against
 * the float64 reference within the bound of running error analysis.
 */
import { describe, expect, it } from 'vitest'
import { differentiate } from '../../compiler/3-differentiate/differentiate.ts'
import type { Result } from '../../compiler/ir/graph.ts'
import { opNames, opOf } from '../../compiler/ops/registry.ts'
import { weighted } from '../ops/gradient-check.ts'
import { sampleGraph, samplesOf } from '../ops/sample-graph.ts'
import { disagreements, type GraphRunOptions } from './run-graph.ts'

export function opsSuite(options: GraphRunOptions): void {
  for (const op of opNames.filter((name) => samplesOf(name).length > 0))
    describe(op, () => {
      for (const [index, sample] of samplesOf(op).entries()) {
        const title = `${sample.operands.map(({ shape }) => `[${shape}]`).join(' ')} ${sample.note ?? ''}`.trim()
        it(`${title} (${index})`, async () => {
          const { builder, inputs, node, values } = sampleGraph(op, sample, 17 + index)
          const results: Result[] = [{ name: 'value', node, role: 'output' }]
          if (opOf({ op }).gradient && node.dtype === 'float') {
            const floats = inputs.filter((input) => input.dtype === 'float')
            const gradients = differentiate(builder, weighted(builder, node, 5), floats)
            for (const [i, gradient] of gradients.entries())
              results.push({ name: `gradient ${i}`, node: gradient, role: 'gradient' })
          }
          const run = {
            graph: builder.graph(op, results),
            dims: new Map<string, number>(),
            leaf: (leaf: (typeof inputs)[number]) => values.get(leaf)!,
          }
          expect((await disagreements(run, options)).slice(0, 3)).toEqual([])
        })
      }
    })
}
