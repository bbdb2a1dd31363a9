/** Runs on disk: what is in the directory, going on after a kill, a lost device, and pictures of the curves. */
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { DataDescription, FieldDescription, TrainSettings } from '../../runtime/abi.ts'
import { curvesSvg } from '../../runtime/curves.ts'
import { DeviceLostError } from '../../runtime/errors.ts'
import type { Executor } from '../../runtime/executor.ts'
import { createRunDirectory, openRunDirectory } from '../../runtime/node/run-directory.ts'
import { type TrainRunOptions, trainRun } from '../../runtime/node/train-run.ts'
import { randomStream } from '../../runtime/random.ts'
import { thinnedEvents } from '../../runtime/thinned-events.ts'
import type { TrainEvent } from '../../runtime/train-event.ts'
import { type FakeExecutor, fakeExecutor, linearProgram } from './fake-executor.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'dlm-run-'))
  const random = randomStream(1, 'rows')
  const rows = Array.from({ length: 90 }, () => {
    const x = [random.normal(), random.normal(), random.normal()]
    return [...x, x[0]! - 2 * x[2]! + 1].join(',')
  })
  writeFileSync(join(directory, 'train.csv'), `a,b,c,y\n${rows.join('\n')}\n`)
  writeFileSync(join(directory, 'test.csv'), `a,b,c,y\n${rows.slice(0, 13).join('\n')}\n`)
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const csv = (name: string, path: string, columns: string[]): FieldDescription => ({
  name,
  source: { kind: 'csv', path, columns, header: true },
  stages: [],
})
const partition = (name: string, path: string) => ({
  kind: 'fields' as const,
  name,
  fields: [csv('x', path, ['a', 'b', 'c']), csv('y', path, ['y'])],
})
const data: DataDescription = {
  name: 'D',
  partitions: [
    partition('train', 'train.csv'),
    { kind: 'split', name: 'validation', from: 'train', fraction: 0.1 },
    partition('test', 'test.csv'),
  ],
}
const settings: TrainSettings = {
  batch: 8,
  epochs: 3,
  steps: undefined,
  seed: 1,
  rates: [{ kind: 'constant', rate: 0.02 }],
  checkpointEvery: 4,
}

function options(more: Partial<TrainRunOptions> = {}): TrainRunOptions {
  return {
    program: linearProgram,
    open: async ({ dims }) => fakeExecutor(dims),
    dims: { batch: 8 },
    settings,
    data,
    place: { directory, overrides: new Map() },
    directory: more.directory ?? createRunDirectory(join(directory, 'runs'), 'Linear', { some: 'settings' }),
    resume: false,
    source: 'abc',
    ...more,
  }
}
async function collect(
  run: AsyncIterable<TrainEvent>,
  until: (event: TrainEvent) => boolean = () => false,
): Promise<TrainEvent[]> {
  const events: TrainEvent[] = []
  for await (const event of run) {
    events.push(event)
    if (until(event)) break
  }
  return events
}
const read = (...path: string[]) => readFileSync(join(directory, 'runs', ...path))
/** Recorded lines, without the time of day. */
const metrics = (run: string) =>
  read(run, 'metrics.jsonl')
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => {
      const { time, ...event } = JSON.parse(line) as TrainEvent & { time: string }
      expect(Number.isNaN(Date.parse(time))).toBe(false)
      return event
    })

describe('a run', () => {
  test('leaves its configuration, metrics, curves, checkpoints and model, and is tested at its end', async () => {
    const events = await collect(trainRun(options()))
    expect(readdirSync(join(directory, 'runs', 'Linear-1')).sort()).toEqual([
      'checkpoints',
      'config.json',
      'curves.svg',
      'metrics.jsonl',
      'model.safetensors',
    ])
    expect(JSON.parse(read('Linear-1', 'config.json').toString())).toEqual({ some: 'settings' })
    expect(events.at(-1)).toMatchObject({ kind: 'test', step: 30, values: { loss: expect.any(Number) } })
    expect(metrics('Linear-1')).toEqual(events)
    expect(events.filter(({ kind }) => kind === 'step')).toHaveLength(30)
  })
  test('overfits a few batches: only those are read, and nothing else is asked', async () => {
    const events = await collect(trainRun(options({ overfitBatches: 1, settings: { ...settings, epochs: 5 } })))
    expect(events[0]).toMatchObject({ stepsPerEpoch: 1, steps: 5 })
    expect(events.some(({ kind }) => kind === 'validation' || kind === 'test')).toBe(false)
  })
  test('goes on when its metrics cannot be written, and says so once', async () => {
    const run = options()
    // Its file descriptor is gone: every write fails.
    run.directory.close()
    const events = await collect(trainRun({ ...run, directory: { ...run.directory, close: () => {} } }))
    const warnings = events.filter(({ kind }) => kind === 'warning')
    expect(warnings).toEqual([
      { kind: 'warning', step: 0, text: 'metrics cannot be written (EBADF); the run goes on without' },
    ])
    expect(events.at(-1)).toMatchObject({ kind: 'test' })
  })
  test('names are numbered, made safe for a file system, and never taken twice', () => {
    const base = join(directory, 'runs')
    const names = ['a', 'a', '../x y/..', ''].map((name) =>
      createRunDirectory(base, name, {}).path.slice(base.length + 1),
    )
    expect(names).toEqual(['a-1', 'a-2', 'x-y-1', 'run-1'])
  })
  test('a directory that is no run is refused', () => {
    expect(() => openRunDirectory(directory)).toThrow(/no `config.json`/)
    writeFileSync(join(directory, 'config.json'), '{')
    expect(() => openRunDirectory(directory)).toThrow(/not JSON/)
  })
})

describe('going on', () => {
  test('killed at any event, then resumed: the model, the metrics and the checkpoints are those of an undisturbed run', async () => {
    await collect(trainRun(options()))
    const [model, whole] = [read('Linear-1', 'model.safetensors'), metrics('Linear-1')]
    for (let at = 1; at < whole.length; at += 5) {
      const killed = options()
      let count = 0
      await collect(trainRun(killed), () => ++count === at)
      const path = killed.directory.path
      // What a kill may leave: half a line.
      appendFileSync(join(path, 'metrics.jsonl'), '{"kind":"st')
      await collect(trainRun(options({ directory: openRunDirectory(path), resume: true })))
      const name = path.slice(path.lastIndexOf('Linear'))
      expect(read(name, 'model.safetensors')).toEqual(model)
      const withoutStarts = (events: readonly TrainEvent[]) =>
        events.filter(({ kind }) => kind !== 'start').map((event) => ({ ...event, where: '', model: '' }))
      expect(withoutStarts(metrics(name))).toEqual(withoutStarts(whole))
      expect(readdirSync(join(path, 'checkpoints'))).toEqual(
        readdirSync(join(directory, 'runs', 'Linear-1', 'checkpoints')),
      )
    }
  })
  test('killed between saving a checkpoint and telling of it: the line is added', async () => {
    const run = options()
    await collect(trainRun(run), (event) => event.kind === 'checkpoint' && event.step === 10)
    const file = join(run.directory.path, 'metrics.jsonl')
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
    expect(lines.at(-1)).toMatch(/"checkpoint","step":10/)
    writeFileSync(
      file,
      lines
        .slice(0, -1)
        .map((line) => `${line}\n`)
        .join(''),
    )
    const [checkpoint] = await (await run.directory.checkpoints()).recent(1)
    const again = openRunDirectory(run.directory.path)
    again.rewind(checkpoint!.progress)
    again.close()
    const untimed = (line: string) => ({ ...JSON.parse(line), time: '' })
    expect(readFileSync(file, 'utf8').trimEnd().split('\n').map(untimed)).toEqual(lines.map(untimed))
  })
  test('a lost device is opened anew and the run goes on: the same model in the end', async () => {
    await collect(trainRun(options()))
    let opened = 0
    const losing = async ({ dims }: { dims: Readonly<Record<string, number>> }): Promise<Executor> => {
      const executor: FakeExecutor = fakeExecutor(dims)
      const limit = 7 * ++opened
      let runs = 0
      const { run } = executor
      executor.run = async (entry, values, runDims) => {
        if (opened < 3 && ++runs === limit) throw new DeviceLostError('reset')
        return run(entry, values, runDims)
      }
      return executor
    }
    const events = await collect(trainRun(options({ open: losing })))
    expect(events.filter(({ kind }) => kind === 'warning').map((event) => (event as { text: string }).text)).toEqual([
      'the device was lost (reset); going on from the last checkpoint',
      'the device was lost (reset); going on from the last checkpoint',
    ])
    expect(read('Linear-2', 'model.safetensors')).toEqual(read('Linear-1', 'model.safetensors'))
  })
  test('a device that is lost again and again at the same place is given up', async () => {
    let opened = 0
    const open = async ({ dims }: { dims: Readonly<Record<string, number>> }) => {
      opened += 1
      const executor = fakeExecutor(dims)
      executor.run = () => Promise.reject(new DeviceLostError('reset'))
      return executor
    }
    await expect(collect(trainRun(options({ open })))).rejects.toThrow(DeviceLostError)
    expect(opened).toBe(3)
  })
})

describe('curves', () => {
  test('of a long run take bounded memory and keep its course', () => {
    const events = thinnedEvents(100)
    for (let n = 1; n <= 10_000; n++) {
      events.add({ kind: 'step', step: n, epoch: 1, rate: 1, examples: 1, values: { loss: n } })
      if (n % 1000 === 0) events.add({ kind: 'epoch', step: n, epoch: n / 1000, values: {} })
    }
    const steps = events.all().filter(({ kind }) => kind === 'step')
    expect(steps.length).toBeGreaterThan(50)
    expect(steps.length).toBeLessThanOrEqual(100)
    expect(steps.every(({ step }, i) => step === 128 * (i + 1))).toBe(true)
    expect(events.all().filter(({ kind }) => kind === 'epoch')).toHaveLength(10)
  })
  test('are well-formed, whatever the names and however few the points', () => {
    const step = (n: number, values: Record<string, number>): TrainEvent => ({
      kind: 'step',
      step: n,
      epoch: 1,
      rate: 1,
      examples: 1,
      values,
    })
    for (const events of [
      [],
      [step(1, { loss: 1 })],
      [step(1, { loss: 0 }), step(2, { loss: 0 })],
      [step(1, { '<script>"&\'': -3, __proto__: 1, odd: Number.NaN })],
      [step(5, { loss: 1e30 }), step(9, { loss: 1e-30 })],
    ]) {
      const svg = curvesSvg(events)
      expect(svg).not.toMatch(/NaN|Infinity|undefined|<script/)
      const open = [...svg.matchAll(/<(\w+)[^>]*[^/]>/g)].map(([, tag]) => tag)
      const close = [...svg.matchAll(/<\/(\w+)>/g)].map(([, tag]) => tag)
      expect(open.sort()).toEqual(close.sort())
    }
  })
})
