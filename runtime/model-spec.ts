/// <reference lib="esnext.disposable" preserve="true" />
/**
 * What a generated module hands to the runtime, and what the runtime gives back to it: a compiled program for each class
 * of adapter with the settings of its `train` block → a model that infers, a trainer that trains. The type parameters
 * carry the names of one `.dlm` model: its inputs, outputs, metrics and parameters.
 */
import type { CompiledProgram, DimValues, ScheduleDescription } from './abi.ts'
import type { BatchSource } from './data/batches.ts'
import type { GenerateOptions } from './decode/generate.ts'
import type { Device, Target } from './device.ts'
import type { DeviceDescription, TensorData } from './executor.ts'
import type { SafetensorsHeader } from './safetensors.ts'
import type { Stored } from './stored-as.ts'
import type { WeightsSource } from './weights-source.ts'

export interface ModelSpec {
  readonly name: string
  /** Where it comes from, as every file of weights says in its metadata: the `.dlm`, its text and hash, the compiler. */
  readonly origin: readonly (readonly [key: string, value: string])[]
  /** One plan per class of device; the one that fits best is chosen when a session opens. */
  readonly variants: readonly ProgramVariant[]
  /** Opens what stands in for a GPU, where there is a plan for it. */
  readonly wasm?: () => Device
  readonly dims: DimDefaults
  readonly training?: TrainingSpec
  /** Of a causal model: what runs along its sequences. */
  readonly sequences?: SequenceSpec
}

/** Values of free dims that need not be given. */
export type DimDefaults = readonly (readonly [name: string, value: number])[]

export interface ProgramVariant {
  readonly target: Target
  /** Lanes of a subgroup that its kernels count on; absent where they count on none. */
  readonly subgroup?: number
  readonly program: CompiledProgram
  /** The same model, giving its exposed values too. */
  readonly exposing?: CompiledProgram
  /** The same model position by position. */
  readonly stepping?: CompiledProgram
}

/** The settings of a `train` block that are no part of its plan. */
export interface TrainingSpec {
  readonly seed: number
  readonly dims: DimDefaults
  /** Learning rates, one per group of parameters. */
  readonly rates: readonly ScheduleDescription[]
}

/** A record of typed arrays by name. */
export type TensorRecord = Readonly<Record<string, TensorData>>

export interface OpenModelOptions {
  /** Values of free dims whose names are options' names. */
  readonly dims?: DimValues | undefined
  /** By default the browser's own, or in Node the one that importing `dlm/node` provides. */
  readonly device?: Device | undefined
  /** Give the exposed values beside the outputs. */
  readonly expose?: boolean | undefined
  readonly onProgress?: ((done: number, total: number, what: string) => void) | undefined
}

export interface OpenTrainerOptions extends Omit<OpenModelOptions, 'expose'> {
  /** First values, the order of batches and dropout follow from it. */
  readonly seed?: number | undefined
  /** The learning rate of a step (counted from 1) and group, in place of the `train` block's schedule. */
  readonly rate?: ((step: number, group: number) => number) | undefined
  /** Examples that `validate` will be given: where they do not fill their last batch, a smaller one is prepared. */
  readonly validation?: object | undefined
}

export interface LoadOptions<P extends string> {
  /**
   * What the file calls a parameter, where it is not its path: `{ 'linear_1.weight': 'fc.weight' }`; with `storedAs` also how
   * the file has it, if it must be cut or transposed.
   */
  readonly names?: Readonly<Partial<Record<P, string | Stored>>> | undefined
  /** Parameters that keep the values they have. */
  readonly except?: ((path: P) => boolean) | undefined
}

export interface ParameterInfo<P extends string> {
  readonly path: P
  readonly shape: readonly number[]
  readonly dtype: 'float' | 'int' | 'uint' | 'bool'
  /** False for a `state` (running statistics, for example), which training changes without a gradient. */
  readonly trainable: boolean
}

/** What a model and a trainer share. */
export interface Weights<P extends string> extends Disposable {
  readonly device: DeviceDescription
  readonly dims: DimValues
  /** Bytes of device memory, all taken when it was opened. */
  readonly allocatedBytes: number
  readonly parameters: readonly ParameterInfo<P>[]
  /** Values of one parameter, from the device. */
  read(path: P): Promise<TensorData>
  /** Weights by URL, path (in Node), Blob or bytes; every name, shape and dtype is checked before anything is replaced. */
  load(source: WeightsSource, options?: LoadOptions<P>): Promise<SafetensorsHeader['metadata']>
  /** The weights as a safetensors file; with a path (in Node), also written there, whole or not at all. */
  save(path?: string): Promise<Uint8Array<ArrayBuffer>>
  /** Resolves with the reason when the device is lost. */
  readonly lost: Promise<string>
  dispose(): void
}

export interface Model<I, O, P extends string> extends Weights<P> {
  /** Draws fresh parameters; the same for a seed on every machine. */
  initialize(seed?: number): void
  /** Calls made at the same time run one after another. */
  run(inputs: I): Promise<O>
}

/** Names of a causal model's ports, and of the dims that count rows and positions. */
export interface SequenceSpec {
  readonly rows: string
  /** A dim, or a fixed number of positions. */
  readonly context: string | number
  /** Inputs that come position by position. */
  readonly streams: readonly string[]
  /** Inputs that are given whole. */
  readonly others: readonly string[]
  /** Where the streams are tokens and the outputs their logits. */
  readonly tokens?: { readonly input: string; readonly output: string; readonly vocabulary: number }
}

export interface StepperOptions {
  /** Sequences that go on side by side; 1 unless given. */
  readonly rows?: number | undefined
  /** Positions that there is room for; as the model was opened, unless given. */
  readonly context?: number | undefined
  /** Other free dims, where they differ from the model's. */
  readonly dims?: DimValues | undefined
}

/** What a function takes that needs a record only where it has fields. */
type Given<S> = [keyof S] extends [never] ? [] : [source: S]

/** A causal model position by position: keys and values, recurrent states and whatever else it needs stay on the device. */
export interface Stepper<S, N, Q> extends Disposable {
  readonly rows: number
  /** Positions that there is room for; infinite for a model whose state does not grow. */
  readonly context: number
  /** Positions done since it began. */
  readonly position: number
  /** Begins anew, with the inputs that are given whole. Without any, the first step begins too. */
  begin(...source: Given<S>): Promise<void>
  /**
   * The next position of every row. Row r goes on from what row `from[r]` was, from itself unless given. The arrays that come
   * back are written again by the next step.
   */
  step(inputs: N, from?: Int32Array): Promise<Q>
  dispose(): void
}

export interface SequenceModel<I, O, P extends string, S, N, Q> extends Model<I, O, P> {
  /** A session of the incremental form, with the weights as they are now; also freed with the model. */
  stepper(options?: StepperOptions): Promise<Stepper<S, N, Q>>
}

export type GenerationOptions<S> = GenerateOptions & {
  /** Searches for the likeliest sequence with so many beams, and gives it when it is found. */
  readonly beams?: number | undefined
  /** With beams: how much longer sequences are favoured; 0.6 unless given. */
  readonly lengthPenalty?: number | undefined
  /** Positions that there is room for. What outgrows them goes on from its later half. */
  readonly context?: number | undefined
} & ([keyof S] extends [never] ? unknown : { /** One row of each input that is given whole. */ readonly source: S })

export interface TokenModel<I, O, P extends string, S, N, Q> extends SequenceModel<I, O, P, S, N, Q> {
  /** Goes on with the tokens of a prompt, one token after another. */
  generate(prompt: ArrayLike<number>, options: GenerationOptions<S>): AsyncGenerator<number, void, void>
}

/** Batches to train on: records of typed arrays, or a data source of `dlm/node`. */
export type Batches<B> = Iterable<B> | AsyncIterable<B> | BatchSource

/** Tensors of any number of examples as batches; going through them again is another epoch. */
export interface RecordBatches<B> extends Iterable<B> {
  /** Batches of an epoch. */
  readonly length: number
  /** All that come after so many steps, epoch after epoch without end: where a run goes on. */
  after(steps: number): Iterable<B>
}

export interface BatchOrder {
  /** In a new order each epoch. The order hangs on the seed and the name, if one is given: `dlmc` names it after the data. */
  readonly shuffle?: boolean | string | undefined
}

export interface FitOptions {
  /** How often to go through the batches; 1 unless given. */
  readonly epochs?: number | undefined
  /** Ends after so many. */
  readonly steps?: number | undefined
  /** When it fires, the step in progress is finished and the iteration ends. */
  readonly signal?: AbortSignal | undefined
}

export interface TrainStep<M> {
  /** Counted from 1, over the trainer's life. */
  readonly step: number
  /** Counted from 1, within this call. */
  readonly epoch: number
  readonly rate: number
  readonly loss: number
  readonly metrics: M
}

export interface Trainer<B, M, S, P extends string> extends Weights<P> {
  /** Steps done. */
  readonly steps: number
  readonly seed: number
  /** One step, waiting for its loss. `fit` does not wait, and is faster. */
  step(batch: B): Promise<S>
  /** A step for every batch. Losses come some steps late, so that the device never stands still for them. */
  fit(batches: Batches<B>, options?: FitOptions): AsyncGenerator<TrainStep<S>, void, void>
  /** Loss and metrics of one batch; learns nothing. */
  evaluate(batch: B): Promise<M>
  /** Their means over many. */
  validate(batches: Batches<B>, options?: { readonly signal?: AbortSignal | undefined }): Promise<M>
  /** Tensors of any number of examples as batches. */
  batches(examples: B, options?: BatchOrder): RecordBatches<B>
  /**
   * Like a model's, with moments and the number of steps: loading it into a trainer goes on where this one was. `more` is kept
   * in the file's metadata, which `load` gives.
   */
  save(path?: string, more?: Readonly<Record<string, string>>): Promise<Uint8Array<ArrayBuffer>>
}
