/** How many threads a wasm session starts, when the host is one of them, and which way uploads go. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CompiledProgram } from '../../runtime/abi.ts'
import { providePlatform } from '../../runtime/node/platform.ts'
import { platform } from '../../runtime/platform.ts'
import { control, controlBytes } from '../../runtime/wasm/control.ts'
import { wasmDevice } from '../../runtime/wasm/device.ts'
import type { ThreadSetup } from '../../runtime/wasm/thread.ts'
import { wasmAffine, wasmCounting, wasmWide } from './wasm-programs.ts'

providePlatform()
const place = platform()
const { startWorker, waits } = place
/** What the threads that were started began with. */
let setups: ThreadSetup[] = []

beforeEach(() => {
  setups = []
  place.startWorker = (...of) => {
    const worker = startWorker!(...of)
    return {
      ...worker,
      post: (setup) => {
        setups.push(setup as ThreadSetup)
        worker.post(setup)
      },
    }
  }
})
afterEach(() => {
  place.startWorker = startWorker!
  place.waits = waits!
})

/** The same program, said to be so much work. */
const withWork = (program: CompiledProgram, flops: number): CompiledProgram => ({
  ...program,
  entries: program.entries.map((e) => ({ ...e, dispatches: e.dispatches.map((d) => ({ ...d, flops })) })),
})

describe('of the threads that compute, the host is one where it may wait and would not wait long', () => {
  it.each([
    ['an inference', 'infer', 1e9, { threads: 3 }, true, 2],
    ['an inference, as many threads as cores', 'infer', 1e9, { cores: 3 }, true, 2],
    ['with nothing worth a second thread', 'infer', 1e6, { cores: 3 }, true, 0],
    ['alone', 'infer', 1e9, { threads: 1 }, true, 0],
    ['in a page', 'infer', 1e9, { threads: 3 }, false, 3],
    ['a run of seconds', 'infer', 1e12, { threads: 3 }, true, 3],
    ['a step of a training', 'step', 1e9, { threads: 3 }, true, 3],
  ] as const)('%s', async (_, entry, flops, options, mayWait, started) => {
    place.waits = mayWait
    const session = await wasmDevice(options).open(withWork(wasmAffine, flops), {
      dims: { batch: 777 },
      entries: [entry],
    })
    expect(setups.length).toBe(started)
    const x = new Float32Array(3 * 777).map((_, i) => i)
    session.write('w', new Float32Array([1, 2, 3]))
    session.write('x', x)
    await session.run(entry)
    if (entry === 'infer')
      expect(await session.read('y')).toEqual(x.map((v, i) => ((i % 3) + 1) * v + 10 * ((i % 3) + 1)))
    session.dispose()
  })

  it('gives the same numbers, run after run, whoever takes which portion', async () => {
    for (const threads of [1, 2, 4]) {
      const session = await wasmDevice({ threads }).open(wasmCounting, { dims: { n: 100_003 }, entries: ['infer'] })
      for (let run = 0; run < 200; run++) await session.run('infer')
      const y = await session.read('y')
      expect(y.length).toBe(100_003)
      expect(y.findIndex((v, i) => v !== i)).toBe(-1)
      session.dispose()
    }
  })

  it.each([1, 7, 8, 9, 40])('calls kernels of %i addresses', async (addresses) => {
    for (const threads of [1, 2]) {
      const session = await wasmDevice({ threads }).open(wasmWide(addresses), { dims: { n: 1000 }, entries: ['infer'] })
      await session.run('infer')
      expect(await session.read('y')).toEqual(new Uint32Array(1000).map((_, i) => i))
      session.dispose()
    }
  })

  it('goes on when the numbers of its commands begin again', async () => {
    const session = await wasmDevice({ threads: 3 }).open(wasmCounting, { dims: { n: 2000 }, entries: ['infer'] })
    for (let run = 0; run < 2 ** 20 + 1000; run++) await session.run('infer')
    expect(await session.read('y')).toEqual(new Uint32Array(2000).map((_, i) => i))
    session.dispose()
  })

  it('lets other work have its turn between runs', async () => {
    const session = await wasmDevice({ threads: 2 }).open(wasmCounting, { dims: { n: 300_000 }, entries: ['infer'] })
    let turns = 0
    const timer = setInterval(() => turns++, 1)
    const start = performance.now()
    while (performance.now() - start < 200) await session.run('infer')
    clearInterval(timer)
    expect(turns).toBeGreaterThan(0)
    session.dispose()
  })
})

describe('uploads', () => {
  it('go where kernels read them, and not by way of the copies, while nothing runs', async () => {
    const session = await wasmDevice({ threads: 2 }).open(wasmAffine, { dims: { batch: 4 }, entries: ['step'] })
    const { memory } = setups[0]!
    // The copies come after what was copied.
    const bytes = new Int32Array(memory.buffer)[control.mirrorDistance]!
    const copies = new Uint8Array(memory.buffer, controlBytes + bytes, bytes)
    session.write('w', new Float32Array([1, 1, 1]))
    for (let run = 0; run < 3; run++) {
      session.write('x', new Float32Array(12).fill(run + 1))
      await session.run('step', { rate: 0 })
      const [row] = await session.scalars()
      expect(row!.values.loss).toBe(12 * (run + 1) ** 2)
    }
    expect(copies.every((byte) => byte === 0)).toBe(true)
    session.dispose()
  })

  it('that go by way of the copies leave alone what lies between them', async () => {
    const batch = 64 * 1024
    const small = (name: string, behind: number) =>
      ({
        name,
        role: 'input',
        arena: 1,
        offset: { terms: [[12, 'batch'], [behind]] },
        shape: [3],
        dtype: 'float',
        storage: 'f32',
      }) as const
    // Behind `x`, in the spare bytes that end its arena.
    const program = { ...wasmAffine, tensors: [...wasmAffine.tensors, small('u', 16), small('v', 64)] }
    const session = await wasmDevice({ threads: 2 }).open(program, { dims: { batch }, entries: ['step'] })
    const x = new Float32Array(3 * batch)
    for (let turn = 1; turn <= 20; turn++) {
      await session.scalars()
      session.write('u', new Float32Array(3).fill(turn))
      await session.run('step', { rate: 0 })
      // The run goes on: both of these wait in the copies, in turn from below and from above.
      const writes = [() => session.write('x', x.fill(turn)), () => session.write('v', new Float32Array(3).fill(-turn))]
      for (const write of turn % 2 ? writes : writes.reverse()) write()
      await session.run('step', { rate: 0 })
      expect(await session.read('u')).toEqual(new Float32Array(3).fill(turn))
      expect(await session.read('v')).toEqual(new Float32Array(3).fill(-turn))
      expect((await session.read('x')).every((value) => value === turn)).toBe(true)
    }
    session.dispose()
  })
})
