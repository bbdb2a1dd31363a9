import { describe, expect, it } from 'vitest'
import { openSession } from '../../runtime/session.ts'
import { collectGarbage } from './garbage.ts'
import { faultyDevice } from './open.ts'
import { affine } from './programs.ts'

const runs = 10_000
/** By then the drivers' pools and the engine's heap have their size (SwiftShader's after some 4,000). */
const settled = 5_000

describe('a long run', () => {
  it(`keeps its memory flat over ${runs} steps with uploads and readbacks`, async () => {
    const { gpu, created } = await faultyDevice()
    const session = await openSession(affine, gpu, { dims: { batch: 512 }, entries: ['step'] })
    const x = new Float32Array(3 * 512).fill(1e-3)
    const opened = { ...created }
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
    expect(created).toEqual(opened)
    session.dispose()
    gpu.dispose()
  })
})
