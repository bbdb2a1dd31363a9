/**
 * Generated modules beside `dlmc run`, on one device: each module draws its weights and saves them, runs on inputs from a
 * file and writes its outputs to another. `dlmc run` reads the same two files, and its outputs are the same bits.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ts } from 'ts-morph'
import { beforeAll, expect, it } from 'vitest'
import { nodesOf } from '../../compiler/ir/graph.ts'
import { parseSafetensors, safetensorsChunks, tensorOf } from '../../runtime/safetensors.ts'
import { drawPorts, type EveryModel, everyModel, smallDims } from '../models/every-model.ts'
import type { App } from './app.ts'

const batch = 3

/** A loss may read what outputs do not. */
function inputsOfRuns({ graph }: EveryModel) {
  const read = new Set(nodesOf(graph.outputs))
  return graph.inputs.filter(({ node }) => read.has(node))
}

/**
 * The modules of each file lie in `moduleOf(file)`, as TypeScript. `device` is one that `--device` knows; `only` chooses models.
 */
export function sameBits(
  app: () => App,
  device: string,
  moduleOf: (file: string) => string,
  only: (model: EveryModel) => boolean = () => true,
): void {
  const models = everyModel().filter(only)
  const place = (model: EveryModel, name: string) => join('bits', device, model.file, name)

  beforeAll(() => {
    const { folder } = app()
    const cases = models.map((each) => {
      const dims = smallDims(each, batch)
      mkdirSync(join(folder, place(each, '')), { recursive: true })
      const inputs = [...drawPorts(inputsOfRuns(each), dims, 7)]
      const tensors = new Map(inputs.map(([name, { shape, data }]) => [name, tensorOf(data, shape)]))
      writeFileSync(join(folder, place(each, 'input.safetensors')), Buffer.concat(safetensorsChunks(tensors)))
      const [written] = readdirSync(moduleOf(each.file)).filter(
        (name) => name.endsWith('.ts') && !/\.\w+\.ts$/.test(name),
      )
      const text = readFileSync(join(moduleOf(each.file), written!), 'utf8')
      writeFileSync(join(folder, place(each, 'module.js')), ts.transpileModule(text, { compilerOptions }).outputText)
      const types = Object.fromEntries(inputs.map(([name, { data }]) => [name, data.constructor.name]))
      return { folder: `./${place(each, '')}/`, model: each.model, dims: Object.fromEntries(dims), types }
    })
    app().run<number>(script(device, cases))
  })

  it.each(models.map((each) => [each.title, each] as const))('%s gives the bits of `dlmc run`', (_, each) => {
    const [output, expected] = [place(each, 'output.safetensors'), place(each, 'expected.safetensors')]
    const files = ['--weights', place(each, 'weights.safetensors'), '--input', place(each, 'input.safetensors')]
    const dims = [...smallDims(each, batch)].map(([name, size]) => `--dims=${name}=${size}`)
    app().dlmc('run', `models/${each.file}.dlm`, ...files, '--output', expected, ...dims, '--device', device, '--quiet')
    const read = (path: string) => parseSafetensors(path, readFileSync(join(app().folder, path))).tensors
    const [given, wanted] = [read(output), read(expected)]
    expect([...given.keys()].sort()).toEqual(each.graph.outputs.map(({ name }) => name).sort())
    expect([...wanted.keys()].sort()).toEqual([...given.keys()].sort())
    for (const [name, { shape, bytes }] of wanted) {
      expect(bytes.length).toBeGreaterThan(0)
      expect(bytes.length).toBe(4 * shape.reduce((a, b) => a * b, 1))
      expect(Buffer.compare(given.get(name)!.bytes, bytes), name).toBe(0)
    }
  })
}

const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true }

const script = (device: string, cases: readonly object[]): string => `
  import 'dlm/node'
  import * as dlm from 'dlm/runtime'
  import fs from 'node:fs'
  const device = ${device === 'wasm' ? 'dlm.wasmDevice()' : 'undefined'}
  for (const { folder, model: name, dims, types } of ${JSON.stringify(cases)}) {
    const model = await (await import(folder + 'module.js'))[name].open({ dims, ...(device && { device }) })
    model.initialize(3)
    await model.save(folder + 'weights.safetensors')
    const { tensors } = dlm.parseSafetensors('input', new Uint8Array(fs.readFileSync(folder + 'input.safetensors')))
    const inputs = Object.entries(types).map(([port, type]) => [port, new globalThis[type](tensors.get(port).bytes.slice().buffer)])
    const outputs = await model.run(Object.fromEntries(inputs))
    const shapes = Object.entries(outputs).map(([port, data]) => [port, dlm.tensorOf(data, [data.length])])
    fs.writeFileSync(folder + 'output.safetensors', Buffer.concat(dlm.safetensorsChunks(new Map(shapes))))
    model.dispose()
  }
  process.stdout.write('1\\n', () => process.exit(0))
`
