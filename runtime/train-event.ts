import type { CarryNorms } from './carry-norms.ts'

/** What a training run tells as it goes. Epochs are counted from 1 here, as people count. */
export type Scalars = Readonly<Record<string, number>>

export interface Best {
  readonly step: number
  readonly value: number
}

export type TrainEvent =
  | StartEvent
  | StepEvent
  | EpochEvent
  | ValidationEvent
  | CheckpointEvent
  | WarningEvent
  | FinishEvent
  | TestEvent

export interface StartEvent {
  readonly kind: 'start'
  /** Steps done before, by the run that this one goes on from. */
  readonly step: number
  /** Of the whole run; unknown where a stream is read for so many epochs. */
  readonly steps: number | undefined
  readonly epochs: number | undefined
  readonly stepsPerEpoch: number | undefined
}
export interface StepEvent {
  readonly kind: 'step'
  readonly step: number
  readonly epoch: number
  /** Of the first group. */
  readonly rate: number
  readonly examples: number
  readonly values: Scalars
  /** Where they are recorded: ‖∂L/∂h_t‖ of each carry, by position. */
  readonly carries?: CarryNorms
}
/** Means over the epoch's training batches, as they were when each was trained on. */
export interface EpochEvent {
  readonly kind: 'epoch'
  readonly step: number
  readonly epoch: number
  readonly values: Scalars
}
export interface ValidationEvent {
  readonly kind: 'validation'
  readonly step: number
  readonly epoch: number
  readonly values: Scalars
  readonly best: boolean
  /** Of the average of the last checkpoints, at the end of a run. */
  readonly averaged: boolean
}
export interface CheckpointEvent {
  readonly kind: 'checkpoint'
  readonly step: number
  /** Epochs that are behind it: one may be saved before and one after the end of an epoch, at the same step. */
  readonly epochs: number
  readonly where: string
  readonly best: boolean
}
/** Something went wrong that does not end the run. */
export interface WarningEvent {
  readonly kind: 'warning'
  readonly step: number
  readonly text: string
}
export interface FinishEvent {
  readonly kind: 'finish'
  readonly step: number
  readonly reason: 'complete' | 'early' | 'interrupted'
  readonly best: Best | undefined
  /** Where the model went; nowhere after an interruption. */
  readonly model: string | undefined
}
/** The model on data that nothing of the run has seen, after its end. */
export interface TestEvent {
  readonly kind: 'test'
  readonly step: number
  readonly values: Scalars
}
