/**
 * Every model of models/, weights as `dlmc init --seed 7` draws them: outputs, loss and every gradient against PyTorch in
 * float64, on the reference, on the test adapter and as WebAssembly.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { lower } from '../../compiler/2-lower/lower.ts'
import { differentiate } from '../../compiler/3-differentiate/differentiate.ts'
import { simplify } from '../../compiler/4-simplify/simplify.ts'
import type { Node } from '../../compiler/ir/graph.ts'
import type { Value } from '../../compiler/ops/op.ts'
import { evaluate } from '../../compiler/reference/evaluate.ts'
import { initialValues } from '../../runtime/initialize.ts'
import { testDevice } from '../device/adapter.ts'
import { type GraphRunOptions, runGraph } from '../device/run-graph.ts'
import { checkText } from '../std/cases.ts'
import { expectAgreement, type Fixture, gradientNames, readFixture } from '../std/fixtures.ts'

const models = ['mnist-softmax', 'mnist-convnet', 'cifar-convnet', 'horse-convnet']
const { device } = await testDevice()
const subgroup = device.adapterInfo.subgroupMinSize

function modelRun(fixture: Fixture) {
  const file = fixture.metadata.get('file')!
  const program = checkText(readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8'), file)
  expect(program.diagnostics).toEqual([])
  const name = program.models[0]!
  const lowered = lower(program, { model: name, entries: ['gradients'], differentiate, simplify })
  const seed = Number(fixture.metadata.get('seed'))
  const variables = new Map(
    [...lowered.parameters, ...lowered.states].map((v) => [v.path, { shape: v.shape, data: initialValues(v, seed) }]),
  )
  const leaf = (node: Node): Value => {
    const attributes = node.attributes as { readonly name?: string; readonly path?: string }
    const given = variables.get(attributes.path ?? '') ?? fixture.tensors.get(attributes.name ?? '')!
    return { shape: given.shape, dtype: node.dtype, data: Float64Array.from(given.data) }
  }
  const batch = fixture.tensors.get('image')!.shape[0]!
  return { graph: lowered.entries[0]!.phases[0]!.graph, dims: new Map([['batch', batch]]), leaf }
}

describe.each(models)('%s agrees with PyTorch', (name) => {
  const fixture = readFixture(`${name}.safetensors`)

  // What is stored was rounded to float32, so float64 agrees to 2⁻²⁴.
  it('on the float64 reference', { timeout: 120_000 }, () => {
    const { graph, dims, leaf } = modelRun(fixture)
    const simple = simplify(graph)
    const values = evaluate(
      simple.results.map((r) => r.node),
      { dims, leaf },
    )
    const kept = simple.results.map((result, i) => ({ result, value: values[i]! }))
    expect(kept.filter(({ result }) => result.role === 'gradient').length).toBe(gradientNames(fixture).length)
    for (const { result, value } of kept) expectAgreement(fixture, result.name, value.data, 2e-7)
  })

  it.each([
    ['the device', { subgroup }],
    ['WebAssembly', { target: 'wasm' }],
  ] as readonly (readonly [string, GraphRunOptions])[])('on %s', { timeout: 120_000 }, async (_, options) => {
    const { graph, dims, leaf } = modelRun(fixture)
    const simple = simplify(graph)
    const values = await runGraph({ graph: simple, dims, leaf }, options)
    for (const [i, { name: each }] of simple.results.entries()) expectAgreement(fixture, each, values[i]!, 2e-5)
  })
})
