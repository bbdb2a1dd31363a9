/** The runtime: what executes and trains compiled programs, in browsers and in Node. It has no dependency. */
export type * from './abi.ts'
export { averageCheckpoints } from './average.ts'
export { batchDimOf, trainingSession, wantedFields } from './batch-dims.ts'
export {
  type Checkpoint,
  type CheckpointStore,
  decodeCheckpoint,
  encodeCheckpoint,
  memoryStore,
  type TrainProgress,
} from './checkpoint.ts'
export { CheckpointError } from './checkpoint-error.ts'
export { curvesSvg } from './curves.ts'
export { type Batch, type BatchOptions, type BatchSource, datasetBatches, type WantedField } from './data/batches.ts'
export { DataError, type DataFault } from './data/data-error.ts'
export { type Dataset, firstExamples, makeDataset, splitDataset } from './data/dataset.ts'
export type { Column, ColumnValues, Field } from './data/field.ts'
export { gunzip, isGzip } from './data/gunzip.ts'
export { parseIdx, parseIdxHeader } from './data/idx.ts'
export { makeField } from './data/make-field.ts'
export { prefetch } from './data/prefetch.ts'
export { type Example, givenBatches, type StreamOptions, streamBatches } from './data/stream-batches.ts'
export { type BeamOptions, beamSearch, type Hypothesis } from './decode/beam.ts'
export { type GenerateOptions, generate } from './decode/generate.ts'
export { type IncrementalOptions, incremental, incrementalEntries } from './decode/incremental.ts'
export type { NextLogits } from './decode/next-logits.ts'
export { makeSampler, type SampleOptions, type Sampler } from './decode/sample.ts'
export { type WholeSequenceOptions, wholeSequence } from './decode/whole-sequence.ts'
export { type Device, type DeviceOptions, type GpuDevice, isSoftware, openDevice } from './device.ts'
export * from './errors.ts'
export { type EvaluateOptions, evaluate } from './evaluate.ts'
export type * from './executor.ts'
export { checkHalf, type HalfFault } from './half-check.ts'
export { initialValues } from './initialize.ts'
export { meanOfSteps } from './means.ts'
export { type Accuracy, accuracy } from './metrics/accuracy.ts'
export { type Bleu, bleu, type Translation } from './metrics/bleu.ts'
export { editDistance, errorRate, type Said, sequenceErrorRate } from './metrics/edit-distance.ts'
export { bits, bitsPerCharacter, perplexity } from './metrics/entropy.ts'
export { openModel } from './model.ts'
export type * from './model-spec.ts'
export { openTrainer } from './model-trainer.ts'
export { defaultDevice } from './platform.ts'
export { permutation, type RandomStream, randomStream, threefry2x32 } from './random.ts'
export {
  type ByteSource,
  bytesSource,
  decodeTensor,
  parseSafetensors,
  readSafetensorsHeader,
  type SafetensorsDtype,
  type SafetensorsEntry,
  type SafetensorsHeader,
  safetensorsChunks,
  type Tensor,
  tensorOf,
} from './safetensors.ts'
export { type Schedule, schedule } from './schedule.ts'
export { openSequenceModel } from './sequence-model.ts'
export { openSession } from './session.ts'
export { elements, evaluate as evaluateSize } from './size.ts'
export { type Rearrangement, type Stored, storedAs } from './stored-as.ts'
export { openTokenModel } from './token-model.ts'
export { special, specialTokens } from './tokenize/special.ts'
export {
  type TextStream,
  type Tokenizer,
  type TokenizerRecord,
  tokenizerOf,
  trainTokenizer,
} from './tokenize/tokenizer.ts'
export { decodeVocabularies, encodeVocabularies } from './tokenize/vocabularies.ts'
export type * from './train-event.ts'
export { type LoadedWeights, type TrainOptions, train } from './trainer.ts'
export { averageWeights, initialize, loadWeights, readState, weightsOf, writeState } from './variables.ts'
export { type WasmOptions, wasmDevice } from './wasm/device.ts'
export type { WeightsSource } from './weights-source.ts'
