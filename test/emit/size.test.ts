/** What a page downloads: the runtime of a module that infers and trains, and the MNIST convnet's module. Gzipped, as bundled. */
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type App, makeApp, root } from './app.ts'

const kilobyte = 1024
let app: App
beforeAll(() => {
  app = makeApp()
  cpSync(join(root, 'models/mnist/convnet.dlm'), join(app.folder, 'convnet.dlm'))
  app.dlmc('compile', 'convnet.dlm', '-o', 'generated', '--emit', 'js', '--quiet')
})
afterAll(() => app.remove())

async function bundle(path: string, external: string[] = []): Promise<number> {
  const built = await rolldown({ input: join(app.folder, path), external, platform: 'browser' })
  const { output } = await built.generate({ format: 'es', minify: true })
  expect(output.length).toBe(1)
  return gzipSync(output[0].code, { level: 9 }).length
}

it('the runtime takes at most 15 KB', async () => {
  app.write('runtime.js', "export { openModel, openTrainer } from 'dlm/runtime'")
  const size = await bundle('runtime.js')
  console.log(`runtime: ${size} bytes gzipped`)
  expect(size).toBeLessThanOrEqual(15 * kilobyte)
})

it('with what runs on the processor, at most 20 KB', async () => {
  app.write('with-wasm.js', "export { openModel, openTrainer, wasmDevice } from 'dlm/runtime'")
  const size = await bundle('with-wasm.js')
  console.log(`runtime with the device wasm: ${size} bytes gzipped`)
  expect(size).toBeLessThanOrEqual(20 * kilobyte)
})

it("the convnet's module, for WebGPU and WebAssembly, takes at most 25 KB", async () => {
  const bundled = await bundle('generated/convnet.js', ['dlm/runtime'])
  const written = gzipSync(readFileSync(join(app.folder, 'generated/convnet.js')), { level: 9 }).length
  console.log(`convnet module: ${bundled} bytes gzipped as bundled, ${written} as written`)
  expect(Math.max(bundled, written)).toBeLessThanOrEqual(25 * kilobyte)
})
