/** The trainer against an executor in plain JavaScript: what it tells, in which order, and that a resumed run computes the same bits. */
import { describe, expect, test } from 'vitest'
import type { TrainSettings } from '../../runtime/abi.ts'
import { trainingSession, wantedFields } from '../../runtime/batch-dims.ts'
import { type Checkpoint, type CheckpointStore, memoryStore } from '../../runtime/checkpoint.ts'
import { CheckpointError } from '../../runtime/checkpoint-error.ts'
import { type BatchSource, datasetBatches } from '../../runtime/data/batches.ts'
import { type Dataset, makeDataset, splitDataset } from '../../runtime/data/dataset.ts'
import { makeField } from '../../runtime/data/make-field.ts'
import { givenBatches } from '../../runtime/data/stream-batches.ts'
import { DeviceLostError, NotANumberError } from '../../runtime/errors.ts'
import { randomStream } from '../../runtime/random.ts'
import { joinChunks, parseSafetensors, tensorOf } from '../../runtime/safetensors.ts'
import type { TrainEvent } from '../../runtime/train-event.ts'
import { type TrainOptions, train } from '../../runtime/trainer.ts'
import { averageWeights } from '../../runtime/variables.ts'
import { type FakeExecutor, fakeExecutor, features, linearProgram } from './fake-executor.ts'

const batch = 8

function dataset(examples: number): Dataset {
  const random = randomStream(9, 'data')
  const x = Float64Array.from({ length: examples * features }, random.normal)
  const y = Float64Array.from(
    { length: examples },
    (_, i) => 2 * x[i * features]! - x[i * features + 1]! + 0.5 + 0.01 * random.normal(),
  )
  const column = (array: Float64Array, shape: number[]) => ({
    file: 'f',
    examples,
    shape,
    values: { kind: 'host' as const, array },
  })
  return makeDataset('D.train', [makeField('x', column(x, [features]), []), makeField('y', column(y, []), [])])
}
const { rest, part } = splitDataset(dataset(100), 'D.validation', 0.11)
const wanted = wantedFields(linearProgram, { batch })
const trainSource = (seed = 1): BatchSource =>
  datasetBatches(rest, wanted, { batch, shuffle: { seed }, dropLast: true })
const validationSource = (): BatchSource => datasetBatches(part, wanted, { batch, dropLast: false })
const settings: TrainSettings = {
  batch,
  epochs: 4,
  steps: undefined,
  seed: 1,
  rates: [{ kind: 'cosine', peak: 0.05, floor: 0, steps: 44, warmup: 4 }],
}

interface Run {
  readonly events: TrainEvent[]
  readonly executor: FakeExecutor
  readonly store: ReturnType<typeof memoryStore>
}

/** Runs to the end, or until `stop` says so of an event. */
async function run(more: Partial<TrainOptions> = {}, stop: (event: TrainEvent) => boolean = () => false): Promise<Run> {
  const executor = (more.executor as FakeExecutor | undefined) ?? fakeExecutor({ batch })
  const store = (more.store as ReturnType<typeof memoryStore> | undefined) ?? memoryStore()
  const events: TrainEvent[] = []
  for await (const event of train({
    executor,
    settings,
    train: trainSource(),
    validation: validationSource(),
    store,
    source: 'abc',
    ...more,
  })) {
    events.push(event)
    if (stop(event)) break
  }
  return { events, executor, store }
}
const weights = (executor: FakeExecutor) =>
  Promise.all(['layer.weight', 'layer.bias', 'count', 'moment.velocity.0'].map((name) => executor.read(name)))
const kinds = (events: readonly TrainEvent[]) =>
  events.filter(({ kind }) => kind !== 'step').map((event) => `${event.kind} ${event.step}`)

describe('a whole run', () => {
  test('tells its events in order, counts every step once, and learns', async () => {
    const { events, store } = await run()
    const starts = { kind: 'start', step: 0, steps: 44, epochs: 4, stepsPerEpoch: 11 }
    expect(events[0]).toEqual(starts)
    const steps = events.filter((event) => event.kind === 'step')
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 44 }, (_, i) => i + 1))
    expect(steps[0]).toMatchObject({ epoch: 1, rate: 0.0125, examples: 8 })
    expect(steps[43]).toMatchObject({ epoch: 4, rate: 0 })
    expect(kinds(events)).toEqual([
      'start 0',
      ...[11, 22, 33, 44].flatMap((step) => [`epoch ${step}`, `validation ${step}`, `checkpoint ${step}`]),
      'finish 44',
    ])
    const validations = events.filter((event) => event.kind === 'validation')
    expect(validations.at(-1)!.values['loss']).toBeLessThan(validations[0]!.values['loss']! / 5)
    expect(events.at(-1)).toMatchObject({
      reason: 'complete',
      best: { step: validations.findLast(({ best }) => best)!.step },
    })
    const model = parseSafetensors('model', joinChunks(store.model()!))
    expect([...model.tensors.keys()]).toEqual(['layer.weight', 'layer.bias', 'count'])
    expect(model.metadata.get('program')).toBe('Linear')
  })
  test('the same seed gives the same bits twice, another seed others', async () => {
    const [first, second] = [await run(), await run()]
    expect(await weights(first.executor)).toEqual(await weights(second.executor))
    expect(second.events).toEqual(first.events)
    const other = await run({ settings: { ...settings, seed: 2 }, train: trainSource(2) })
    expect(await weights(other.executor)).not.toEqual(await weights(first.executor))
  })
  test('the means of validation weigh the last, smaller batch by its examples', async () => {
    const { events, executor } = await run()
    const last = events.findLast((event) => event.kind === 'validation')!
    let sum = 0
    for await (const { fields, examples } of validationSource().epoch(0, 0)) {
      for (const [name, data] of fields) executor.write(name, data)
      await executor.run('evaluate', {}, { batch: examples })
      sum += (await executor.scalars())[0]!.values['loss']! * examples
    }
    expect(part.examples % batch).toBe(3)
    expect(last.values['loss']).toBe(sum / part.examples)
  })
  test('reading losses back never makes a step wait: steps go on between the question and the answer', async () => {
    const { executor } = await run({ settings: { ...settings, epochs: 1 }, validation: undefined })
    const asked = executor.calls.indexOf('scalars')
    expect(asked).toBeGreaterThan(0)
    expect(executor.calls.slice(asked + 1, asked + 3)).toEqual(['write x', 'write y'])
  })
  test('a number of steps instead of epochs, validation every few', async () => {
    const { events } = await run({ settings: { ...settings, epochs: undefined, steps: 25, validateEvery: 10 } })
    expect(kinds(events)).toEqual([
      'start 0',
      'validation 10',
      'checkpoint 10',
      'epoch 11',
      'validation 20',
      'checkpoint 20',
      'epoch 22',
      'validation 25',
      'checkpoint 25',
      'finish 25',
    ])
  })
  test('stops early when validation does not improve', async () => {
    const { events } = await run({
      settings: { ...settings, epochs: 100, rates: [{ kind: 'constant', rate: 0 }], patience: 2 },
    })
    expect(events.at(-1)).toMatchObject({ kind: 'finish', reason: 'early', step: 33, best: { step: 11 } })
  })
  test('averages the last checkpoints and validates the average', async () => {
    const { events, store } = await run({ store: memoryStore(3), settings: { ...settings, averageLast: 3 } })
    const recent = await store.recent(3)
    expect(recent.map(({ progress }) => progress.step)).toEqual([44, 33, 22])
    const expected = averageWeights(recent.map(({ tensors }) => tensors)).get('layer.weight')!
    expect(parseSafetensors('m', joinChunks(store.model()!)).tensors.get('layer.weight')).toEqual(expected)
    expect(events.at(-2)).toMatchObject({ kind: 'validation', averaged: true, best: false })
  })
  test('starts from loaded weights, but for the exceptions; a file that does not fit changes nothing', async () => {
    const tensors = new Map([
      ['layer.weight', tensorOf(Float32Array.of(1, 2, 3), [3])],
      ['count', tensorOf(Float32Array.of(0), [1])],
    ])
    const none = { ...settings, epochs: undefined, steps: 0 }
    const { executor } = await run({
      settings: none,
      load: { file: 'w', tensors, except: (path) => path === 'layer.bias' },
    })
    expect(await executor.read('layer.weight')).toEqual(Float32Array.of(1, 2, 3))
    await expect(run({ settings: none, load: { file: 'w', tensors } })).rejects.toThrow(/no tensor `layer.bias`/)
    tensors.set('layer.bias', tensorOf(Float32Array.of(0, 0), [2]))
    await expect(run({ settings: none, load: { file: 'w', tensors } })).rejects.toThrow(
      /shape \[2\], and the program’s is \[1\]/,
    )
    tensors.set('layer.bias', tensorOf(Int32Array.of(0), [1]))
    await expect(run({ settings: none, load: { file: 'w', tensors } })).rejects.toThrow(
      /is I32, and the program’s is float/,
    )
  })
})

describe('going on from a checkpoint', () => {
  const often: TrainSettings = { ...settings, checkpointEvery: 1, validateEvery: 7, patience: 50 }
  test('from every step of a run, the rest has the same bits and tells the same events', async () => {
    const saved: Checkpoint[] = []
    const keeping: CheckpointStore = { ...memoryStore(), save: async (checkpoint) => `${saved.push(checkpoint)}` }
    const whole = await run({ settings: often, store: keeping as Run['store'] })
    expect(saved.length).toBe(44)
    const told = (events: readonly TrainEvent[]) =>
      events.filter(({ kind }) => kind !== 'start' && kind !== 'checkpoint')
    for (const checkpoint of saved) {
      const { step } = checkpoint.progress
      const resumed = await run({ settings: often, resume: checkpoint })
      expect(await weights(resumed.executor)).toEqual(await weights(whole.executor))
      const after = whole.events.findIndex((event) => event.kind === 'checkpoint' && event.step === step)
      expect(told(resumed.events).filter(({ kind }) => kind !== 'finish')).toEqual(
        told(whole.events.slice(after)).filter(({ kind }) => kind !== 'finish'),
      )
    }
  })
  test('through the bytes of a file', async () => {
    const store = memoryStore()
    await run({ settings: often, store }, (event) => event.kind === 'checkpoint' && event.step === 17)
    const [checkpoint] = await store.recent(1)
    expect(checkpoint!.progress).toMatchObject({ step: 17, epoch: 1, epochBatches: 6 })
    const resumed = await run({ settings: often, resume: checkpoint! })
    expect(await weights(resumed.executor)).toEqual(await weights((await run({ settings: often })).executor))
  })
  test('interrupted at any event, then resumed: the same bits', async () => {
    const whole = await run({ settings: often })
    for (let at = 1; at < 60; at += 4) {
      const controller = new AbortController()
      const store = memoryStore()
      let count = 0
      const events: TrainEvent[] = []
      for await (const event of train({
        executor: fakeExecutor({ batch }),
        settings: often,
        train: trainSource(),
        validation: validationSource(),
        store,
        source: 'abc',
        signal: controller.signal,
      })) {
        events.push(event)
        if (++count === at) controller.abort()
      }
      expect(events.at(-1)).toMatchObject({ kind: 'finish', reason: 'interrupted' })
      const [checkpoint] = await store.recent(1)
      const resumed = await run({ settings: often, ...(checkpoint && { resume: checkpoint }) })
      expect(await weights(resumed.executor)).toEqual(await weights(whole.executor))
      const best = (run: Run) => run.events.at(-1)!.kind === 'finish' && (run.events.at(-1) as { best: unknown }).best
      expect(best(resumed)).toEqual(best(whole))
    }
  })
  test('with another seed, batch or model it is refused', async () => {
    const store = memoryStore()
    await run({ store })
    const [resume] = await store.recent(1)
    await expect(run({ resume: resume!, settings: { ...settings, seed: 5 } })).rejects.toThrow(
      /saved with seed 1, and the run has 5/,
    )
    await expect(run({ resume: resume!, settings: { ...settings, batch: 4 } })).rejects.toThrow(/with batch 8/)
    await expect(run({ resume: { ...resume!, program: 'Other' } })).rejects.toThrow(/the model Other/)
    const changed = await run({ resume: resume!, source: 'other' })
    expect(changed.events[1]).toMatchObject({ kind: 'warning', text: expect.stringContaining('text has changed') })
  })
})

describe('when something goes wrong', () => {
  test.each([Number.NaN, Infinity, -Infinity])(
    'a loss of %d ends the run, names its step, and nothing is saved after it',
    async (value) => {
      const executor = fakeExecutor({ batch })
      executor.spoil = { step: 30, value }
      const store = memoryStore()
      const failure = await run({ executor, store }).catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(NotANumberError)
      expect(failure).toMatchObject({ step: 30, message: expect.stringContaining('at step 30') })
      expect((await store.recent(1))[0]!.progress.step).toBe(22)
    },
  )
  test('a metric may be undefined; what only a step gives, as the norm of its gradients, may not', async () => {
    const giving = (name: string) => {
      const executor = fakeExecutor({ batch })
      const { scalars } = executor
      executor.scalars = async () =>
        (await scalars()).map((row) => ({ ...row, values: { ...row.values, [name]: Number.NaN } }))
      return run({ executor })
    }
    expect((await giving('error')).events.at(-1)).toMatchObject({ reason: 'complete' })
    await expect(giving('gradient_norm')).rejects.toThrow(/gradient_norm is NaN at step 1/)
  })
  test('parameters that are no numbers are not saved, though the loss is one', async () => {
    const executor = fakeExecutor({ batch })
    const read = executor.read
    executor.read = async (name) => (name === 'layer.bias' ? Float32Array.of(Number.NaN) : read(name))
    const store = memoryStore()
    await expect(run({ executor, store })).rejects.toThrow(/an element of layer.bias is NaN at step 11/)
    expect(await store.recent(1)).toEqual([])
  })
  test('a lost device ends the run', async () => {
    const executor = fakeExecutor({ batch })
    const events: TrainEvent[] = []
    const losing = run({ executor }, (event) => {
      events.push(event)
      if (event.kind === 'epoch') executor.lose('reset')
      return false
    })
    await expect(losing).rejects.toThrow(DeviceLostError)
    expect(events.at(-1)!.step).toBeLessThan(22)
  })
  test('data that fails in the middle loses nothing: the run can go on from there', async () => {
    const source = trainSource()
    let reads = 0
    const failing: BatchSource = {
      ...source,
      async *epoch(epoch, skip) {
        for await (const one of source.epoch(epoch, skip)) {
          if (++reads === 16) throw new Error('torn cable')
          yield one
        }
      },
    }
    const store = memoryStore()
    await expect(run({ train: failing, store })).rejects.toThrow('torn cable')
    const [resume] = await store.recent(1)
    expect(resume!.progress.step).toBe(15)
    const resumed = await run({ resume: resume! })
    expect(await weights(resumed.executor)).toEqual(await weights((await run()).executor))
  })
  test('a full disk is told and the run goes on; only at the end is it an error', async () => {
    const store = memoryStore()
    let failures = 2
    const save: CheckpointStore['save'] = async (checkpoint, best) => {
      if (failures-- > 0) throw new CheckpointError('step', 'the file system says ENOSPC', { systemCode: 'ENOSPC' })
      return store.save(checkpoint, best)
    }
    const { events } = await run({ store: { ...store, save } as Run['store'] })
    expect(kinds(events).filter((line) => /warning|checkpoint|finish/.test(line))).toEqual([
      'warning 11',
      'warning 22',
      'checkpoint 33',
      'checkpoint 44',
      'finish 44',
    ])
    failures = 100
    await expect(run({ store: { ...store, save } as Run['store'] })).rejects.toThrow(/ENOSPC/)
  })
  test('a source without batches is named', async () => {
    await expect(
      run({ train: givenBatches('nothing', () => [], wanted), settings: { ...settings, epochs: 1 } }),
    ).rejects.toThrow(/`nothing` gave no batch/)
  })
})

test('streams of unknown length: epochs end where the stream does', async () => {
  const known = trainSource()
  const stream: BatchSource = { ...known, examples: undefined, batchesPerEpoch: undefined }
  const { events, executor } = await run({
    train: stream,
    settings: { ...settings, rates: [{ kind: 'constant', rate: 0.01 }] },
  })
  expect(events[0]).toMatchObject({ steps: undefined, stepsPerEpoch: undefined })
  expect(events.at(-1)).toMatchObject({ step: 44, reason: 'complete' })
  const same = await run({ settings: { ...settings, rates: [{ kind: 'constant', rate: 0.01 }] } })
  expect(await weights(executor)).toEqual(await weights(same.executor))
})

test('the session that training needs: entries, and the size of the last batch of an evaluation', () => {
  expect(
    trainingSession(linearProgram, { batch }, [validationSource(), { examples: 16 }, { examples: undefined }]),
  ).toEqual({
    dims: { batch },
    entries: ['step', 'evaluate'],
    variants: [{ entry: 'evaluate', dims: { batch: 3 } }],
  })
})
