/** The trainer on a compiled network and a real session: the same bits twice, and after every way of going on; memory stays flat. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compile } from '../../compiler/pipeline.ts'
import type { CompiledProgram, TrainSettings } from '../../runtime/abi.ts'
import { trainingSession, wantedFields } from '../../runtime/batch-dims.ts'
import { type Checkpoint, type CheckpointStore, memoryStore } from '../../runtime/checkpoint.ts'
import { datasetBatches } from '../../runtime/data/batches.ts'
import { makeDataset, splitDataset } from '../../runtime/data/dataset.ts'
import { makeField } from '../../runtime/data/make-field.ts'
import type { Device, GpuDevice } from '../../runtime/device.ts'
import { providePlatform } from '../../runtime/node/platform.ts'
import { randomStream } from '../../runtime/random.ts'
import { joinChunks } from '../../runtime/safetensors.ts'
import type { TrainEvent } from '../../runtime/train-event.ts'
import { train } from '../../runtime/trainer.ts'
import { wasmDevice } from '../../runtime/wasm/device.ts'
import { freshDevice } from './open.ts'
import { train as description, smallNetwork } from './small-network.ts'

const compiledFor = (target: 'cpu-class' | 'wasm') =>
  compile(smallNetwork, { model: 'Small', entries: ['step', 'evaluate'], train: description, target }).program
const program = compiledFor('cpu-class')
const batch = 8
const dims = { batch }
const wanted = wantedFields(program, dims)

const random = randomStream(3, 'examples')
const examples = 70
const columns = wanted.map(({ name, shape, dtype }) => {
  const count = examples * shape.reduce((a, b) => a * b, 1)
  const array =
    dtype === 'float'
      ? Float64Array.from({ length: count }, random.normal)
      : Int32Array.from({ length: count }, () => random.below(3))
  return makeField(name, { file: 'f', examples, shape, values: { kind: 'host', array } }, [])
})
const { rest, part } = splitDataset(makeDataset('D.train', columns), 'D.validation', 0.15)
const settings: TrainSettings = {
  batch,
  epochs: 3,
  steps: undefined,
  seed: 7,
  rates: [
    { kind: 'cosine', peak: 0.1, floor: 0, steps: 21, warmup: 3 },
    { kind: 'constant', rate: 0.01 },
  ],
  checkpointEvery: 1,
}

providePlatform()
let gpu: GpuDevice
beforeAll(async () => {
  gpu = await freshDevice()
})
afterAll(() => gpu.dispose())

interface Place {
  readonly program: CompiledProgram
  readonly device: Device
}
const places: Readonly<Record<string, () => Place>> = {
  'the adapter': () => ({ program, device: gpu }),
  'the processor': () => ({ program: compiledFor('wasm'), device: wasmDevice({ threads: 2 }) }),
}

async function run({ program, device }: Place, resume?: Checkpoint, store: CheckpointStore = memoryStore()) {
  const validation = datasetBatches(part, wanted, { batch, dropLast: false })
  const executor = await device.open(program, trainingSession(program, dims, [validation]))
  const source = datasetBatches(rest, wanted, { batch, shuffle: { seed: 7 }, dropLast: true })
  const events: TrainEvent[] = []
  for await (const event of train({ executor, settings, train: source, validation, store, source: '', resume }))
    events.push(event)
  executor.dispose()
  return events
}

test.each(Object.keys(places))(
  'on %s, two runs of one seed have the same bits; a run gone on with from any of its checkpoints too',
  async (name) => {
    const place = places[name]!()
    const saved: Checkpoint[] = []
    const models: Uint8Array[] = []
    const keeping = (): CheckpointStore & { model: () => Uint8Array[] | undefined } => {
      const store = memoryStore()
      return {
        ...store,
        save: async (checkpoint, best) => {
          saved.push(checkpoint)
          return store.save(checkpoint, best)
        },
      }
    }
    const first = keeping()
    const events = await run(place, undefined, first)
    const model = joinChunks(first.model()!)
    expect(part.examples % batch).not.toBe(0)
    expect(events.filter(({ kind }) => kind === 'step')).toHaveLength(21)
    expect(events.at(-1)).toMatchObject({ kind: 'finish', reason: 'complete' })

    const second = memoryStore()
    expect(await run(place, undefined, second)).toEqual(events)
    expect(joinChunks(second.model()!)).toEqual(model)
    for (const checkpoint of [...saved].filter((_, i) => i % 3 === 0)) {
      const store = memoryStore()
      await run(place, checkpoint, store)
      models.push(joinChunks(store.model()!))
    }
    expect(models.length).toBeGreaterThan(5)
    for (const other of models) expect(other).toEqual(model)
  },
)
