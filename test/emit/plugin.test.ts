/** `import { … } from './x.dlm'` through a bundler: the module runs, its types are there, faults are shown at their line. */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { Project as Project58 } from 'ts-morph-26'
import { build, createServer } from 'vite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import dlm from '../../plugin/index.ts'
import { type App, makeApp, root } from './app.ts'

let app: App
beforeAll(() => {
  app = makeApp()
  cpSync(join(root, 'models/mnist/softmax.dlm'), join(app.folder, 'softmax.dlm'))
  app.write(
    'main.js',
    "import { Softmax } from './softmax.dlm'\nexport const classify = async (image) => {\n  const model = await Softmax.open({ batch: 1 })\n  model.initialize(2)\n  return [...(await model.run({ image })).logits]\n}\n",
  )
})
afterAll(() => app.remove())

it('bundles a .dlm that then runs, with its types beside it', async () => {
  const built = await rolldown({ input: join(app.folder, 'main.js'), external: [/^dlm\//], plugins: [dlm.rolldown()] })
  await built.write({ file: join(app.folder, 'bundle.js'), format: 'es' })
  const logits = app.run<number[]>(
    "import 'dlm/node'\nimport { classify } from './bundle.js'\nconsole.log(JSON.stringify(await classify(new Float32Array(784).fill(0.5))))\nprocess.exit(0)",
  )
  expect(logits.length).toBe(10)
  const types = readFileSync(join(app.folder, 'softmax.d.dlm.ts'), 'utf8')
  expect(types.match(/^import /gm)?.length).toBe(1)
  expect(types).toContain('export declare const Softmax')
})

it('looks at a file again after it was read: a watcher takes two quick changes for one', async () => {
  const [path, imported] = [join(app.folder, 'quick.dlm'), join(app.folder, 'part.dlm')]
  const part = 'fn twice(x: float[...]) -> float[...] { return x + x }\n'
  const model = 'import "part.dlm"\nmodel Quick {\n  input x: float[4]\n  output y = twice(x)\n}\n'
  app.write('quick.dlm', model)
  app.write('part.dlm', part.replace('return', 'retrun'))
  const server = await createServer({
    root: app.folder,
    configFile: false,
    logLevel: 'silent',
    appType: 'custom',
    // This watcher says nothing by itself.
    server: { middlewareMode: true, hmr: false, ws: false, watch: null },
    plugins: [dlm.vite({ devices: ['wasm'] })],
  })
  try {
    for (const [file, text] of [
      [imported, part],
      [path, model.replace('twice(x)', 'twice(x) + 1')],
    ] as const) {
      const told = once(server.watcher, 'change')
      await server.transformRequest(path).catch(() => undefined)
      writeFileSync(file, text)
      expect(await told).toEqual([file])
    }
    expect((await server.transformRequest(path))?.code).toContain('export')
  } finally {
    await server.close()
  }
})

describe('the types beside it', () => {
  const compilerOptions = {
    target: 'ES2022',
    lib: ['ES2022', 'DOM'],
    module: 'Preserve',
    moduleResolution: 'Bundler',
    allowArbitraryExtensions: true,
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    verbatimModuleSyntax: true,
    types: [],
    noEmit: true,
  }
  const use = (body: string) =>
    `import { Softmax } from './softmax.dlm'\nexport const use = async () => {\n${body}\n}\n`
  const right = `  const model = await Softmax.open({ batch: 2 })
  await model.load('x.safetensors', { names: { 'linear_1.weight': 'fc.weight' } })
  const { logits } = await model.run({ image: new Float32Array(2 * 784) })
  return logits.length`
  const wrong = [
    '  return (await Softmax.open()).run({})',
    '  return (await Softmax.open()).run({ images: new Float32Array(1) })',
    '  return (await Softmax.open()).run({ image: new Int32Array(1) })',
    "  return (await Softmax.open()).read('linear_2.weight')",
    '  return Softmax.open({ batches: 1 })',
  ]
  beforeAll(() => {
    app.write('right/use.ts', use(right).replace('./', '../'))
    for (const [i, body] of wrong.entries()) app.write(`wrong/${i}.ts`, use(body).replace('./', '../'))
    for (const folder of ['right', 'wrong'])
      app.write(`${folder}/tsconfig.json`, JSON.stringify({ compilerOptions, include: ['.'] }))
  })
  it('let right use through and refuse wrong use, in TypeScript 7', () => {
    const check = (folder: string) =>
      spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(app.folder, folder)], {
        cwd: app.folder,
        encoding: 'utf8',
      }).stdout
    expect(check('right')).toBe('')
    const said = check('wrong')
    for (const i of wrong.keys()) expect(said).toContain(`wrong/${i}.ts(`)
  })
  it('do so in TypeScript 5.8', () => {
    const told = (folder: string) =>
      new Project58({ tsConfigFilePath: join(app.folder, folder, 'tsconfig.json') })
        .getPreEmitDiagnostics()
        .map((d) => d.getSourceFile()?.getBaseName())
    expect(told('right')).toEqual([])
    expect(new Set(told('wrong'))).toEqual(new Set(wrong.map((_, i) => `${i}.ts`)))
  })
})

it('shows a fault at its line, in Vite too', async () => {
  const wrong = readFileSync(join(app.folder, 'softmax.dlm'), 'utf8').replace('Linear(10)', 'Linaer(10)')
  writeFileSync(join(app.folder, 'softmax.dlm'), wrong)
  const line = wrong.slice(0, wrong.indexOf('Linaer')).split('\n').length
  const error = await build({
    root: app.folder,
    logLevel: 'silent',
    configFile: false,
    plugins: [dlm.vite()],
    build: { write: false, lib: { entry: 'main.js', formats: ['es'] }, rollupOptions: { external: [/^dlm\//] } },
  }).then(
    () => undefined,
    (caught: unknown) => caught as { message: string; loc?: { line: number; file: string } },
  )
  expect(error?.message).toContain('Linaer')
  expect(error?.message).toContain('did you mean')
  expect(error?.message).toContain(`softmax.dlm:${line}`)
  expect(existsSync(join(app.folder, 'softmax.d.dlm.ts'))).toBe(true)
})
