/** Where a training run stands between two steps: what a checkpoint saves besides tensors, and what is the best so far. */
import type { TrainSettings } from './abi.ts'
import type { Checkpoint, TrainProgress } from './checkpoint.ts'
import { CheckpointError } from './checkpoint-error.ts'
import { type Means, weightedMeans } from './means.ts'
import type { Best, Scalars } from './train-event.ts'

export interface TrainState {
  /** Steps done. */
  step: number
  /** The epoch in progress, from 0, and its batches done. */
  epoch: number
  epochBatches: number
  readonly epochMeans: Means
  readonly best: Best | undefined
  /** Validations since the best. */
  readonly stale: number
  /** A validation at this step was interrupted and is still to be made. */
  owesValidation: boolean
  nextEpoch(): void
  /** Whether these values are the best so far; keeps count. */
  judge(values: Scalars): boolean
  progress(): TrainProgress
}

export function startState(settings: TrainSettings): TrainState {
  return makeState(settings, {
    seed: settings.seed,
    batch: settings.batch,
    step: 0,
    epoch: 0,
    epochBatches: 0,
    epochExamples: 0,
    epochSums: {},
    best: undefined,
    stale: 0,
    owesValidation: false,
  })
}

/** The data's order and every random draw hang on the seed and the batch size, so a run can only go on with its own. */
export function resumeState({ program, progress }: Checkpoint, settings: TrainSettings, expected: string): TrainState {
  const differs = (what: string, was: string | number, is: string | number) =>
    new CheckpointError('the checkpoint', `it was saved with ${what} ${was}, and the run has ${is}`, {
      fix: `resume with ${what} ${was}, or start a new run and load its weights`,
    })
  if (program !== expected) throw differs('the model', program, expected)
  if (progress.seed !== settings.seed) throw differs('seed', progress.seed, settings.seed)
  if (progress.batch !== settings.batch) throw differs('batch', progress.batch, settings.batch)
  return makeState(settings, progress)
}

function makeState(settings: TrainSettings, start: TrainProgress): TrainState {
  const { scalar, mode } = settings.monitor ?? { scalar: 'loss', mode: 'min' }
  let { best, stale } = start
  let epochMeans = weightedMeans({ examples: start.epochExamples, sums: start.epochSums })
  return {
    step: start.step,
    epoch: start.epoch,
    epochBatches: start.epochBatches,
    owesValidation: start.owesValidation,
    get epochMeans() {
      return epochMeans
    },
    get best() {
      return best
    },
    get stale() {
      return stale
    },
    nextEpoch() {
      this.epoch += 1
      this.epochBatches = 0
      epochMeans = weightedMeans()
    },
    judge(values) {
      const value = Object.hasOwn(values, scalar) ? values[scalar]! : Number.NaN
      if (!Number.isFinite(value)) return false
      const gain = best === undefined ? Infinity : mode === 'min' ? best.value - value : value - best.value
      const better = gain > (settings.minDelta ?? 0)
      if (better) best = { step: this.step, value }
      stale = better ? 0 : stale + 1
      return better
    },
    progress() {
      const { step, epoch, epochBatches, owesValidation } = this
      const { seed, batch } = settings
      return {
        seed,
        batch,
        step,
        epoch,
        epochBatches,
        epochExamples: epochMeans.examples,
        epochSums: epochMeans.sums(),
        best,
        stale,
        owesValidation,
      }
    },
  }
}
