/**
 * Every model's module under the strictest flags of TypeScript 5.8 and 7: it typechecks, and wrong use does not. The same
 * modules give the bits of `dlmc run`.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Project as Project58 } from 'ts-morph-26'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type App, makeApp, root } from './app.ts'
import { sameBits } from './same-bits.ts'

const models = readdirSync(join(root, 'models'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.dlm'))
  .sort()

const compilerOptions = {
  target: 'ES2022',
  lib: ['ES2022', 'DOM'],
  module: 'NodeNext',
  moduleResolution: 'NodeNext',
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  erasableSyntaxOnly: true,
  verbatimModuleSyntax: true,
  isolatedDeclarations: true,
  declaration: true,
  types: [],
  noEmit: true,
}

let app: App
const written: string[] = []
beforeAll(() => {
  app = makeApp()
  cpSync(join(root, 'models'), join(app.folder, 'models'), { recursive: true })
  for (const file of models) {
    const source = readFileSync(join(root, 'models', file), 'utf8')
    if (!/^model /m.test(source)) continue
    const folder = `generated/${file.replace(/\.dlm$/, '')}`
    app.dlmc('compile', `models/${file}`, '-o', folder, '--quiet')
    for (const name of readdirSync(join(app.folder, folder))) if (name.endsWith('.ts')) written.push(join(folder, name))
  }
  app.write('tsconfig.json', JSON.stringify({ compilerOptions, include: ['generated', 'use'] }))
  app.write('use/right.ts', right)
  for (const [name, text] of wrong)
    app.write(`wrong/${name}.ts`, `import { Convnet } from '../generated/mnist/convnet/convnet.js'\n${text}\n`)
  app.write('wrong/tsconfig.json', JSON.stringify({ compilerOptions: { ...compilerOptions }, include: ['.'] }))
})
afterAll(() => app.remove())

const right = `
import { Convnet, type ConvnetOutputs, type ConvnetParameter } from '../generated/mnist/convnet/convnet.js'
export async function use(image: Float32Array, label: Int32Array, signal: AbortSignal): Promise<ConvnetOutputs> {
  const model = await Convnet.open({ batch: 32 })
  const path: ConvnetParameter = 'conv2d_1.weight'
  await model.load('x.safetensors', { names: { 'linear_1.bias': 'fc.bias' }, except: (p) => p === path })
  const trainer = await Convnet.train({ seed: 1 })
  for await (const step of trainer.fit(trainer.batches({ image, label }, { shuffle: true }), { epochs: 2, signal })) {
    const loss: number = step.loss + step.metrics.accuracy
    if (loss > 9) break
  }
  trainer.dispose()
  return model.run({ image })
}
`
const wrong = new Map([
  ['input-missing', 'export const x = async () => (await Convnet.open()).run({})'],
  ['input-name', 'export const x = async () => (await Convnet.open()).run({ image: new Float32Array(1), images: 1 })'],
  ['input-type', 'export const x = async () => (await Convnet.open()).run({ image: new Int32Array(1) })'],
  [
    'output-name',
    'export const x = async () => (await (await Convnet.open()).run({ image: new Float32Array(1) })).logit',
  ],
  ['dim-name', 'export const x = () => Convnet.open({ batches: 3 })'],
  ['parameter', "export const x = async () => (await Convnet.open()).read('conv2d_1.weights')"],
  ['target-missing', 'export const x = async () => (await Convnet.train()).step({ image: new Float32Array(1) })'],
  [
    'metric',
    'export const x = async () => (await (await Convnet.train()).evaluate({ image: new Float32Array(1), label: new Int32Array(1) })).accurracy',
  ],
])

describe('modules', () => {
  it('are there for every file with a model', () => {
    expect(written.length).toBeGreaterThanOrEqual(models.length - 1)
  })
  it('import nothing but the runtime, and evaluate no text', () => {
    for (const path of written) {
      const text = readFileSync(join(app.folder, path), 'utf8')
      const imports = [...text.matchAll(/^import .* from ['"](.*)['"]$/gm)].map((m) => m[1]!)
      const allowed = path.endsWith('.train.ts') ? /^(dlm\/runtime|\.\/[a-z0-9_]+\.js)$/ : /^dlm\/runtime$/
      expect(imports.length).toBeGreaterThan(0)
      for (const name of imports) expect(name).toMatch(allowed)
      expect(text).not.toMatch(/\beval\b|\bFunction\s*\(|\bimport\s*\(|\brequire\s*\(/)
    }
  })
})

describe('TypeScript 7', () => {
  const check = (project: string) =>
    spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', project], {
      cwd: app.folder,
      encoding: 'utf8',
    }).stdout
  it('finds nothing to say', () => {
    expect(check('tsconfig.json')).toBe('')
  })
  it('refuses each wrong use', () => {
    const said = check('wrong/tsconfig.json')
    for (const name of wrong.keys()) expect(said, name).toContain(`${name}.ts`)
  })
})

describe('TypeScript 5.8', () => {
  it('finds nothing to say', () => {
    const project = new Project58({ tsConfigFilePath: join(app.folder, 'tsconfig.json') })
    const messages = project
      .getPreEmitDiagnostics()
      .map((d) => `${d.getSourceFile()?.getFilePath()}:${d.getLineNumber()} ${JSON.stringify(d.getMessageText())}`)
    expect(messages).toEqual([])
  })
})

describe('on the processor', () =>
  sameBits(
    () => app,
    'wasm',
    (file) => join(app.folder, 'generated', file),
  ))
