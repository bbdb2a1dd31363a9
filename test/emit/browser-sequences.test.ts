/**
 * The same modules of causal models in a real Chromium, on WebGPU and on the processor: steppers, generation and beams give
 * what they give in Node.
 */
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type App, builtPackage, makeApp } from './app.ts'
import { launch, type Served, serve } from './browser.ts'
import { sequenceModels } from './sequence-models.ts'

interface Worked {
  readonly device: string
  /** Logits of every step, of an attention model and of a recurrence. */
  readonly steps: readonly (readonly number[])[]
  /** Greedy, drawn; on the processor also by beams, and an answer to a source. */
  readonly tokens: readonly (readonly number[])[]
}

/** What both sides do; it is one file. */
const work = `
import { openDevice, wasmDevice } from 'dlm/runtime'
import { Gpt } from './generated/gpt.js'
import { Cell } from './generated/cell.js'
import { Pairs } from './generated/pairs.js'
const all = async (tokens) => { const list = []; for await (const token of tokens) list.push(token); return list }
export async function work(kind) {
  // Chromium's adapter is in software here, which a module passes over for the processor unless it is given.
  const gpu = globalThis.navigator?.gpu
  const on = kind === 'wasm' ? { device: wasmDevice({ threads: 1 }) } : gpu ? { device: await openDevice(await gpu.requestAdapter()) } : {}
  const [steps, tokens] = [[], []]
  const gpt = await Gpt.open({ batch: 2, T: 9, ...on })
  gpt.initialize(3)
  const two = await gpt.stepper({ rows: 2 })
  for (let t = 0; t < 9; t++) {
    const { logits } = await two.step({ text: Int32Array.of((t * 5) % 7, (t * 3 + 1) % 7) }, ...(t === 6 ? [Int32Array.of(1, 0)] : []))
    steps.push([...logits])
  }
  tokens.push(await all(gpt.generate([1, 2, 3], { length: 12, temperature: 0 })))
  tokens.push(await all(gpt.generate([1, 2, 3], { length: 12, temperature: 1, seed: 4 })))
  const cell = await Cell.open({ batch: 1, T: 4, ...on })
  cell.initialize(3)
  const one = await cell.stepper()
  for (let t = 0; t < 9; t++) steps.push([...(await one.step({ x: Float32Array.of(Math.sin(t), t / 9, -1) })).level])
  if (kind === 'wasm') {
    // A software adapter compiles their kernels for seconds, and what they add to the above is the host's.
    tokens.push(await all(gpt.generate([1, 2, 3], { length: 5, beams: 3 })))
    const pairs = await Pairs.open({ S: 4, T: 8, ...on })
    pairs.initialize(5)
    tokens.push(await all(pairs.generate([1], { length: 6, temperature: 0, source: { word: Int32Array.of(1, 2, 3, 4) } })))
    pairs.dispose()
  }
  const device = gpt.device.name
  gpt.dispose()
  cell.dispose()
  return { device, steps, tokens }
}
`

let app: App
let served: Served
let browser: Browser
beforeAll(async () => {
  app = makeApp()
  app.write('models.dlm', sequenceModels)
  app.dlmc('compile', 'models.dlm', '-o', 'generated', '--emit', 'js', '--adapters', 'software', '--quiet')
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

it.each(['webgpu', 'wasm'])('computes on %s in Chromium what it computes in Node', async (kind) => {
  const inNode = app.run<Worked>(
    `import 'dlm/node'\nimport { work } from './work.js'\nconsole.log(JSON.stringify(await work('${kind}')))\nprocess.exit(0)`,
  )
  const page = await browser.newPage()
  await page.goto(served.url)
  const inPage = await page.evaluate<Worked>(`import('/work.js').then(({ work }) => work('${kind}'))`)
  await page.close()
  console.log(`Chromium ${browser.version()} on ${inPage.device}, Node on ${inNode.device}`)
  expect(/WebAssembly/.test(inPage.device)).toBe(kind === 'wasm')
  expect(inPage.steps.map((step) => step.length)).toEqual([...Array<number>(9).fill(14), ...Array<number>(9).fill(2)])
  const [a, b] = [inPage.steps.flat(), inNode.steps.flat()]
  for (const [i, value] of a.entries()) expect(Math.abs(value - b[i]!)).toBeLessThan(1e-4)
  if (kind === 'wasm') expect(a).toEqual(b)
  expect(inPage.tokens.map((said) => said.length)).toEqual(kind === 'wasm' ? [12, 12, 5, 6] : [12, 12])
  expect(inPage.tokens).toEqual(inNode.tokens)
})
