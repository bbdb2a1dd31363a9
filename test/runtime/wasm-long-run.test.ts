/** Ten thousand steps on the processor: uploads, losses and read-backs leave nothing behind, in the host or in its threads. */
import { expect, it } from 'vitest'
import { providePlatform } from '../../runtime/node/platform.ts'
import { wasmDevice } from '../../runtime/wasm/device.ts'
import { collectGarbage } from './garbage.ts'
import { wasmAffine } from './wasm-programs.ts'

const runs = 10_000
/** By then the engine's heap has its size. */
const settled = 5000

providePlatform()

it.each([1, 2])('keeps its memory flat with %i threads', async (threads) => {
  const session = await wasmDevice({ threads }).open(wasmAffine, { dims: { batch: 512 }, entries: ['step'] })
  const x = new Float32Array(3 * 512).fill(1e-3)
  let early = 0
  for (let run = 0; run < runs; run++) {
    session.write('x', x)
    await session.run('step', { rate: 1e-6, seed: run })
    if (run % 50 === 49) expect((await session.scalars()).length).toBe(50)
    if (run % 100 === 99) await session.read('w')
    if (run === settled) {
      await collectGarbage()
      early = process.memoryUsage.rss()
    }
  }
  await collectGarbage()
  expect(process.memoryUsage.rss() - early).toBeLessThan(20e6)
  session.dispose()
})
