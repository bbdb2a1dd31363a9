/** The example service: input is checked, requests that come together run together, and it ends cleanly. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { chosenDriver } from '../device/adapter.ts'
import { type App, makeApp, root } from './app.ts'

let app: App
let service: ChildProcess
let url: string
beforeAll(async () => {
  app = makeApp()
  const from = join(root, 'examples/node-service')
  for (const name of ['main.js', 'batcher.js', 'input.js']) cpSync(join(from, name), join(app.folder, name))
  cpSync(join(root, 'models/mnist/convnet.dlm'), join(app.folder, 'convnet.dlm'))
  app.dlmc('compile', 'convnet.dlm', '-o', 'generated', '--emit', 'js', '--quiet')
  app.dlmc('init', 'convnet.dlm', '-o', 'w.safetensors', '--quiet')
  service = spawn(process.execPath, ['main.js'], {
    cwd: app.folder,
    env: { ...process.env, DLM_DEVICE: chosenDriver().name, PORT: '0', WEIGHTS: 'w.safetensors' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  for await (const chunk of service.stdout!) {
    said += String(chunk)
    const port = /port (\d+)/.exec(said)?.[1]
    if (port) {
      url = `http://localhost:${port}`
      break
    }
  }
})
afterAll(() => {
  service?.kill('SIGKILL')
  app?.remove()
})

const picture = (seed: number) => Uint8Array.from({ length: 784 }, (_, i) => (i * seed) % 256)
const classify = (body: BodyInit, headers: Record<string, string> = {}) =>
  fetch(`${url}/classify`, { method: 'POST', body, headers })

it('answers each of many requests with its own answer', async () => {
  const one = (await (await classify(picture(3))).json()) as { probabilities: number[] }
  expect(one.probabilities.length).toBe(10)
  expect(one.probabilities.reduce((a, b) => a + b)).toBeCloseTo(1, 5)
  const many = await Promise.all(
    Array.from({ length: 70 }, async (_, i) => (await (await classify(picture(i))).json()) as typeof one),
  )
  expect(many[3]).toEqual(one)
  expect(many[4]).not.toEqual(one)
  expect(await (await fetch(`${url}/health`)).json()).toMatchObject({ classified: 71 })
})

it('says what is wrong with wrong input', async () => {
  const json = { 'content-type': 'application/json' }
  const answers = await Promise.all([
    classify(picture(1).slice(1)),
    classify('{', json),
    classify('{"image":3}', json),
    classify(JSON.stringify({ image: [1, 2] }), json),
    classify(JSON.stringify({ image: Array(784).fill(2) }), json),
    classify('x'.repeat(100_000)),
    fetch(`${url}/classify`),
    fetch(`${url}/elsewhere`),
  ])
  expect(answers.map((a) => a.status)).toEqual([400, 400, 400, 400, 400, 413, 405, 404])
  for (const answer of answers) expect(((await answer.json()) as { error: string }).error.length).toBeGreaterThan(10)
})

it('answers what it has accepted, then ends', async () => {
  const last = Array.from({ length: 5 }, (_, i) => classify(picture(i)).then((a) => a.status))
  await Promise.race(last)
  service.kill('SIGTERM')
  expect(await Promise.all(last)).toEqual([200, 200, 200, 200, 200])
  const [code] = (await once(service, 'exit')) as [number]
  expect(code).toBe(0)
})
