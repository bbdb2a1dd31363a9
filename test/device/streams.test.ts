/** Random streams, whose numbers are given to kernels when they are dispatched: the same elements as the reference draws. */
import { describe, expect, it } from 'vitest'
import { dim, symbol } from '../../compiler/ir/dim.ts'
import type { Node } from '../../compiler/ir/graph.ts'
import { GraphBuilder } from '../../compiler/ops/builder.ts'
import { planDisagreements } from './plan-disagreements.ts'

const adapter = process.env['DLM_ADAPTER'] ?? 'software'

/** Sums of draws of `streams` streams, each in two kernels of one text, the draws of the first stream in both. */
function sums(streams: number) {
  const b = new GraphBuilder()
  const key = b.input('key', [dim(2)], 'uint')
  const x = b.input('x', [symbol('batch'), dim(5)])
  const draw = (stream: number) => b.unitFloat(b.randomBits(key, 0, x.shape, b.stream(stream)))
  const all = (first: number) =>
    Array.from({ length: streams }, (_, i) => draw(i === 0 ? 3 : first + 7 * i)).reduce(
      (sum: Node, one) => b.add(sum, one),
      x,
    )
  return b.graph('streams', [
    { name: 'a', node: b.sum(all(0), [1]), role: 'output' },
    { name: 'b', node: b.sum(b.mul(all(100), 2), [1]), role: 'output' },
  ])
}

describe.each(['wasm', adapter])('random streams on %s', (device) => {
  // A stage may bind twelve numbers beside its tensors.
  it.each([1, 3, 12, 13, 30])('%i in one expression', async (streams) => {
    expect(await planDisagreements(device, sums(streams), new Map([['batch', 33]]), 1)).toEqual([])
  })
})
