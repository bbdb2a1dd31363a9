/** `import { … } from './x.dlm'` through a bundler: the module runs, its types are there, faults are shown at their line. */
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { build } from 'vite'
import { afterAll, beforeAll, expect, it } from 'vitest'
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
