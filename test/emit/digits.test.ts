/**
 * The digits page under Vite itself in a real Chromium: on the development server it learns from its loss curve on, reads a
 * drawn stroke and saves its weights; built, it loads them and reads on a phone's width. `DLM_SCREENSHOTS=DIR` keeps pictures.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { build, createServer, preview } from 'vite'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { builtPackage, dlmcIn, root } from './app.ts'
import { launch } from './browser.ts'

// As in the repository: the example lies two folders below `dist/` and `node_modules/`.
const base = mkdtempSync(join(tmpdir(), 'dlm-digits-'))
const folder = join(base, 'examples/digits')
const weights = join(base, 'trained.safetensors')
const screenshots = process.env.DLM_SCREENSHOTS
let browser: Browser

beforeAll(async () => {
  const example = join(root, 'examples/digits')
  cpSync(example, folder, {
    recursive: true,
    filter: (path) => !/\/(node_modules|generated|public|dist)(\/|$)/.test(path.slice(example.length)),
  })
  symlinkSync(join(builtPackage(), 'dist'), join(base, 'dist'))
  symlinkSync(join(root, 'node_modules'), join(base, 'node_modules'))
  cpSync(join(root, 'models/mnist'), join(base, 'models/mnist'), { recursive: true })
  dlmcIn(folder, 'compile', '../../models/mnist/convnet.dlm', '-o', 'generated', '--emit', 'js', '--quiet')
  // Like the example's data.mjs, with fewer digits: a software adapter trains here.
  const mnist = join(root, 'data/mnist')
  mkdirSync(join(folder, 'public'))
  for (const [part, images, labels, count] of [
    ['train', 'train-images-idx3-ubyte', 'train-labels-idx1-ubyte', 3000],
    ['test', 't10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte', 200],
  ] as const) {
    expect(existsSync(join(mnist, images)), 'run `npm run data mnist`').toBe(true)
    const put = (name: string, from: string, start: number, bytes: number) =>
      writeFileSync(
        join(folder, 'public', `${part}-${name}.bin`),
        readFileSync(join(mnist, from)).subarray(start, start + bytes),
      )
    put('images', images, 16, count * 784)
    put('labels', labels, 8, count)
  }
  if (screenshots) mkdirSync(screenshots, { recursive: true })
  browser = await launch()
})
afterAll(async () => {
  await browser?.close()
  rmSync(base, { recursive: true, force: true })
})

const phone = { width: 390, height: 844 }
const desktop = { width: 1280, height: 900 }

async function open(url: string, viewport: typeof phone): Promise<{ page: Page; errors: string[] }> {
  const page = await browser.newPage({ viewport })
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(String(error)))
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
  await page.goto(url)
  await page.waitForFunction("!document.querySelector('#train').disabled", undefined, { timeout: 60_000 })
  return { page, errors }
}

/** A seven: along the top, then down to the left. */
async function drawSeven(page: Page): Promise<void> {
  await page.locator('#pad').scrollIntoViewIfNeeded()
  const box = (await page.locator('#pad').boundingBox())!
  const at = (x: number, y: number) => page.mouse.move(box.x + x * box.width, box.y + y * box.height, { steps: 12 })
  await at(0.28, 0.22)
  await page.mouse.down()
  await at(0.72, 0.22)
  await at(0.45, 0.82)
  await page.mouse.up()
  await page.waitForFunction("document.querySelector('#answer').textContent !== '–'")
  await page.waitForTimeout(300)
}

const shoot = async (page: Page, name: string) => {
  if (screenshots) await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true })
}

/** Nothing sticks out of the window's width. */
const fits = async (page: Page, { width }: typeof phone) =>
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)

it('is trained on the development server, then reads a drawn stroke', async () => {
  const server = await createServer({ root: folder, logLevel: 'silent', server: { port: 0, host: '127.0.0.1' } })
  await server.listen()
  try {
    const { page, errors } = await open(`${server.resolvedUrls!.local[0]}?epochs=1`, desktop)
    await shoot(page, 'digits-untrained')
    await page.click('#train')
    await page.waitForFunction("document.querySelector('#curve path') !== null", undefined, { timeout: 100_000 })
    await shoot(page, 'digits-training')
    await page.waitForFunction(
      "/of 200 test digits/.test(document.querySelector('#progress').textContent)",
      undefined,
      {
        timeout: 100_000,
      },
    )
    expect(await page.locator('#curve path').count()).toBe(1)
    await drawSeven(page)
    await shoot(page, 'digits')
    expect(await page.textContent('#answer')).toBe('7')
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#save')])
    await download.saveAs(weights)
    await page.setViewportSize(phone)
    await shoot(page, 'digits-phone')
    await fits(page, phone)
    expect(errors).toEqual([])
    await page.close()
  } finally {
    await server.close()
  }
})

it('is built, and reads a stroke with weights from a file on a phone', async () => {
  await build({ root: folder, logLevel: 'silent' })
  const server = await preview({ root: folder, logLevel: 'silent', preview: { port: 0, host: '127.0.0.1' } })
  try {
    const { page, errors } = await open(server.resolvedUrls!.local[0]!, phone)
    // What is no weights file is refused, and said so.
    await page.setInputFiles('#file', { name: 'wrong.safetensors', mimeType: '', buffer: Buffer.from('nothing') })
    await page.waitForFunction("/wrong.safetensors/.test(document.querySelector('#progress').textContent)")
    await shoot(page, 'digits-built-refused')
    await page.setInputFiles('#file', weights)
    await page.waitForFunction("/Weights of trained/.test(document.querySelector('#progress').textContent)")
    await drawSeven(page)
    await shoot(page, 'digits-built-phone')
    expect(await page.textContent('#answer')).toBe('7')
    await fits(page, phone)
    await page.setViewportSize(desktop)
    await shoot(page, 'digits-built')
    expect(errors).toEqual([])
    await page.close()

    const without = await browser.newPage({ viewport: phone })
    await without.addInitScript("Object.defineProperty(navigator, 'gpu', { value: undefined })")
    await without.goto(server.resolvedUrls!.local[0]!)
    // The module brings both devices: the page goes on on the processor, and says so.
    await without.waitForFunction("/on the processor/.test(document.querySelector('#status').textContent)")
    await without.setInputFiles('#file', weights)
    await without.waitForFunction("/Weights of trained/.test(document.querySelector('#progress').textContent)")
    await drawSeven(without)
    expect(await without.textContent('#answer')).toBe('7')
    await shoot(without, 'digits-without')
    await fits(without, phone)
    await without.close()
  } finally {
    await server.close()
  }
})
