/** Layers of a stack that are taken to do as the ones before them did: the model is the same as if each had been run. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Sink } from '../../compiler/1-check/elaboration.ts'
import { loadFiles } from '../../compiler/1-check/files.ts'
import { check } from '../../compiler/1-check/index.ts'
import { elaborateModel } from '../../compiler/1-check/model.ts'
import { prelude } from '../../compiler/1-check/prelude.ts'
import { type Graph, nodesOf, type Result } from '../../compiler/ir/graph.ts'
import { printGraph } from '../../compiler/ir/print-graph.ts'
import type { ModelGraph, StaticValue } from '../../compiler/program.ts'
import { programs } from '../fold/programs.ts'

/** All that a model says. */
function told(model: ModelGraph) {
  const results: Result[] = [
    ...model.outputs.map(({ name, node }): Result => ({ name, node, role: 'output' })),
    ...model.exposed.map(({ name, node }): Result => ({ name, node, role: 'exposed' })),
    ...model.metrics.map(({ name, node }): Result => ({ name, node, role: 'metric' })),
    ...(model.loss ? [{ name: 'loss', node: model.loss, role: 'loss' as const }] : []),
    ...model.states.flatMap(({ path, next, node }): Result[] =>
      next ? [{ name: path, node: next, role: 'state', replaces: node }] : [],
    ),
  ]
  const graph: Graph = { name: model.name, results, origins: model.origins }
  return {
    graph: printGraph(graph, { origins: true }),
    ids: nodesOf(results).map(({ id }) => id),
    asked: model.builder.asked,
    count: model.builder.nodeCount,
    parameters: model.parameters.map(({ node, ...parameter }) => ({ ...parameter, id: node.id })),
    layers: model.layers.map(({ results: made, ...layer }) => ({ ...layer, results: made.map(({ id }) => id) })),
    requirements: model.requirements,
    carries: model.carries.map(({ name }) => name),
  }
}

function models(text: string, path = 'model.dlm') {
  const { scope: outermost, isStandard } = prelude()
  const sink = new Sink()
  const { scope, file } = loadFiles({ path, text }, () => undefined, outermost, sink)
  const program = check({ path, text })
  const given: [string, ReadonlyMap<string, StaticValue>][] = program.trains.map(({ model }) => [
    model.name,
    model.arguments,
  ])
  for (const declaration of file.declarations)
    if (declaration.kind === 'model' && declaration.parameters.every((p) => p.default))
      given.push([declaration.name.name, new Map()])
  return given.flatMap(([name, values]) =>
    [false, true].map((training) => {
      const binding = scope.find(name)
      if (binding?.kind !== 'value' || binding.value.kind !== 'model') throw new Error(name)
      const { declaration, scope: own } = binding.value
      const options = { declaration, scope: own, training, arguments: values, isStandard, abridges: false }
      return (repeats: boolean) => elaborateModel({ ...options, folding: 'none', repeats })
    }),
  )
}

function expectSame(text: string, path?: string): void {
  for (const made of models(text, path)) expect(told(made(true).result!)).toEqual(told(made(false).result!))
}

describe('repeated layers', () => {
  for (const family of readdirSync('models'))
    for (const name of readdirSync(`models/${family}`).filter((file) => file.endsWith('.dlm')))
      it(`${family}/${name}`, () => expectSame(readFileSync(`models/${family}/${name}`, 'utf8')))
  for (const [name, { text }] of Object.entries(programs)) it(name, () => expectSame(text))

  const stack = (module: string, uses = 'x |> body') => `${module}
model M {
  input x: float[batch, T, 6]
  target y: float[batch, T, 6]
  layer body = Block() * 6
  output z = ${uses}
  loss mean((z - y) ** 2)
}`
  const block = (body: string, members = '') =>
    `module Block() {\n${members}\n  forward(x: float[B, T, 6]) -> float[B, T, 6] {\n${body}\n  }\n}`
  const cases: Record<string, string> = {
    'that draw random numbers in a stack within': stack(
      `${block('return x |> inner |> dropout(0.2)', 'layer inner = Inner() * 3')}
module Inner() {
  layer a = Linear(6)
  forward(x: float[B, T, 6]) -> float[B, T, 6] { return dropout(a(x), 0.1) |> dropout(0.3) }
}`,
    ),
    'that draw random numbers twice': stack(
      block('return x |> a |> dropout(0.2) |> norm |> dropout(0.3)', 'layer a = Linear(6)\nlayer norm = LayerNorm()'),
    ),
    'that turn what they get, and turn it back': stack(
      block('return rearrange(reshape(transpose(x), [B, T, 6]), "b t c -> b t c")'),
    ),
    'that do nothing': stack(block('return x')),
    'that only add': stack(block('return x + 1')),
    'that have layers without names': stack(block('return x |> Linear(6) |> relu |> Linear(6)')),
    'that expose': stack(
      block('let w = a(x)\nexpose w\nexpose half = w / 2\nreturn x + w * half', 'layer a = Linear(6)'),
    ),
    'that have a layer in common': `module Block(shared: any) {
  layer own = Linear(6)
  forward(x: float[B, T, 6]) -> float[B, T, 6] { return own(x) + shared(x) }
}
model M {
  input x: float[batch, T, 6]
  layer common = Linear(6)
  layer body = Block(common) * 5
  output z = x |> body
}`,
    'that are called twice': stack(block('return relu(a(x))', 'layer a = Linear(6)'), 'body(x) + body(x + 1)'),
    'that have several of a kind': stack(
      block('let y = x\nfor i in 0..3 {\nlayer each = Linear(6)\nlet y = y + each(y)\n}\nreturn y'),
    ),
    'with parameters of their own': stack(
      block('return x * scale + b', 'param scale: float[6] = ones\nparam b: float[6] = uniform(0.5)'),
    ),
  }
  for (const [name, text] of Object.entries(cases))
    it(name, () => {
      expect(check({ path: 'model.dlm', text }).diagnostics.map(({ code, message }) => [code, message])).toEqual([])
      expectSame(text)
    })

  it('say nothing else of what is at fault behind them', () => {
    const text = stack(block('return a(x)', 'layer a = Linear(6)'), 'reshape(x |> body, [7, 7])')
    const [made] = models(text)
    expect(made!(true).diagnostics).toEqual(made!(false).diagnostics)
    expect(made!(true).diagnostics.length).toBeGreaterThan(0)
  })
})
