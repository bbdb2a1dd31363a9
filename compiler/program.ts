/**
 * What checking makes of a file: models as tensor graphs, data and training as plain descriptions, tests as graphs
 * with expectations. Phase 1 produces these values; every later phase starts from them.
 */
import type { Span } from '../grammar/source.ts'
import type { DataDescription, Initializer, ScheduleDescription } from '../runtime/abi.ts'
import type { Diagnostic } from './diagnostics/diagnostic.ts'
import type { Dim } from './ir/dim.ts'
import type { DType, Node, Origins } from './ir/graph.ts'
import type { GraphBuilder } from './ops/builder.ts'
import type { CarryTarget } from './ops/carry-target.ts'

/** The value of a hyperparameter. */
export type StaticValue = number | boolean | string | null | readonly StaticValue[]

/** An elaborated model: its static part evaluated, its tensor part one graph. */
export interface ModelGraph {
  readonly name: string
  readonly documentation: string | undefined
  readonly arguments: ReadonlyMap<string, StaticValue>
  /** Whether `training` was true: dropout drops, state is updated. */
  readonly training: boolean
  /** Free dims in the order of first appearance: `batch`, `T`. */
  readonly dims: readonly string[]
  /** Sizes that must not be negative once the free dims have their values, and what to say where one is. */
  readonly requirements: readonly { readonly size: Dim; readonly says: string }[]
  readonly inputs: readonly TensorPort[]
  readonly targets: readonly TensorPort[]
  /** Whether inputs and targets could be others in training than without. */
  readonly portsDependOnTraining: boolean
  readonly parameters: readonly ParameterPort[]
  readonly states: readonly StatePort[]
  readonly outputs: readonly NamedNode[]
  readonly exposed: readonly NamedNode[]
  /** The float carries of all scans, in source order. */
  readonly carries: readonly CarryPort[]
  /** The sum of all loss terms, a float scalar; absent for a model without one. */
  readonly loss: Node | undefined
  /** Named loss terms, reported apart. */
  readonly lossTerms: readonly NamedNode[]
  /** Float scalars. */
  readonly metrics: readonly NamedNode[]
  /** Layers for the table of `inspect`: every layer instance with its place in the tree. */
  readonly layers: readonly LayerRecord[]
  /** The key of random streams, `uint[2]` (seed, step); absent when nothing random is used. */
  readonly randomKey: Node | undefined
  readonly origins: Origins
  /** Where the nodes live: differentiation goes on in it. */
  readonly builder: GraphBuilder
  /** The model's declaration. */
  readonly span: Span
}

export interface NamedNode {
  readonly name: string
  readonly node: Node
  readonly span: Span
  readonly documentation?: string | undefined
}
export interface TensorPort extends NamedNode {
  readonly shape: readonly Dim[]
  readonly dtype: DType
}
export interface ParameterPort {
  /** `encoder.block[3].attention.wq.weight`, the key in checkpoints. */
  readonly path: string
  readonly node: Node
  readonly shape: readonly number[]
  readonly initial: Initializer
  readonly span: Span
  /** In a stack of layers that are run as one, `node` is a tensor of all layers, and this is one layer's part of it. */
  readonly part?: StackPart
}
export interface StackPart {
  /** `encoder.block[0..12].norm1.scale`: the path of the whole. */
  readonly of: string
  readonly index: number
  readonly count: number
}
/** A carry of a scan, as what gradients can be asked for after every step. */
export interface CarryPort {
  /** `encoder.level_1.h` */
  readonly name: string
  readonly target: CarryTarget
  /** In folded stacks: which layer of each, outermost first. The carries of all their layers are one target. */
  readonly layers: readonly number[]
  /** How many scans it stands in, stacks apart: so many axes of its cotangents, after those of the layers, are steps. */
  readonly depth: number
  readonly span: Span
}
export interface StatePort extends ParameterPort {
  readonly dtype: DType
  /** The value after a training step; `undefined` when this elaboration does not change it. */
  readonly next: Node | undefined
}
export interface LayerRecord {
  readonly path: string
  readonly kind: string
  /** Results of its (first) call. */
  readonly results: readonly Node[]
  /** Paths of the parameters declared directly by this layer or below it. */
  readonly parameters: readonly string[]
  readonly span: Span
}

/** Norms of gradients that a step can give: of each parameter, and of each carry after every step of its recurrence. */
export const recordables = ['gradients', 'carries'] as const
export type Recordable = (typeof recordables)[number]

/** A `train` block, its settings checked. */
export interface TrainDescription {
  /** `undefined` for the only, unnamed one. */
  readonly name: string | undefined
  readonly span: Span
  readonly model: { readonly name: string; readonly arguments: ReadonlyMap<string, StaticValue> }
  readonly data: string | undefined
  readonly optimizer: OptimizerDescription
  readonly batch: number
  readonly epochs: number | undefined
  readonly steps: number | undefined
  readonly seed: number
  readonly clipNorm: number | undefined
  readonly precision: 'float32' | 'mixed'
  /** Validate every so many steps; `undefined`: after each epoch. */
  readonly validateEvery: number | undefined
  readonly averageLast: number | undefined
  /** Further checkpoints every so many steps. */
  readonly checkpointEvery?: number | undefined
  /** Which scalar makes a checkpoint the best, and which way is better; by default the least loss. */
  readonly monitor?: { readonly scalar: string; readonly mode: 'min' | 'max' } | undefined
  /** Stops after so many validations in a row that are not better by more than `minDelta`. */
  readonly patience?: number | undefined
  readonly minDelta?: number | undefined
  /** What each step gives beside its loss and metrics. */
  readonly record: readonly Recordable[]
  readonly load: { readonly path: string; readonly except: readonly string[] } | undefined
  readonly freeze: readonly string[]
  /** Values of free dims other than `batch`, where the file fixes them. */
  readonly dims: ReadonlyMap<string, number>
}

/**
 * An optimizer is a module of the standard library (or the user's) whose `forward(param: float[N], grad: float[N],
 * rate: float[], step: float[]) -> float[N]` gives the new parameters and whose `state`s are its moments.
 */
export interface OptimizerDescription {
  readonly module: string
  readonly arguments: ReadonlyMap<string, StaticValue>
  readonly rate: ScheduleDescription
  /** `{ "classifier.*": lr 1e-2 }`: first match wins. */
  readonly overrides: readonly { readonly pattern: string; readonly rate: ScheduleDescription }[]
  readonly span: Span
}

/** An optimizer elaborated over a flat run of `N` parameters. */
export interface OptimizerGraph {
  /** Leaves: `param`, `grad` float[N]; `rate`, `step` float[]. `N` is the free dim. */
  readonly param: Node
  readonly grad: Node
  readonly rate: Node
  readonly step: Node
  readonly result: Node
  /** Moments, each float[N], starting at a constant. */
  readonly moments: readonly {
    readonly name: string
    readonly node: Node
    readonly next: Node
    readonly initial: number
  }[]
  readonly origins: Origins
}

/** A `test` block: expectations over constants and graphs, evaluated on the reference and on the device. */
export interface TestCase {
  readonly title: string
  readonly span: Span
  readonly expectations: readonly Expectation[]
}
export interface Expectation {
  readonly span: Span
  /** The condition as a bool scalar over literals only. */
  readonly condition: Node
  /** For `a == b` and its kin: the two sides, to be shown when it fails. */
  readonly sides: readonly [Node, Node] | undefined
  readonly message: string | undefined
}

export interface ModelRequest {
  readonly training: boolean
  readonly arguments?: ReadonlyMap<string, StaticValue>
  /** Stacks are written out layer by layer: all, or those of up to so many layers; by default those of up to 24. Others are scans. */
  readonly unroll?: boolean | number
}

export interface Program {
  readonly path: string
  /** The file's own text, for what must notice that it changed. */
  readonly text: string
  /** Names of the models, in source order. */
  readonly models: readonly string[]
  readonly trains: readonly TrainDescription[]
  readonly data: ReadonlyMap<string, DataDescription>
  readonly tests: readonly TestCase[]
  readonly diagnostics: readonly Diagnostic[]
  /** Elaborates a model; throws `DiagnosticError`. Results are cached by arguments. */
  readonly model: (name: string, options: ModelRequest) => ModelGraph
  /** Elaborates an optimizer over `N` flat parameters; throws `DiagnosticError`. */
  readonly optimizer: (description: OptimizerDescription) => OptimizerGraph
}
