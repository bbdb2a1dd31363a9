/**
 * A compiled program, its data and settings → a run on disk: opens the data and a session, trains, records every event in the
 * run's directory, tests at the end. A lost device is opened anew and the run goes on from its last checkpoint.
 */
import type { CompiledProgram, DataDescription, DimValues, TrainSettings } from '../abi.ts'
import { trainingSession, wantedFields } from '../batch-dims.ts'
import type { Checkpoint } from '../checkpoint.ts'
import type { CheckpointError } from '../checkpoint-error.ts'
import type { BatchSource } from '../data/batches.ts'
import { DataError } from '../data/data-error.ts'
import { type Dataset, firstExamples } from '../data/dataset.ts'
import { DeviceLostError } from '../errors.ts'
import { evaluate } from '../evaluate.ts'
import type { Executor, OpenOptions } from '../executor.ts'
import type { TrainEvent } from '../train-event.ts'
import { type LoadedWeights, train } from '../trainer.ts'
import type { DataPlace } from './data-path.ts'
import { openData } from './open-data.ts'
import type { RunDirectory } from './run-directory.ts'
import { nodeBatches } from './worker-batches.ts'

export interface TrainRunOptions {
  readonly program: CompiledProgram
  /** Opens a session, on a device found anew: it is called again when the device was lost. */
  readonly open: (options: OpenOptions) => Promise<Executor>
  readonly dims: DimValues
  readonly settings: TrainSettings
  readonly data: DataDescription
  readonly place: DataPlace
  readonly directory: RunDirectory
  /** Goes on from the directory's newest readable checkpoint, or from the start where there is none. */
  readonly resume: boolean
  /** Hash of the program's text. */
  readonly source: string
  readonly load?: LoadedWeights | undefined
  /** Trains on the first so many batches only, again and again, in order: a model that cannot learn them has a fault. */
  readonly overfitBatches?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Told of each pipeline as it is compiled. */
  readonly onProgress?: OpenOptions['onProgress']
}

/** Losing a device once may be chance; a program that loses it time after time does so by itself. */
const attempts = 3

export async function* trainRun(options: TrainRunOptions): AsyncGenerator<TrainEvent, void, void> {
  const { directory } = options
  const sources = await openSources(options)
  const damaged: CheckpointError[] = []
  const store = await directory.checkpoints({
    keep: options.settings.averageLast,
    onDamaged: (error) => damaged.push(error),
  })
  const record = function* (event: TrainEvent): Generator<TrainEvent> {
    const text = directory.record(event)
    yield event
    if (text !== undefined) yield { kind: 'warning', step: event.step, text }
  }
  try {
    let lostAt = -1
    let losses = 0
    for (let first = true; ; first = false) {
      const [resume] = options.resume || !first ? await store.recent(1) : []
      if (options.resume || !first) directory.rewind(resume?.progress)
      for (const error of damaged.splice(0))
        yield* record({ kind: 'warning', step: resume?.progress.step ?? 0, text: error.problem })
      let step = resume?.progress.step ?? 0
      try {
        for await (const event of session(options, sources, store, resume)) {
          step = event.step
          yield* record(event)
        }
        return
      } catch (error) {
        if (!(error instanceof DeviceLostError)) throw error
        losses = step > lostAt ? 1 : losses + 1
        lostAt = Math.max(lostAt, step)
        if (losses >= attempts) throw error
        yield* record({ kind: 'warning', step, text: `${error.problem}; going on from the last checkpoint` })
        await new Promise((resolve) => setTimeout(resolve, 500 * losses))
      }
    }
  } finally {
    await Promise.all(Object.values(sources).map((source) => source?.close?.()))
    directory.close()
  }
}

interface Sources {
  readonly train: BatchSource
  readonly validation: BatchSource | undefined
  readonly test: BatchSource | undefined
}

async function openSources({
  program,
  dims,
  settings,
  data,
  place,
  overfitBatches,
}: TrainRunOptions): Promise<Sources> {
  const partitions = await openData(data, place)
  const trainData = partitions.get('train')
  if (trainData === undefined) {
    throw new DataError({
      problem: `\`${data.name}\` has no partition \`train\``,
      fix: `add \`train { … }\`; it has ${[...partitions.keys()].join(', ') || 'none'}`,
    })
  }
  const wanted = wantedFields(program, dims)
  const { batch } = settings
  const evaluated = (dataset: Dataset | undefined) =>
    dataset && nodeBatches(dataset, wanted, { batch, dropLast: false })
  const few = overfitBatches === undefined ? undefined : firstExamples(trainData, overfitBatches * batch)
  return {
    train: few
      ? nodeBatches(few, wanted, { batch, dropLast: true })
      : nodeBatches(trainData, wanted, { batch, shuffle: { seed: settings.seed }, dropLast: true }),
    validation: few ? undefined : evaluated(partitions.get('validation')),
    test: few ? undefined : evaluated(partitions.get('test')),
  }
}

/** One session's life: until the end of the run, an interruption, or a fault. */
async function* session(
  options: TrainRunOptions,
  { train: source, validation, test }: Sources,
  store: Awaited<ReturnType<RunDirectory['checkpoints']>>,
  resume: Checkpoint | undefined,
): AsyncGenerator<TrainEvent> {
  const { program, dims, settings, signal, onProgress } = options
  const evaluated = [validation, test].filter((one) => one !== undefined)
  const executor = await options.open({
    ...trainingSession(program, dims, evaluated, source),
    ...(onProgress && { onProgress }),
  })
  try {
    for await (const event of train({
      executor,
      settings,
      train: source,
      validation,
      store,
      source: options.source,
      resume,
      load: options.load,
      signal,
    })) {
      yield event
      if (event.kind === 'finish' && event.reason !== 'interrupted' && test) {
        const values = await evaluate(executor, test, { step: event.step, signal })
        if (!signal?.aborted) yield { kind: 'test', step: event.step, values }
      }
    }
  } finally {
    executor.dispose()
  }
}
