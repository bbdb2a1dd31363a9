/** A generated module's program → a trainer: `step` by `step`, or `fit` over batches, on the same session as `dlmc train`. */
import { batchDimOf, batchSlots } from './batch-dims.ts'
import { collectScalars } from './collector.ts'
import { weightedMeans } from './means.ts'
import { dimsOf, variantFor, writeInputs } from './model.ts'
import { recordBatches, recordsOf } from './model-batches.ts'
import type {
  Batches,
  FitOptions,
  ModelSpec,
  OpenTrainerOptions,
  TensorRecord,
  Trainer,
  TrainStep,
} from './model-spec.ts'
import { defaultDevice } from './platform.ts'
import { serial } from './readback.ts'
import { schedule } from './schedule.ts'
import { elements } from './size.ts'
import { stepValues } from './step-values.ts'
import { initialize, readState, variablesOf } from './variables.ts'
import { loadInto, saveTensors, weightsOfSession } from './weights.ts'

/** What a run was for, and who waits for its scalars. */
interface Enqueued {
  readonly step: number
  readonly arrived: (values: ReadonlyMap<string, number>) => void
}

export async function openTrainer<B, M, S, P extends string>(
  spec: ModelSpec,
  options: OpenTrainerOptions,
): Promise<Trainer<B, M, S, P>> {
  const device = options.device ?? (await defaultDevice(spec.wasm))
  const { program } = variantFor(spec, device)
  const dims = dimsOf(program, options, spec.training?.dims)
  const columns = batchSlots(program).map(({ name, shape }) => ({ name, each: elements(shape.slice(1), dims) }))
  // A model that can be trained has an input.
  const first = columns[0]!
  const examplesOf = (record: unknown) => ((record as TensorRecord | undefined)?.[first.name]?.length ?? 0) / first.each
  const name = batchDimOf(program)
  const batchSize = dims[name]!
  const partial = examplesOf(options.validation) % batchSize || batchSize
  const partialDims = { ...dims, [name]: partial }
  const executor = await device.open(program, {
    dims,
    entries: ['step', 'evaluate'],
    variants: partial === batchSize ? [] : [{ entry: 'evaluate', dims: partialDims }],
    ...(options.onProgress && { onProgress: options.onProgress }),
  })
  const training = spec.training!
  const seed = options.seed ?? training.seed
  const given = options.rate
  const rates = training.rates.map((description, group) =>
    given ? (step: number) => given(step, group) : schedule(description),
  )
  const fields = columns.map(({ name }) => name)
  const inTurn = serial()
  const held = variablesOf(program)
  let steps = 0
  initialize(executor, seed)

  // One for the session: whoever fetches scalars fetches everybody's.
  const collect = () => collectScalars<Enqueued>(executor, 10, ({ step }) => step)
  let collector = collect()
  const hand = (collected: ReturnType<typeof collector.take>) => {
    for (const { what, values } of collected) what.arrived(values)
  }
  const settle = () => inTurn(async () => hand(await collector.flush()))

  const enqueue = (
    entry: 'step' | 'evaluate',
    batch: unknown,
    arrived: (step: number) => Enqueued['arrived'],
    examples = batchSize,
  ) =>
    inTurn(async () => {
      const batchDims = examples === batchSize ? undefined : partialDims
      writeInputs(executor, fields, batch, batchDims)
      const step = entry === 'step' ? steps + 1 : steps
      const values = entry === 'step' ? stepValues(program.stepBlock, seed, step, rates) : {}
      const ticket = await executor.run(entry, values, batchDims)
      steps = step
      collector.add(ticket, { step, arrived: arrived(step) })
      hand(collector.take())
    })

  async function* fit(batches: Batches<B>, { epochs = 1, steps: most = Infinity, signal }: FitOptions = {}) {
    const last = steps + most
    let arrived: TrainStep<S>[] = []
    const take = () => {
      const taken = arrived
      arrived = []
      return taken
    }
    const ended = () => signal?.aborted || steps >= last
    for (let epoch = 1; epoch <= epochs && !ended(); epoch++)
      for await (const batch of recordsOf(batches, epoch - 1)) {
        if (ended()) break
        await enqueue('step', batch, (step) => (values) => {
          arrived.push({
            step,
            epoch,
            rate: rates[0]?.(step) ?? 0,
            loss: values.get('loss')!,
            metrics: Object.fromEntries(values) as S,
          })
        })
        yield* take()
      }
    await settle()
    yield* take()
  }

  async function validate(batches: Batches<B>, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<M> {
    const means = weightedMeans()
    for await (const batch of recordsOf(batches, 0)) {
      if (signal?.aborted) break
      // Only a batch of the prepared size may be smaller; any other length is refused as it is written.
      const examples = examplesOf(batch) === partial ? partial : batchSize
      await enqueue('evaluate', batch, () => (values) => means.add(values, examples), examples)
    }
    await settle()
    return means.means() as M
  }

  return {
    ...weightsOfSession<P>(executor, held),
    seed,
    get steps() {
      return steps
    },
    async step(batch) {
      let metrics: S | undefined
      for await (const done of fit([batch])) metrics = done.metrics
      return metrics!
    },
    fit,
    evaluate: (batch) => validate([batch]),
    validate,
    batches(examples, { shuffle } = {}) {
      const name = shuffle === true ? '' : `/${shuffle}`
      return recordBatches(examples, columns, batchSize, partial, shuffle ? { name, seed } : undefined)
    },
    load: (source, how = {}) =>
      inTurn(async () => {
        const metadata = await loadInto(executor, held, source, how, true)
        steps = Number(metadata.get('step') ?? 0)
        // What was not a number before the load is of no matter now.
        collector = collect()
        return metadata
      }),
    save: (path, more = {}) =>
      inTurn(() =>
        saveTensors(
          () => readState(executor),
          spec,
          Object.entries({ seed: String(seed), step: String(steps), ...more }),
          path,
        ),
      ),
  }
}
