/** The lessons on recurrence: the packed LSTM step against gradients worked out by hand, and what reaches the beginning of a sequence. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { differentiate } from '../../compiler/3-differentiate/differentiate.ts'
import type { Node } from '../../compiler/ir/graph.ts'
import type { Value } from '../../compiler/ops/op.ts'
import { evaluate } from '../../compiler/reference/evaluate.ts'
import { initialValues } from '../../runtime/initialize.ts'
import { checkText } from '../std/cases.ts'
import { difference, gradientNames, readFixture } from '../std/fixtures.ts'

const open = (path: string, name: string) =>
  checkText(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'), path).model(name, { training: false })

it('the packed LSTM step, forward and every gradient, is what the equations give by hand', () => {
  const fixture = readFixture('lstm-step.safetensors')
  const model = open(fixture.metadata.get('file')!, 'LSTMStep')
  const leaves = new Map<Node, string>([
    ...[...model.inputs, ...model.targets].map((p): [Node, string] => [p.node, p.name]),
    ...model.parameters.map((p): [Node, string] => [p.node, p.path]),
  ])
  const wanted = gradientNames(fixture).map((name) => name.slice('grad.'.length))
  const nodeOf = (name: string) => [...leaves].find(([, each]) => each === name)![0]
  const gradients = differentiate(model.builder, model.loss!, wanted.map(nodeOf))
  const results = new Map<string, Node>([
    ...model.outputs.map((o): [string, Node] => [o.name, o.node]),
    ['loss', model.loss!],
    ...wanted.map((name, i): [string, Node] => [`grad.${name}`, gradients[i]!]),
  ])
  const leaf = (node: Node): Value => ({ ...fixture.tensors.get(leaves.get(node)!)!, dtype: 'float' })
  const values = evaluate([...results.values()], { dims: new Map([['batch', 3]]), leaf })
  expect(wanted.sort()).toEqual(['b', 'c', 'h', 'wh', 'wx', 'x'])
  for (const [i, name] of [...results.keys()].entries())
    expect(difference(values[i]!.data, fixture.tensors.get(name)!.data), name).toBeLessThan(1e-12)
})

describe('‖∂L/∂h_t‖ of the last loss at the first of 24 states, beside that at the last', () => {
  const model = open('models/lessons/vanishing-gradient.dlm', 'VanishingGradient')
  const [batch, length, hidden] = [2, 24, 64]
  const dims = new Map([
    ['batch', batch],
    ['T', length],
  ])
  const parameters = new Map(model.parameters.map((p) => [p.node, p]))
  const leaf = (node: Node): Value => {
    const shape = node.shape.map((d) => d.constant ?? dims.get(d.key)!)
    const parameter = parameters.get(node)
    const count = shape.reduce((a, b) => a * b, 1)
    const data = parameter
      ? Float64Array.from(initialValues({ ...parameter, dtype: 'float', trainable: true }, 1))
      : Float64Array.from({ length: count }, (_, i) => (7 * i * i) % 61)
    return { shape, dtype: node.dtype, data }
  }
  const values = evaluate(
    differentiate(
      model.builder,
      model.loss!,
      model.carries.map(({ target }) => target),
    ),
    { dims, leaf },
  )
  /** What is left at the first state of the norm at the last. */
  const left = (name: string) => {
    const { data } = values[model.carries.findIndex((carry) => carry.name === name)]!
    const norm = (t: number) => Math.hypot(...data.slice(t * batch * hidden, (t + 1) * batch * hidden))
    return norm(0) / norm(length - 1)
  }

  it('vanishes in a plain RNN', () => expect(left('rnn.h')).toBeLessThan(1e-4))
  for (const name of ['gru.h', 'lstm.c'])
    it(`does not where gates are open: ${name}`, () => expect(left(name)).toBeGreaterThan(0.1))
})
