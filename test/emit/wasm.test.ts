/**
 * A module for both devices where there is no GPU: it trains and infers in each version of Node and in a Chromium without
 * WebGPU, with threads and without, and computes the same bits everywhere.
 */
import { spawnSync } from 'node:child_process'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type App, builtPackage, makeApp, root } from './app.ts'
import { launchWithoutWebgpu, type Served, serve } from './browser.ts'
import { nodeBinary, nodeVersions } from './node-versions.ts'

interface Worked {
  readonly logits: readonly number[]
  readonly losses: readonly number[]
  readonly bytes: number
  readonly device: string
}

let app: App
let expected: Worked
beforeAll(() => {
  app = makeApp()
  cpSync(join(root, 'models/mnist/convnet.dlm'), join(app.folder, 'convnet.dlm'))
  app.dlmc('compile', 'convnet.dlm', '-o', 'generated', '--emit', 'js', '--quiet')
  app.write('index.html', '<!doctype html><html><head></head><body></body></html>')
  app.write('work.js', work)
  app.write(
    'in-node.mjs',
    `import 'dlm/node'\nimport { work } from './work.js'\nprocess.stdout.write(JSON.stringify(await work()))`,
  )
  app.write('alone.mjs', `import { work } from './work.js'\nprocess.stdout.write(JSON.stringify(await work()))`)
  expected = inNode(process.execPath, 'in-node.mjs', '1')
})
afterAll(() => app?.remove())

/** What all sides do; it is one file. */
const work = `
import { Convnet } from './generated/convnet.js'
const noise = (count, from) => Float32Array.from({ length: count }, (_, i) => ((i * 7919 + from * 104729) % 997) / 997)
export async function work() {
  const model = await Convnet.open({ batch: 3 })
  model.initialize(5)
  const { logits } = await model.run({ image: noise(3 * 784, 1) })
  const trainer = await Convnet.train({ batch: 16, seed: 7 })
  const losses = []
  const batches = Array.from({ length: 20 }, (_, i) => ({ image: noise(16 * 784, i), label: Int32Array.from({ length: 16 }, (_, k) => (k + i) % 10) }))
  for await (const step of trainer.fit(batches)) losses.push(step.loss)
  const saved = await trainer.save()
  const device = trainer.device.name
  model.dispose()
  trainer.dispose()
  return { logits: [...logits], losses, bytes: saved.length, device }
}
`

/** As a process that ends by itself: what it opened must not keep it alive. */
function inNode(binary: string, script: string, threads: string): Worked {
  const { DLM_DEVICE: _, ...env } = process.env
  const { status, stdout, stderr } = spawnSync(binary, [join(app.folder, script)], {
    cwd: app.folder,
    // Without drivers, so that there is no WebGPU.
    env: { ...env, DLM_THREADS: threads, VK_ICD_FILENAMES: '/nonexistent', VK_DRIVER_FILES: '/nonexistent' },
    encoding: 'utf8',
    timeout: 240_000,
  })
  expect(status, stderr).toBe(0)
  return JSON.parse(stdout) as Worked
}

const same = (worked: Worked) => expect({ ...worked, device: '' }).toEqual({ ...expected, device: '' })

it('learns', () => {
  expect(expected.device).toMatch(/^WebAssembly \(1 thread, SIMD/)
  expect(expected.logits.length).toBe(30)
  expect(expected.losses.length).toBe(20)
  expect(expected.losses.at(-1)!).toBeLessThan(expected.losses[0]!)
})

describe.each(nodeVersions)('in Node %s', (version) => {
  it.each(['1', '2', '4'])('with %s threads', (threads) => {
    const worked = inNode(nodeBinary(version), 'in-node.mjs', threads)
    expect(worked.device).toBe(
      `WebAssembly (${threads} ${threads === '1' ? 'thread' : 'threads'}, SIMD with fused multiply-add)`,
    )
    same(worked)
  })
})

it('needs nothing of `dlm/node`, which brings threads', () => {
  const worked = inNode(nodeBinary('22.23.3'), 'alone.mjs', '1')
  expect(worked.device).toMatch(/^WebAssembly \(1 thread/)
  same(worked)
})

describe('in Chromium without WebGPU', () => {
  let browser: Browser
  const servers: Served[] = []
  beforeAll(async () => {
    browser = await launchWithoutWebgpu()
  })
  afterAll(async () => {
    await browser?.close()
    for (const server of servers) server.close()
  })

  it.each([
    [true, /^WebAssembly \(\d+ threads?, SIMD with fused multiply-add\)$/],
    [false, /^WebAssembly \(1 thread, SIMD with fused multiply-add\)$/],
  ])('on a page whose cross-origin isolation is %s', async (isolated, name) => {
    const folders = { '/': app.folder, '/runtime/': join(builtPackage(), 'dist/runtime') }
    const served = await serve(folders, isolated ? isolation : {})
    servers.push(served)
    const page = await browser.newPage()
    await page.goto(served.url)
    expect(await page.evaluate('crossOriginIsolated')).toBe(isolated)
    expect(await page.evaluate('navigator.gpu?.requestAdapter().then(Boolean) ?? false')).toBe(false)
    const worked = await page.evaluate<Worked>("import('/work.js').then(({ work }) => work())")
    console.log(`Chromium ${browser.version()} on ${worked.device}`)
    expect(worked.device).toMatch(name)
    same(worked)
    await page.close()
  })
})

const isolation = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
}
