/** Checkpoints on disk: kept, rotated, fallen back from; and torn by nothing: not by a kill, not by any failing call. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from '../../runtime/checkpoint.ts'
import { CheckpointError } from '../../runtime/checkpoint-error.ts'
import { type FileSystem, writeFileAtomically } from '../../runtime/node/atomic-file.ts'
import { checkpointDirectory, readCheckpoint } from '../../runtime/node/checkpoint-directory.ts'
import { randomStream } from '../../runtime/random.ts'
import { joinChunks, tensorOf } from '../../runtime/safetensors.ts'
import { buildModules } from './built.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'dlm-checkpoints-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

function checkpoint(step: number, size = 4): Checkpoint {
  const tensors = new Map([['w', tensorOf(new Float32Array(size).fill(step), [size])]])
  const progress = {
    seed: 1,
    batch: 2,
    step,
    epoch: 0,
    epochBatches: step,
    epochExamples: 2 * step,
    epochSums: { loss: 0.1 + step, odd: Number.NaN },
    best: { step: 1, value: 0.5 },
    stale: 0,
    owesValidation: false,
  }
  return { program: 'M', source: 'abc', tensors, progress }
}
const open = (more: { keep?: number; system?: FileSystem; onDamaged?: (error: CheckpointError) => void } = {}) =>
  checkpointDirectory(join(directory, 'checkpoints'), { model: join(directory, 'model.safetensors'), ...more })
const files = () => readdirSync(join(directory, 'checkpoints')).sort()

describe('the file', () => {
  const bytes = joinChunks(encodeCheckpoint(checkpoint(3)))
  test('holds everything, numbers that are none included', () => {
    expect(decodeCheckpoint('c', bytes)).toEqual(checkpoint(3))
  })
  test('any flipped bit is noticed', () => {
    for (let at = 0; at < bytes.length; at++) {
      const rotten = bytes.slice()
      rotten[at]! ^= 1 << (at % 8)
      expect(() => decodeCheckpoint('c', rotten), `byte ${at}`).toThrow(CheckpointError)
    }
  })
  test('cut anywhere, it is refused', () => {
    for (let length = 0; length < bytes.length; length++)
      expect(() => decodeCheckpoint('c', bytes.subarray(0, length))).toThrow(CheckpointError)
  })
})

describe('the directory', () => {
  test('keeps the last two and the best', async () => {
    const store = await open()
    for (const step of [10, 20, 30, 40]) await store.save(checkpoint(step), step === 20)
    expect(files()).toEqual(['best.safetensors', 'step-00000030.safetensors', 'step-00000040.safetensors'])
    expect((await readCheckpoint(join(directory, 'checkpoints', 'best.safetensors'))).progress.step).toBe(20)
    expect((await store.recent(5)).map(({ progress }) => progress.step)).toEqual([40, 30])
  })
  test('a damaged one is passed over for the one before, and told', async () => {
    const store = await open()
    await store.save(checkpoint(10), false)
    await store.save(checkpoint(20), false)
    truncateSync(join(directory, 'checkpoints', 'step-00000020.safetensors'), 100)
    const told: string[] = []
    const again = await open({ onDamaged: (error) => told.push(error.message) })
    expect((await again.recent(1))[0]!.progress.step).toBe(10)
    expect(told[0]).toMatch(/step-00000020.*cut short/)
    // Gone back behind it, the run replaces it by its own.
    await again.save(checkpoint(15), false)
    expect(files()).toEqual(['step-00000010.safetensors', 'step-00000015.safetensors'])
  })
  test('what a killed process left behind is removed', async () => {
    await open()
    writeFileSync(join(directory, 'checkpoints', '.step-00000010.safetensors.123-0.tmp'), 'half')
    await open()
    expect(files()).toEqual([])
  })
  test('a directory that cannot be made is an error that says so', async () => {
    writeFileSync(join(directory, 'checkpoints'), 'a file')
    await expect(open()).rejects.toThrow(/the file system says EEXIST|ENOTDIR/)
  })
})

/** The real file system, but for the k-th call, which fails; `calls` counts. */
function failing(at: number, code: string): FileSystem & { calls: number } {
  const system = { calls: 0 } as FileSystem & { calls: number }
  const step = () => {
    if (++system.calls === at) throw Object.assign(new Error(code), { code })
  }
  system.open = async (path, flags) => {
    step()
    const handle = await fs.open(path, flags)
    return {
      async write(bytes, offset, length) {
        step()
        // Half of what was asked for: a short write is no error.
        return handle.write(bytes, offset, Math.max(1, length >> 1))
      },
      async sync() {
        step()
        await handle.sync()
      },
      async close() {
        await handle.close()
        step()
      },
    }
  }
  system.rename = async (from, to) => {
    step()
    await fs.rename(from, to)
  }
  system.unlink = async (path) => {
    step()
    await fs.unlink(path)
  }
  return system
}

test('whichever call fails, the earlier checkpoint stays readable, the fault is typed, and nothing is left behind', async () => {
  const store = await open()
  await store.save(checkpoint(10), false)
  const probe = failing(0, '')
  await (await open({ system: probe })).save(checkpoint(20), true)
  const total = probe.calls
  expect(total).toBeGreaterThan(20)
  for (const code of ['ENOSPC', 'EIO', 'EROFS', 'EMFILE']) {
    for (let at = 1; at <= total; at++) {
      rmSync(join(directory, 'checkpoints'), { recursive: true })
      await (await open()).save(checkpoint(10), false)
      const broken = await open({ system: failing(at, code) })
      const failure = await broken.save(checkpoint(20), true).catch((error: unknown) => error)
      expect(failure, `call ${at}`).toBeInstanceOf(CheckpointError)
      expect(failure).toMatchObject({ systemCode: code })
      const steps = (await (await open()).recent(2)).map(({ progress }) => progress.step)
      expect([[10], [20, 10]], `call ${at}`).toContainEqual(steps)
      expect(files().filter((name) => name.endsWith('.tmp'))).toEqual([])
    }
  }
})

test('a device that is full', async () => {
  await expect(writeFileAtomically('/dev/full/x', 'text')).rejects.toThrow()
  const full = await fs.open('/dev/full', 'w')
  const system: FileSystem = { ...fs, open: async (path, flags) => (flags === 'wx' ? full : fs.open(path, flags)) }
  await expect(writeFileAtomically(join(directory, 'x'), new Uint8Array(1 << 20), system)).rejects.toThrow(/ENOSPC/)
  expect(readdirSync(directory)).toEqual([])
})

describe('killed while writing', () => {
  const built = buildModules('runtime/node/checkpoint-directory.ts')
  afterAll(built.remove)

  /** A process that saves without end; resolves when it was killed. */
  function saveUntilKilled(after: number): Promise<void> {
    const text = `
      const { checkpointDirectory } = await import(${JSON.stringify(built.url('runtime/node/checkpoint-directory.ts'))})
      const store = await checkpointDirectory(${JSON.stringify(join(directory, 'checkpoints'))}, { model: 'model' })
      const [last] = await store.recent(1)
      process.stdout.write('ready')
      for (let step = (last?.progress.step ?? 0) + 1; ; step++) {
        const bytes = new Uint8Array(new Float32Array(200_000).fill(step).buffer)
        const progress = { seed: 1, batch: 2, step, epoch: 0, epochBatches: 0, epochExamples: 0, epochSums: {}, stale: 0, owesValidation: false }
        await store.save({ program: 'M', source: '', tensors: new Map([['w', { dtype: 'F32', shape: [200_000], bytes }]]), progress }, step % 3 === 0)
      }`
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', text], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      child.stdout.once('data', () => setTimeout(() => child.kill('SIGKILL'), after))
      child.on('exit', (_, signal) => (signal === 'SIGKILL' ? resolve() : reject(new Error('it ended by itself'))))
    })
  }

  test('at random moments: what is there can be read, and never goes back', async () => {
    const random = randomStream(11, 'kills')
    const kills = Number(process.env['DLM_KILLS'] ?? 40)
    let before = 0
    let longest = 60
    for (let kill = 0; kill < kills; kill++) {
      await saveUntilKilled(random.below(longest))
      // Every file under its real name is whole; not only the newest.
      for (const name of files().filter((name) => name.endsWith('.safetensors'))) {
        const { progress, tensors } = decodeCheckpoint(
          name,
          new Uint8Array(readFileSync(join(directory, 'checkpoints', name))),
        )
        expect(new Float32Array(tensors.get('w')!.bytes.slice().buffer).every((value) => value === progress.step)).toBe(
          true,
        )
      }
      const [newest] = await (await open()).recent(1)
      const step = newest?.progress.step ?? 0
      expect(step).toBeGreaterThanOrEqual(before)
      // Where a busy machine did not come to save anything, the next may live longer.
      if (step === before) longest = Math.min(2000, Math.ceil(1.5 * longest))
      before = step
    }
    expect(before).toBeGreaterThan(kills / 4)
  })
})
