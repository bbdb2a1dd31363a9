import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { chosenDriver } from '../device/adapter.ts'
import { buildModules } from './built.ts'

let built: ReturnType<typeof buildModules>
beforeAll(() => {
  built = buildModules('runtime/node/devices.ts', 'compiler/index.ts')
}, 60_000)
afterAll(() => built.remove())

const model =
  'model M { input x: float[2, 3, 16, 16]; output y = x |> Conv2d(8, 3) |> relu |> Conv2d(8, 3) |> flatten |> Linear(64) |> softmax }'

/** Opens a session in a process of its own, whose driver has compiled nothing yet, and ends it meanwhile. */
function ended(how: string, after: number): Promise<{ readonly code: number | null; readonly said: string }> {
  const cache = mkdtempSync(join(tmpdir(), 'dlm-ending-'))
  const script = `
const { findDevice } = await import('${built.url('runtime/node/devices.ts')}')
const { check, compile } = await import('${built.url('compiler/index.ts')}')
const { globals: { GPUAdapter, GPUDevice } } = await import('webgpu')
let left = 0
const { requestDevice } = GPUAdapter.prototype
for (const [prototype, name, by] of [[GPUAdapter.prototype, 'requestDevice', 1], [GPUDevice.prototype, 'destroy', -1]]) {
  const whole = prototype[name]
  prototype[name] = function (...given) { left += by; return whole.apply(this, given) }
}
const { device, target, subgroup } = await findDevice('${chosenDriver().name}')
const { program } = compile(check({ path: 'm.dlm', text: '${model}' }), { model: 'M', entries: ['infer'], target, subgroup })
const session = device.open(program, { dims: {}, entries: ['infer'] })
process.on('exit', () => process.stdout.write(String(left)))
setTimeout(() => { ${how} }, ${after})
await session
setTimeout(() => {}, 60_000)`
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      env: { ...process.env, MESA_SHADER_CACHE_DIR: cache, DLM_THREADS: '2' },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    let said = ''
    child.stdout.on('data', (chunk) => {
      said += String(chunk)
    })
    child.once('close', (code) => {
      rmSync(cache, { recursive: true, force: true })
      resolve({ code, said })
    })
  })
}

// One of four to eight such processes ended with a segmentation fault.
it.each([
  ['by its own word', 'process.exit(7)', 7],
  ['with an error', 'throw new Error("over")', 1],
])('a process that ends %s while its kernels are compiled destroys its devices first', async (_, how, code) => {
  // At first one device compiles, after some 100 ms a helper too.
  for (const after of [20, 60, 150, 200, 250]) expect(await ended(how, after)).toEqual({ code, said: '0' })
})
