/** Recurrent layers pass over padding: with a mask, a padded sequence gives what the sequence alone does, in both directions. */
import { expect, it } from 'vitest'
import type { Node } from '../../compiler/ir/graph.ts'
import type { Value } from '../../compiler/ops/op.ts'
import { evaluate } from '../../compiler/reference/evaluate.ts'
import { checkText } from './cases.ts'

it.each(['RNN', 'LSTM', 'GRU'])('%s', (cell) => {
  const program = checkText(`model M {
  input x: float[batch, 5, 3]
  input live: bool[batch, 5]
  layer reader = Recurrent(${cell}, 4, layers: 2, bidirectional: true)
  let padded = reader(x, mask: live)
  let alone = reader(x[:, 0..3])
  output a = padded.last
  output b = alone.last
  output c = padded.all[:, 0..3]
  output d = alone.all
}
`)
  expect(program.diagnostics).toEqual([])
  const model = program.model('M', { training: false })
  const batch = 2
  const leaf = (node: Node): Value => {
    const shape = node.shape.map((d) => d.constant ?? batch)
    const data = Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) =>
      node.dtype === 'bool' ? Number(i % 5 < 3) : Math.sin(node.id + 1.9 * i),
    )
    return { shape, dtype: node.dtype, data }
  }
  const [a, b, c, d] = evaluate(
    model.outputs.map((o) => o.node),
    { dims: new Map([['batch', batch]]), leaf },
  )
  expect(a!.data).toEqual(b!.data)
  expect(c!.data).toEqual(d!.data)
})
