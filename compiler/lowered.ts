/**
 * A program as a set of functions over tensors, before and after fusion. Phase 2 assembles the functions from a model
 * and a `train` block; phase 5 turns each graph into kernels; phase 6 places them in memory.
 */
import type { Binding, Feature, Initializer, Size, WasmCode } from '../runtime/abi.ts'
import type { Dim } from './ir/dim.ts'
import type { DType, Graph, Node, Result } from './ir/graph.ts'
import type { Kernel, MapKernel, ScanKernel } from './ir/kernel.ts'
import type { ScanStop } from './ir/scan-stop.ts'
import type { ModelGraph, StackPart } from './program.ts'

/**
 * Leaves are identified across graphs by name: `input` by port name, `parameter` and `state` by path, gradients and
 * moments by `grad.PATH` and moment name. `step` fields (`seed`, `rate`, …) are `input` leaves with the role `step`.
 */
export interface LoweredProgram {
  readonly name: string
  readonly dims: readonly string[]
  readonly requirements: ModelGraph['requirements']
  readonly entries: readonly LoweredEntry[]
  readonly parameters: readonly LoweredVariable[]
  readonly states: readonly LoweredVariable[]
  /** Runs of parameters that share an optimizer rate, in arena order; frozen parameters are in none. */
  readonly groups: readonly UpdateGroup[]
}

export interface LoweredVariable {
  readonly path: string
  readonly shape: readonly number[]
  readonly dtype: 'float' | 'int' | 'uint' | 'bool'
  readonly initial: Initializer
  readonly trainable: boolean
  /** One layer's part of a tensor that holds all layers of a stack. */
  readonly part?: StackPart
}

/** A group without parameters holds scalars of the run itself: each of its moments is one number. */
export interface UpdateGroup {
  readonly index: number
  readonly parameters: readonly string[]
  readonly moments: readonly { readonly name: string; readonly initial: number }[]
}

/** Of a causal model: positions one after another, with what is carried from one to the next. */
export type IncrementalEntry = 'begin' | 'prefill' | 'advance' | 'reorder'

export interface LoweredEntry {
  readonly name: 'infer' | 'evaluate' | 'gradients' | 'step' | IncrementalEntry
  /** Graphs run one after another; a later one may read what an earlier one left in an arena. */
  readonly phases: readonly LoweredPhase[]
}

export interface LoweredPhase {
  readonly graph: Graph
  /** Graphs over a flat run of the parameter arena (norm, update) say which group; `N` is then that group's length. */
  readonly flat: UpdateGroup | 'all' | undefined
  /** In mixed precision: values that contractions read or make are stored in 16 bits. */
  readonly mixed?: boolean
}

export interface FusedPhase extends LoweredPhase {
  /** In execution order. */
  readonly segments: readonly Segment[]
  readonly half?: HalfStorage
}

/** What is stored in 16 bits. */
export interface HalfStorage {
  readonly values: ReadonlySet<Node>
  /** Paths of parameters that are read from a copy in 16 bits. */
  readonly parameters: ReadonlySet<string>
}

/** Kernels between recurrences, or one recurrence. Values that pass from one segment to another have names. */
export type Segment = KernelSegment | LoopSegment

export interface KernelSegment {
  readonly kind: 'kernels'
  readonly results: readonly Result[]
  /** In execution order. */
  readonly kernels: readonly Kernel[]
}

/** A scan that runs as a loop of dispatches. */
export interface LoopSegment {
  readonly kind: 'loop'
  readonly name: string
  readonly length: Dim
  readonly reverse: boolean
  /** The number of the turn, as its kernels read it. */
  readonly iteration: Node
  readonly body: readonly Segment[]
  /** The same body as one kernel over all turns, where its batch rows are independent; else why it is none. */
  readonly whole: ScanKernel | undefined
  readonly stop: ScanStop | undefined
  /** Places inside the body that are tensors outside: stacks of elements, captures, first values of carries. */
  readonly given: readonly { readonly name: string; readonly value: ValueReference }[]
  readonly carries: readonly {
    /** The carry inside the body, replaced there by each step. */
    readonly name: string
    /** Writes the carry's first value. */
    readonly start: MapKernel
    /** Where the last carry goes; absent when nobody reads it. */
    readonly last: string | undefined
    readonly shape: readonly Dim[]
    readonly dtype: DType
  }[]
  /** Stacks that the body fills. */
  readonly yields: readonly {
    readonly name: string
    readonly stack: string
    readonly shape: readonly Dim[]
    readonly dtype: DType
  }[]
}

/** A tensor by its own leaf, or by the name under which a segment before leaves it. */
export type ValueReference =
  | { readonly kind: 'leaf'; readonly node: Node }
  | { readonly kind: 'cut'; readonly name: string }

/** Every kernel of some segments, in the order of their text. */
export function kernelsOf(segments: readonly Segment[]): Kernel[] {
  return segments.flatMap((segment) => (segment.kind === 'kernels' ? segment.kernels : kernelsOf(segment.body)))
}

/** A kernel as text, ready to be placed: what phase 7 gives back to the plan. */
export interface EmittedKernel {
  readonly stages: readonly EmittedStage[]
  /** Temporary tensors between the stages. */
  readonly scratch: readonly { readonly elements: Dim; readonly storage: 'f32' | 'i32' | 'u32' }[]
}
export type EmittedStage = PrintedStage<
  { readonly kind: 'slot'; readonly slot: number } | { readonly kind: 'scratch'; readonly scratch: number }
>
export interface PrintedStage<Target> {
  readonly name: string
  /** Empty where the stage is a WebAssembly function. */
  readonly wgsl: string
  readonly code?: CodeObject
  /** Overridable constants by name, each an expression in the free dims. */
  readonly constants: ReadonlyMap<string, Dim>
  readonly workgroup: readonly [number, number, number]
  /** Total workgroups along x, y, z. The text must tolerate x folded into y (it reads `workgroup_id.x + workgroup_id.y * num_workgroups.x` as its x when y is 1 here). */
  readonly workgroups: readonly [Dim, Dim, Dim]
  /** In `@binding` order, group 0. */
  readonly bindings: readonly {
    readonly target: Target
    readonly access: Binding['access']
  }[]
  readonly features: readonly Feature[]
}

/** A WebAssembly function before it has a place in a module: its body, and what is still open in it. */
export interface CodeObject {
  readonly parameters: readonly ('i32' | 'f32' | 'v128')[]
  readonly result: 'i32' | 'f32' | 'v128' | undefined
  readonly locals: readonly (readonly [count: number, type: 'i32' | 'f32' | 'v128'])[]
  readonly bytes: Uint8Array
  /** Five-byte constants that are these sizes. */
  readonly sizes: readonly { readonly at: number; readonly dim: Dim }[]
  /** Five-byte numbers of functions that it calls, by their names. */
  readonly calls: readonly { readonly at: number; readonly name: string }[]
  /** Where `c + a·b` may become one instruction. */
  readonly products: readonly number[]
}

/** A function whose sizes are in terms of a session's dims: what a module is linked from. */
export interface SizedFunction {
  readonly code: Omit<CodeObject, 'sizes'> & { readonly sizes: readonly { readonly at: number; readonly size: Size }[] }
  readonly export?: string
  /** By which others call it. */
  readonly name?: string
}
export type Link = (functions: readonly SizedFunction[]) => WasmCode

/**
 * A recurrence in one kernel, before it is known where its tensors lie: those of one arena may then be bound together, so
 * that their number is no limit.
 */
export interface EmittedScan {
  readonly name: string
  /** The slots that are bound at all. */
  readonly slots: readonly { readonly slot: number; readonly access: 'read' | 'write' }[]
  /** Dispatches one after another, each of some turns. */
  readonly chunks: Dim
  readonly stage: (groups: readonly ScanGroup[]) => ScanStage
}
export type ScanStage = PrintedStage<
  | { readonly kind: 'slot'; readonly slot: number }
  /** Slots of one arena, bound together. */
  | { readonly kind: 'group'; readonly group: number }
  /** The number of the turn of the loop around the dispatch. */
  | { readonly kind: 'turn' }
>
/** Slots behind one binding, each so many elements from its start; one alone begins where the binding does. */
export interface ScanGroup {
  readonly access: 'read' | 'write'
  readonly members: readonly { readonly slot: number; readonly offset: Dim }[]
}

export type StoredNode = Node
