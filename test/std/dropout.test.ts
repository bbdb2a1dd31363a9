/** Dropout while training: the mask has the right rate, the rest is scaled, the gradient is the mask, the device agrees. */
import { expect, it } from 'vitest'
import { differentiate } from '../../compiler/3-differentiate/differentiate.ts'
import type { Graph, Node } from '../../compiler/ir/graph.ts'
import type { Value } from '../../compiler/ops/op.ts'
import { evaluate } from '../../compiler/reference/evaluate.ts'
import { testDevice } from '../device/adapter.ts'
import { disagreements } from '../device/run-graph.ts'
import { checkText } from './cases.ts'

const text =
  'model M {\n  input x: float[batch, 1000]\n  output once = dropout(x, 0.3)\n  output again = dropout(x, 0.3)\n  loss sum(once)\n}\n'

function run(key: readonly [number, number]) {
  const model = checkText(text).model('M', { training: true })
  const x = model.inputs[0]!.node
  const [gradient] = differentiate(model.builder, model.loss!, [x])
  const results = [
    ...model.outputs.map((o) => ({ ...o, role: 'output' as const })),
    { name: 'grad.x', node: gradient!, role: 'gradient' as const },
  ]
  const leaf = (node: Node): Value =>
    node === x
      ? { shape: [7, 1000], dtype: 'float', data: new Float64Array(7000).fill(2) }
      : { shape: [2], dtype: 'uint', data: Float64Array.from(key) }
  const graph: Graph = { name: 'M', results, origins: model.builder.origins }
  return { graph, leaf, dims: new Map([['batch', 7]]) }
}
const values = (key: readonly [number, number]) => {
  const { graph, leaf, dims } = run(key)
  return evaluate(
    graph.results.map((r) => r.node),
    { leaf, dims },
  ).map((v) => Array.from(v.data))
}

it('drops at its rate and scales the rest', () => {
  const [once] = values([1, 2])
  const dropped = once!.filter((v) => v === 0).length
  // Seven thousand draws of 0.3: five standard deviations are 192.
  expect(Math.abs(dropped - 2100)).toBeLessThan(192)
  expect(new Set(once!.filter((v) => v !== 0).map((v) => v.toFixed(9)))).toEqual(new Set([(2 / 0.7).toFixed(9)]))
})

it('is another mask at another place, step and seed, and the same for the same', () => {
  const [once, again] = values([1, 2])
  expect(once).not.toEqual(again)
  expect(values([1, 3])[0]).not.toEqual(once)
  expect(values([2, 2])[0]).not.toEqual(once)
  expect(values([1, 2])[0]).toEqual(once)
})

it('lets the gradient through where it let the value through', () => {
  const [once, , gradient] = values([5, 9])
  expect(gradient).toEqual(once!.map((v) => v / 2))
})

it('draws the same mask on the device', async () => {
  const { device } = await testDevice()
  expect((await disagreements(run([5, 9]), { subgroup: device.adapterInfo.subgroupMinSize })).slice(0, 3)).toEqual([])
})
it('and as WebAssembly', async () => {
  expect((await disagreements(run([5, 9]), { target: 'wasm' })).slice(0, 3)).toEqual([])
})
