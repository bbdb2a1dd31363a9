/** Each op's batching rule: one op over all positions of an axis gives what the op gives position by position. */
import { describe, expect, it } from 'vitest'
import { dim } from '../../compiler/ir/dim.ts'
import { batch, canBatch } from '../../compiler/ops/batching.ts'
import { GraphBuilder } from '../../compiler/ops/builder.ts'
import type { Value } from '../../compiler/ops/op.ts'
import { opNames } from '../../compiler/ops/registry.ts'
import { allocate, evaluate } from '../../compiler/reference/evaluate.ts'
import { drawValue, generator, sampleGraph, samplesOf } from './sample-graph.ts'

/** The values of all positions, along a new axis 0. */
function stacked(values: readonly Value[], { shape, dtype } = values[0]!): Value {
  const each = shape.reduce((a, b) => a * b, 1)
  const data = allocate(dtype, each * values.length, 'float64')
  for (const [t, value] of values.entries()) data.set(value.data as Float64Array, t * each)
  return { shape: [values.length, ...shape], dtype, data }
}

describe('computed for all positions at once', () => {
  for (const op of opNames)
    for (const [which, sample] of samplesOf(op).entries()) {
      const { inputs, node } = sampleGraph(op, sample, 7)
      if (inputs.length === 0 || !canBatch(node)) continue
      it(`${op}, sample ${which}${sample.note ? `, ${sample.note}` : ''}`, () => {
        for (const length of [3, 1, 0])
          for (let varying = 1; varying < 2 ** inputs.length; varying++) {
            const random = generator(varying * 31 + length)
            const varies = inputs.map((_, i) => (varying & (1 << i)) !== 0)
            const draws = inputs.map((_, i) =>
              Array.from({ length: varies[i] ? Math.max(1, length) : 1 }, () => drawValue(sample.operands[i]!, random)),
            )
            const single = (t: number) =>
              evaluate([node], {
                leaf: (leaf) => draws[inputs.indexOf(leaf)]![varies[inputs.indexOf(leaf)] ? t : 0]!,
              })[0]!
            const b = new GraphBuilder()
            const operands = inputs.map((input, i) => ({
              node: b.input(`x${i}`, varies[i] ? [dim(length), ...input.shape] : input.shape, input.dtype),
              varies: varies[i]!,
            }))
            const all = batch(b, node, operands, dim(length))
            expect(all.dtype).toBe(node.dtype)
            const [found] = evaluate([all], {
              leaf: (leaf) => {
                const i = operands.findIndex((operand) => operand.node === leaf)
                return varies[i] ? stacked(draws[i]!.slice(0, length), draws[i]![0]!) : draws[i]![0]!
              },
            })
            expect(found!.shape).toEqual([length, ...node.shape.map((d) => d.constant)])
            if (length === 0) continue
            const expected = stacked(Array.from({ length }, (_, t) => single(t)))
            expect(found!.shape).toEqual(expected.shape)
            expected.data.forEach((value, i) => {
              expect(found!.data[i]).toBeCloseTo(value, 10)
            })
          }
      })
    }
})
