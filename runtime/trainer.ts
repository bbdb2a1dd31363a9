/**
 * A session, settings and batches → a trained model, told as a sequence of events. One step is: write the batch, write the
 * step block, enqueue. Losses come back some steps later; the device is waited for only before it is asked for its state
 * (a validation, a checkpoint, the end).
 *
 * A run is a function of (program, settings, data) alone: it can stop after any checkpoint and go on from it in another
 * process, and computes the same bits as one that never stopped.
 */
import type { TrainSettings } from './abi.ts'
import { givesCarryNorms, readCarryNorms } from './carry-norms.ts'
import type { Checkpoint, CheckpointStore } from './checkpoint.ts'
import { CheckpointError } from './checkpoint-error.ts'
import { type Collected, collectScalars } from './collector.ts'
import type { BatchSource } from './data/batches.ts'
import { DataError } from './data/data-error.ts'
import { DeviceLostError, NotANumberError } from './errors.ts'
import { evaluate } from './evaluate.ts'
import type { Executor } from './executor.ts'
import { firstNotFinite } from './finite.ts'
import type { Tensor } from './safetensors.ts'
import { schedule } from './schedule.ts'
import { stepValues } from './step-values.ts'
import type {
  CheckpointEvent,
  FinishEvent,
  StepEvent,
  TrainEvent,
  ValidationEvent,
  WarningEvent,
} from './train-event.ts'
import { resumeState, startState } from './train-state.ts'
import { averageWeights, initialize, loadWeights, readState, weightsOf, writeState } from './variables.ts'

export interface TrainOptions {
  /** Open for `step`, and for `evaluate` where there is validation (`trainingSession` says how). */
  readonly executor: Executor
  readonly settings: TrainSettings
  readonly train: BatchSource
  readonly validation?: BatchSource | undefined
  readonly store: CheckpointStore
  /** Hash of the source text, kept in checkpoints. */
  readonly source: string
  /** Goes on from here. */
  readonly resume?: Checkpoint | undefined
  /** Weights to start from, and which paths keep their first values instead. */
  readonly load?: LoadedWeights | undefined
  /** When it fires, the step in progress is finished, a checkpoint saved, and the run ends. */
  readonly signal?: AbortSignal | undefined
  /** Goes into the metadata of checkpoints and of the final weights, such as the vocabularies. */
  readonly metadata?: ReadonlyMap<string, string> | undefined
}
export interface LoadedWeights {
  readonly file: string
  readonly tensors: ReadonlyMap<string, Tensor>
  readonly except?: (path: string) => boolean
}

export async function* train(options: TrainOptions): AsyncGenerator<TrainEvent, void, void> {
  const { executor, settings, train: source, validation, store, signal, resume } = options
  const { program } = executor
  const state = resume === undefined ? startState(settings) : resumeState(resume, settings, program.name)
  const rates = settings.rates.map(schedule)
  const stepsPerEpoch = source.batchesPerEpoch
  const steps = totalSteps(settings, stepsPerEpoch)
  const collector = collectScalars<Omit<StepEvent, 'kind' | 'values'>>(
    executor,
    settings.readEvery ?? 10,
    ({ step }) => step,
  )
  let saved = resume === undefined ? -1 : state.step
  let lost: string | undefined
  void executor.lost.then((reason) => {
    lost = reason
  })

  // Read after every step where they are recorded, which waits for it; else there are none.
  const recorded = givesCarryNorms(program, 'step')

  const aborted = () => signal?.aborted ?? false
  const stopped = () => settings.patience !== undefined && state.stale >= settings.patience
  const finished = () =>
    (steps !== undefined && state.step >= steps) || (settings.epochs !== undefined && state.epoch >= settings.epochs)
  const isTime = (every: number | undefined) => every !== undefined && state.step % every === 0

  const toEvents = (collected: readonly Collected<Omit<StepEvent, 'kind' | 'values'>>[]): StepEvent[] =>
    collected.map(({ what, values }) => {
      state.epochMeans.add(values, what.examples)
      return { kind: 'step', ...what, values: Object.fromEntries(values) }
    })
  /** Everything that was enqueued is known afterwards. */
  const settle = async () => toEvents(await collector.flush())

  const save = async (best: boolean): Promise<CheckpointEvent> => {
    const tensors = await readState(executor)
    for (const [key, tensor] of tensors) checkFinite(key, tensor, state.step)
    const where = await store.save(
      { program: program.name, source: options.source, tensors, progress: state.progress(), about: options.metadata },
      best,
    )
    saved = state.step
    return { kind: 'checkpoint', step: state.step, epochs: state.epoch, where, best }
  }
  /** A full disk must not end a run that computes well: the checkpoints that are there stay, and the next may succeed. */
  const trySave = async (best: boolean): Promise<CheckpointEvent | WarningEvent> => {
    try {
      return await save(best)
    } catch (error) {
      if (error instanceof CheckpointError) return { kind: 'warning', step: state.step, text: error.message }
      throw error
    }
  }
  /** `undefined` when it was interrupted: then it is still to be made. */
  const validate = async (averaged = false): Promise<ValidationEvent | undefined> => {
    const { step, epoch } = state
    const values = await evaluate(executor, validation!, { step, signal })
    if (aborted()) return undefined
    return { kind: 'validation', step, epoch: epoch + 1, values, best: !averaged && state.judge(values), averaged }
  }
  /** Validates where there is something to validate on, then saves. */
  const validateAndSave = async function* (): AsyncGenerator<TrainEvent> {
    const event = validation && (await validate())
    state.owesValidation = validation !== undefined && event === undefined
    if (event) yield event
    // An interrupted run is saved where it ends.
    if (!aborted()) yield await trySave(event?.best ?? false)
  }
  /** Runs what is left of an epoch; returns whether its end was reached. */
  const runEpoch = async function* (): AsyncGenerator<TrainEvent, boolean> {
    for await (const batch of source.epoch(state.epoch, state.epochBatches)) {
      if (lost !== undefined) throw new DeviceLostError(lost)
      const dims = batch.dims && { ...executor.dims, ...batch.dims }
      for (const [name, data] of batch.fields) executor.write(name, data, dims)
      const step = state.step + 1
      const ticket = await executor.run('step', stepValues(program.stepBlock, settings.seed, step, rates), dims)
      state.step = step
      state.epochBatches += 1
      const told = { step, epoch: state.epoch + 1, rate: rates[0]?.(step) ?? 0, examples: batch.examples }
      collector.add(ticket, recorded ? { ...told, carries: await readCarryNorms(executor, 'step', dims) } : told)
      yield* toEvents(collector.take())
      if (aborted()) {
        state.owesValidation = validation !== undefined && isTime(settings.validateEvery)
        return false
      }
      if (isTime(settings.validateEvery)) {
        yield* await settle()
        yield* validateAndSave()
      } else if (
        isTime(settings.checkpointEvery) &&
        state.step !== steps &&
        !(state.epochBatches === stepsPerEpoch && settings.validateEvery === undefined)
      ) {
        // At the last step and the last batch of an epoch, what follows validates and saves.
        yield* await settle()
        yield await trySave(false)
      }
      if (aborted() || stopped()) return false
      if (finished()) return state.epochBatches === stepsPerEpoch
    }
    return true
  }
  const endEpoch = async function* (): AsyncGenerator<TrainEvent> {
    if (state.epochBatches === 0) throw noBatches(source.name)
    yield* await settle()
    const values = state.epochMeans.means()
    yield { kind: 'epoch', step: state.step, epoch: state.epoch + 1, values }
    if (settings.validateEvery !== undefined) return state.nextEpoch()
    const event = validation ? await validate() : undefined
    if (event) yield event
    // Interrupted in its validation, the run is saved as at the end of this epoch and goes on from there.
    if (aborted()) return
    const best = event?.best ?? state.judge(values)
    state.nextEpoch()
    yield await trySave(best)
  }

  yield { kind: 'start', step: state.step, steps, epochs: settings.epochs, stepsPerEpoch }
  if (resume !== undefined) {
    if (resume.source !== options.source) {
      yield { kind: 'warning', step: state.step, text: 'the program’s text has changed since the checkpoint was saved' }
    }
    writeState(executor, 'the checkpoint', resume.tensors)
  } else {
    initialize(executor, settings.seed)
    if (options.load) loadWeights(executor, options.load.file, options.load.tensors, options.load.except)
  }

  try {
    if (state.owesValidation) yield* validateAndSave()
    // Saved between the last batch of an epoch and its end: the end is still to come, even if no step is.
    if (state.epochBatches === stepsPerEpoch && !aborted()) yield* endEpoch()
    while (!finished() && !stopped() && !aborted()) {
      const ended: boolean = yield* runEpoch()
      if (ended) yield* endEpoch()
    }
    yield* await settle()
    if (aborted() && !finished()) {
      if (saved !== state.step || state.owesValidation) yield await save(false)
      yield finish('interrupted', undefined)
      return
    }
    if (saved !== state.step) {
      const event = validation && (await validate())
      if (event) yield event
      yield await save(event?.best ?? false)
    }
  } catch (error) {
    // Data that cannot be read ends the run and loses nothing of it. After a NaN or a lost device nothing can be saved.
    const computes = lost === undefined && !(error instanceof NotANumberError) && !(error instanceof DeviceLostError)
    if (computes && state.step > Math.max(saved, 0)) {
      const last = await rescue(async () => [...(await settle()), await save(false)])
      yield* last
    }
    throw error
  }
  const weights = await finalWeights()
  const metadata = new Map([
    ['program', program.name],
    ['source', options.source],
    ['seed', String(settings.seed)],
    ['step', String(state.step)],
    ...(options.metadata ?? []),
  ])
  const event = weights.averaged && validation ? await validate(true) : undefined
  if (event) yield event
  yield finish(stopped() ? 'early' : 'complete', await store.saveModel(weights.tensors, metadata))

  function finish(reason: FinishEvent['reason'], model: string | undefined): FinishEvent {
    return { kind: 'finish', step: state.step, reason, best: state.best, model }
  }
  /** The last state, or the mean of the last few checkpoints, which then is on the device too. */
  async function finalWeights(): Promise<{ tensors: Map<string, Tensor>; averaged: boolean }> {
    const recent = settings.averageLast === undefined ? [] : await store.recent(settings.averageLast)
    if (recent.length < 2) return { tensors: weightsOf(await readState(executor)), averaged: false }
    const tensors = averageWeights(recent.map((checkpoint) => weightsOf(checkpoint.tensors)))
    loadWeights(executor, 'the average', tensors)
    return { tensors, averaged: true }
  }
}

/** The number of steps of the whole run, where it can be known. */
function totalSteps({ epochs, steps }: TrainSettings, stepsPerEpoch: number | undefined): number | undefined {
  const ofEpochs = epochs === undefined || stepsPerEpoch === undefined ? undefined : epochs * stepsPerEpoch
  if (steps === undefined) return ofEpochs
  return ofEpochs === undefined ? steps : Math.min(steps, ofEpochs)
}

/** A ReLU hides a NaN from the loss; the parameters do not. */
function checkFinite(key: string, { dtype, bytes }: Tensor, step: number): void {
  if (dtype !== 'F32') return
  const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
  const place = firstNotFinite(values)
  if (place >= 0) throw new NotANumberError(`an element of ${key}`, values[place]!, step)
}

async function rescue(attempt: () => Promise<readonly TrainEvent[]>): Promise<readonly TrainEvent[]> {
  try {
    return await attempt()
  } catch {
    // The error that ended the run is the one to tell.
    return []
  }
}

function noBatches(name: string): DataError {
  return new DataError({
    problem: `\`${name}\` gave no batch`,
    fix: 'check that the stream has examples, and opens anew for each epoch',
  })
}
