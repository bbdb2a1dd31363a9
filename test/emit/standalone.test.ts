/** A standalone module needs no package: its copy of the runtime is beside it. `--watch` writes again what changed. */
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type App, makeApp, root } from './app.ts'

let app: App
beforeAll(() => {
  app = makeApp()
  cpSync(join(root, 'models/mnist/softmax.dlm'), join(app.folder, 'softmax.dlm'))
})
afterAll(() => app.remove())

it('runs with its own copy of the runtime, on a device that dlm/node provides', () => {
  app.dlmc('compile', 'softmax.dlm', '-o', 'alone', '--emit', 'js', '--standalone', '--quiet')
  const text = readFileSync(join(app.folder, 'alone/softmax.js'), 'utf8')
  expect([...text.matchAll(/from ['"](.*)['"]/g)].map((m) => m[1])).toEqual(['./dlm_runtime/generated.js'])
  const logits = app.run<number>(
    "import 'dlm/node'\nimport { Softmax } from './alone/softmax.js'\nconst model = await Softmax.open()\nmodel.initialize()\nconsole.log(JSON.stringify((await model.run({ image: new Float32Array(784) })).logits.length))\nprocess.exit(0)",
  )
  expect(logits).toBe(10)
})

it('watches: a change is written, a fault is told and the last good module stays', async () => {
  const folder = mkdtempSync(join(app.folder, 'watched-'))
  const source = readFileSync(join(app.folder, 'softmax.dlm'), 'utf8')
  const file = join(folder, 'softmax.dlm')
  writeFileSync(file, source)
  const child = spawn(
    process.execPath,
    [join(app.folder, 'node_modules/dlm/dist/cli/main.js'), 'compile', file, '-o', join(folder, 'out'), '--watch'],
    { cwd: app.folder },
  )
  let said = ''
  child.stderr.on('data', (chunk) => {
    said += String(chunk)
  })
  const told = async (times: number) => {
    while (said.split('watching ').length - 1 < times) await new Promise((resolve) => setTimeout(resolve, 50))
  }
  try {
    const written = () => readFileSync(join(folder, 'out/softmax.ts'), 'utf8')
    await told(1)
    expect(written()).toContain('logits')
    writeFileSync(file, source.replaceAll('logits', 'scores'))
    await told(2)
    expect(written()).toContain('scores')
    writeFileSync(file, source.replace('Linear', 'Linaer'))
    await told(3)
    expect(said).toContain('did you mean')
    expect(written()).toContain('scores')
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGINT')
    expect(await ended).toBe(0)
  } finally {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
})
