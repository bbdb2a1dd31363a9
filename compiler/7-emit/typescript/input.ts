/** What the emitter is given: a checked model, its compiled programs, and the settings of its `train` block. */
import type { CompiledProgram } from '../../../runtime/abi.ts'
import type { Target } from '../../../runtime/device.ts'
import type { ModelGraph, NamedNode, TensorPort, TrainDescription } from '../../program.ts'

export interface ModuleInput {
  /** The model's name, with its block's behind it where a model has several. */
  readonly name: string
  /** File names of the module begin with it; unique among the modules written together. */
  readonly stem: string
  readonly model: ModelGraph
  readonly train: TrainDescription | undefined
  readonly variants: readonly VariantInput[]
  /** What runs along the sequences of a causal model. */
  readonly sequences: SequencesInput | undefined
  /** The `.dlm` file's name, its text with a hash of it, and the compiler's version. */
  readonly origin: { readonly file: string; readonly text: string; readonly hash: string; readonly compiler: string }
}

export interface VariantInput {
  /** `gpu`, `software`: names of constants and folders. */
  readonly name: string
  readonly target: Target
  readonly subgroup: number | undefined
  readonly program: CompiledProgram
  /** With exposed values as further outputs; absent for a model that exposes none. */
  readonly exposing: CompiledProgram | undefined
  /** Position by position, of a causal model. */
  readonly stepping: CompiledProgram | undefined
}

export interface SequencesInput {
  readonly rows: string
  readonly context: string | number
  readonly streams: readonly TensorPort[]
  readonly others: readonly TensorPort[]
  readonly outputs: readonly NamedNode[]
  readonly tokens: { readonly input: string; readonly output: string; readonly vocabulary: number } | undefined
}

export interface EmitModuleOptions {
  /** What modules import the runtime as. */
  readonly runtime?: string
}
