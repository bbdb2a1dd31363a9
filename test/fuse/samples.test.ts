/** Every op by itself: the kernel of each sample in the registry agrees with the op's reference. */
import { describe, it } from 'vitest'
import { opNames, opOf } from '../../compiler/ops/registry.ts'
import { sampleGraph, samplesOf } from '../ops/sample-graph.ts'
import { expectFused } from './expect-fused.ts'

describe('each op becomes a kernel that agrees with its reference', () => {
  for (const op of opNames) {
    if (opOf({ op }).lower.kind === 'leaf') continue
    samplesOf(op).forEach((sample, i) => {
      it(`${op} ${i}${sample.note ? `: ${sample.note}` : ''}`, () => {
        const { builder, node, values } = sampleGraph(op, sample, 7 + i)
        const graph = builder.graph(op, [{ name: 'y', node, role: 'output' }])
        expectFused({ graph, leaf: (leaf) => values.get(leaf) })
      })
    })
  }
})
