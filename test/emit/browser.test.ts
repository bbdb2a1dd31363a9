/** The same module file in a real Chromium: inference, twenty training steps, and the digits page with a stroke drawn on it. */
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
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
  cpSync(join(root, 'models/mnist/convnet.dlm'), join(app.folder, 'convnet.dlm'))
  app.dlmc('compile', 'convnet.dlm', '-o', 'generated', '--emit', 'js', '--adapters', 'software', '--quiet')
  app.write('index.html', '<!doctype html><html><head></head><body></body></html>')
  app.write('work.js', work)
  const digits = join(root, 'examples/digits')
  const page = join(app.folder, 'digits')
  cpSync(digits, page, {
    recursive: true,
    filter: (path) => !/\/(node_modules|generated|public|dist)(\/|$)/.test(path.slice(digits.length)),
  })
  cpSync(join(app.folder, 'generated'), join(page, 'generated'), { recursive: true })
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

const screenshots = process.env['DLM_SCREENSHOTS']

it('teaches the digits page, which then reads a drawn stroke', async () => {
  const mnist = join(root, 'data/mnist')
  // Like the example's data.mjs, with fewer digits: a software adapter trains here.
  const target = join(app.folder, 'digits')
  for (const [part, images, labels, count] of [
    ['train', 'train-images-idx3-ubyte', 'train-labels-idx1-ubyte', 3000],
    ['test', 't10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte', 200],
  ] as const) {
    expect(existsSync(join(mnist, images)), 'run `npm run data mnist`').toBe(true)
    app.write(join('digits', `${part}-images.bin`), '')
    const { writeFileSync } = await import('node:fs')
    writeFileSync(join(target, `${part}-images.bin`), readFileSync(join(mnist, images)).subarray(16, 16 + count * 784))
    writeFileSync(join(target, `${part}-labels.bin`), readFileSync(join(mnist, labels)).subarray(8, 8 + count))
  }
  if (screenshots) mkdirSync(screenshots, { recursive: true })
  const page = await browser.newPage({ viewport: { width: 900, height: 820 } })
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(String(error)))
  await page.goto(`${served.url}/digits/index.html?epochs=1`)
  await page.waitForFunction("!document.querySelector('#train').disabled")
  await page.click('#train')
  await page.waitForFunction("/of 200 test digits/.test(document.querySelector('#progress').textContent)", undefined, {
    timeout: 100_000,
  })
  expect(await page.locator('#curve path').count()).toBe(1)

  // A seven: along the top, then down to the left.
  const box = (await page.locator('#pad').boundingBox())!
  const at = (x: number, y: number) => page.mouse.move(box.x + x * box.width, box.y + y * box.height, { steps: 12 })
  await at(0.28, 0.22)
  await page.mouse.down()
  await at(0.72, 0.22)
  await at(0.45, 0.82)
  await page.mouse.up()
  await page.waitForFunction("document.querySelector('#answer').textContent !== '–'")
  await page.waitForTimeout(300)
  if (screenshots) await page.screenshot({ path: join(screenshots, 'digits.png'), fullPage: true })
  expect(await page.textContent('#answer')).toBe('7')

  await page.setViewportSize({ width: 375, height: 812 })
  if (screenshots) await page.screenshot({ path: join(screenshots, 'digits-phone.png'), fullPage: true })
  // Nothing sticks out of a phone's width.
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(375)
  expect(errors).toEqual([])
  await page.close()
})

it('says on the digits page when there is no WebGPU', async () => {
  const page = await browser.newPage()
  await page.addInitScript("Object.defineProperty(navigator, 'gpu', { value: undefined })")
  await page.goto(`${served.url}/digits/index.html`)
  await page.waitForFunction("document.querySelector('#status').classList.contains('failed')")
  expect(await page.textContent('#status')).toContain('does not offer it')
  expect(await page.isDisabled('#train')).toBe(true)
  if (screenshots) await page.screenshot({ path: join(screenshots, 'digits-without.png'), fullPage: true })
  await page.close()
})
