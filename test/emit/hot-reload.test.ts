/** A page under Vite's own server: a `.dlm` that is edited is replaced in it, a fault is shown at its line and goes when it is mended. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { createLogger, createServer, type ViteDevServer } from 'vite'
import { afterAll, beforeAll, expect, it } from 'vitest'
import dlm from '../../plugin/index.ts'
import { builtPackage } from './app.ts'
import { launch } from './browser.ts'

// Not below node_modules, whose files Vite takes for finished.
const folder = mkdtempSync(join(tmpdir(), 'dlm-hot-'))
const write = (path: string, text: string) => writeFileSync(join(folder, path), text)
let server: ViteDevServer
let browser: Browser
let page: Page
const logged: string[] = []
const errors: string[] = []

const head =
  'module Head(classes: int) {\n  forward(x: float[B, D]) -> float[B, classes] {\n    return x |> Linear(classes)\n  }\n}\n'
const model = (classes: number) =>
  `import "head.dlm"\n\nmodel Small {\n  input x: float[batch, 4]\n  output y = x |> Head(${classes})\n}\n`

beforeAll(async () => {
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(builtPackage(), join(folder, 'node_modules/dlm'))
  write('head.dlm', head)
  write('small.dlm', model(3))
  write(
    'index.html',
    '<!doctype html><html><head><link rel="icon" href="data:,"></head><body><p id="said"></p><script type="module" src="/main.js"></script></body></html>',
  )
  // The page replaces the model in place; a page that accepts nothing is loaded again by Vite.
  write(
    'main.js',
    `import { Small } from './small.dlm'
window.loads = (window.loads ?? 0) + 1
const say = async (Model) => {
  const model = await Model.open({ batch: 1 })
  model.initialize(1)
  const { y } = await model.run({ x: new Float32Array(4).fill(1) })
  model.dispose()
  document.querySelector('#said').textContent = y.length + ' numbers'
}
await say(Small)
import.meta.hot.accept('./small.dlm', (replaced) => replaced && say(replaced.Small))
`,
  )
  const logger = createLogger('error')
  logger.error = (message) => {
    logged.push(message)
  }
  server = await createServer({
    root: folder,
    configFile: false,
    customLogger: logger,
    cacheDir: join(folder, '.vite'),
    plugins: [dlm.vite({ adapters: ['software'] })],
    server: { port: 0, host: '127.0.0.1', fs: { strict: false } },
  })
  await server.listen()
  browser = await launch()
  page = await browser.newPage()
  page.on('pageerror', (error) => errors.push(String(error)))
  await page.goto(server.resolvedUrls!.local[0]!)
})
afterAll(async () => {
  await browser?.close()
  await server?.close()
  rmSync(folder, { recursive: true, force: true })
})

const said = (text: string) =>
  page.waitForFunction((wanted) => document.querySelector('#said')?.textContent === wanted, text, { timeout: 60_000 })
/** What Vite's overlay shows, in its own shadow tree. */
const overlay = () =>
  page.evaluate(() => document.querySelector('vite-error-overlay')?.shadowRoot?.textContent ?? undefined)

it('replaces the model when its file is edited, without loading the page anew', async () => {
  await said('3 numbers')
  await page.evaluate(() => Object.assign(window, { stays: true }))
  write('small.dlm', model(5))
  await said('5 numbers')
  expect(await page.evaluate(() => 'stays' in window)).toBe(true)
  expect(readFileSync(join(folder, 'small.d.dlm.ts'), 'utf8')).toContain('[batch, 5]')
})

it('replaces it when a file that it imports is edited', async () => {
  write('head.dlm', head.replace('Linear(classes)', 'Linear(classes + 1)').replace('B, classes]', 'B, classes + 1]'))
  await said('6 numbers')
  write('head.dlm', head)
  await said('5 numbers')
})

it.each([
  ['small.dlm', model(5).replace('Head', 'Haed'), 'Haed', model(5)],
  ['head.dlm', head.replace('Linear', 'Linaer'), 'Linaer', head],
])('shows a fault in %s at its line, and takes it away when it is mended', async (file, wrong, word, right) => {
  const line = wrong.slice(0, wrong.indexOf(word)).split('\n').length
  logged.length = 0
  write(file, wrong)
  await page.waitForSelector('vite-error-overlay', { state: 'attached', timeout: 60_000 })
  const shown = (await overlay())!
  expect(shown).toContain(`${file}:${line}:`)
  expect(shown).toContain('did you mean')
  expect(logged.join('\n')).toContain(`${file}:${line}:`)
  write(file, right)
  await page.waitForFunction(() => document.querySelector('vite-error-overlay') === null, undefined, {
    timeout: 60_000,
  })
  await said('5 numbers')
  expect(errors).toEqual([])
})
