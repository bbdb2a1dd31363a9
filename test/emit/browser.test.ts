/** The same module file in a real Chromium: inference and twenty training steps. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type App, builtPackage, makeApp, root } from './app.ts'
import { launch, type Served, serve } from './browser.ts'

let app: App
let served: Served
let browser: Browser
beforeAll(async () => {
  app = makeApp()
  // With elements dropped twice, each by a random stream of its own.
  const convnet = readFileSync(join(root, 'models/mnist/convnet.dlm'), 'utf8')
  const dropping = convnet.replace('|> flatten |>', '|> flatten |> dropout(0.1) |> dropout(0.2) |>')
  expect(dropping).not.toBe(convnet)
  app.write('convnet.dlm', dropping)
  app.dlmc(
    'compile',
    'convnet.dlm',
    '-o',
    'generated',
    '--emit',
    'js',
    '--devices',
    'webgpu',
    '--adapters',
    'software',
    '--quiet',
  )
  app.write('index.html', '<!doctype html><html><head></head><body></body></html>')
  app.write('work.js', work)
  served = await serve({ '/': app.folder, '/runtime/': join(builtPackage(), 'dist/runtime') })
  browser = await launch()
})
afterAll(async () => {
  await browser?.close()
  served?.close()
  app?.remove()
})

/** What both sides do; it is one file. */
const work = `
import { Convnet } from './generated/convnet.js'
const noise = (count, from) => Float32Array.from({ length: count }, (_, i) => ((i * 7919 + from * 104729) % 997) / 997)
export async function work() {
  const model = await Convnet.open({ batch: 3 })
  model.initialize(5)
  const { logits } = await model.run({ image: noise(3 * 784, 1) })
  const trainer = await Convnet.train({ batch: 4, seed: 7 })
  const losses = []
  const batches = Array.from({ length: 20 }, (_, i) => ({ image: noise(4 * 784, i), label: Int32Array.from({ length: 4 }, (_, k) => (k + i) % 10) }))
  for await (const step of trainer.fit(batches)) losses.push(step.loss)
  const saved = await trainer.save()
  const device = trainer.device.name
  model.dispose()
  trainer.dispose()
  return { logits: [...logits], losses, bytes: saved.length, device }
}
`
interface Worked {
  logits: number[]
  losses: number[]
  bytes: number
  device: string
}

it('computes in Chromium what it computes in Node', async () => {
  const inNode = app.run<Worked>(
    `import 'dlm/node'\nimport { work } from './work.js'\nconsole.log(JSON.stringify(await work()))\nprocess.exit(0)`,
  )
  const page = await browser.newPage()
  await page.goto(served.url)
  const inPage = await page.evaluate<Worked>("import('/work.js').then(({ work }) => work())")
  await page.close()
  console.log(`Chromium ${browser.version()} on ${inPage.device}`)
  expect(inPage.logits.length).toBe(30)
  for (const [i, value] of inPage.logits.entries()) expect(Math.abs(value - inNode.logits[i]!)).toBeLessThan(1e-4)
  expect(inPage.losses.length).toBe(20)
  for (const [i, value] of inPage.losses.entries()) expect(Math.abs(value - inNode.losses[i]!)).toBeLessThan(2e-3)
  expect(inPage.bytes).toBe(inNode.bytes)
})
