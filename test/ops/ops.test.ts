/** Every primitive on every sample of its row: shapes, finiteness, gradients of first and second order. */
import { describe, expect, it } from 'vitest'
import { differentiate } from '../../compiler/3-differentiate/differentiate.ts'
import { printGraph } from '../../compiler/ir/print-graph.ts'
import { verifyGraph } from '../../compiler/ir/verify-graph.ts'
import { opNames, opOf } from '../../compiler/ops/registry.ts'
import { evaluate } from '../../compiler/reference/evaluate.ts'
import { gradientMismatches, weighted } from './gradient-check.ts'
import { sampleGraph, samplesOf } from './sample-graph.ts'

for (const op of opNames.filter((name) => samplesOf(name).length > 0))
  describe(op, () => {
    for (const [index, sample] of samplesOf(op).entries()) {
      const title = `${sample.operands.map(({ shape }) => `[${shape}]`).join(' ')} ${sample.note ?? ''}`.trim()
      it(`evaluates ${title} (${index})`, () => {
        const { node, values, builder } = sampleGraph(op, sample, 17 + index)
        const graph = builder.graph(op, [{ name: 'result', node, role: 'output' }])
        verifyGraph(graph)
        expect(printGraph(graph)).toContain(op)
        for (const precision of ['float64', 'float32'] as const) {
          const [value] = evaluate([node], { leaf: (leaf) => values.get(leaf)!, precision })
          expect(value!.shape).toEqual(node.shape.map((dim) => dim.constant))
          expect(value!.dtype).toBe(node.dtype)
          expect(value!.data.length).toBe(value!.shape.reduce((a, b) => a * b, 1))
          expect([...value!.data].every(Number.isFinite)).toBe(true)
        }
        expect(opOf(node).cost(node, node.attributes as never).flops.constant).toBeGreaterThanOrEqual(0)
      })
      const differentiable = opOf({ op }).gradient && sample.operands.some(({ dtype = 'float' }) => dtype === 'float')
      if (!differentiable) continue
      it(`differentiates ${title} (${index})`, () => {
        const { builder, inputs, node, values } = sampleGraph(op, sample, 31 + index)
        if (node.dtype !== 'float') return
        const loss = weighted(builder, node, 5)
        expect(gradientMismatches(builder, loss, inputs, values)).toEqual([])
      })
      it(`differentiates its gradient of ${title} (${index})`, () => {
        const { builder, inputs, node, values } = sampleGraph(op, sample, 47 + index)
        if (node.dtype !== 'float') return
        // A curved function of the result, so that even a linear op has a second derivative.
        const loss = weighted(builder, builder.sin(node), 7)
        const floats = inputs.filter((input) => input.dtype === 'float')
        const gradients = differentiate(builder, loss, floats)
        const second = gradients
          .map((gradient, i) => weighted(builder, gradient, 11 + i))
          .reduce((a, b) => builder.add(a, b))
        expect(gradientMismatches(builder, second, inputs, values)).toEqual([])
        verifyGraph(builder.graph(op, [{ name: 'second', node: second, role: 'output' }]))
      })
    }
  })
