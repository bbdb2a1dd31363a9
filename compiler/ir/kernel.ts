/**
 * The fused-op IR: kernels in a few normal forms whose bodies are scalar expressions. Target-neutral: WGSL is one
 * printer of it, WebAssembly will be another; schedules (tiles, vector widths, threads) are chosen beside it.
 *
 * *Invariant:* every `Scalar` and `Index` refers only to axes of its kernel and to slots of its kernel.
 * *Invariant:* a guard out of whose range an index would fall encloses every load that uses that index.
 */

import type { Combine } from '../ops/op.ts'
import type { Dim } from './dim.ts'
import type { DType, Node, Origin } from './graph.ts'
import type { ScalarFunction } from './scalar.ts'

/** A loop variable, `0 ≤ axis < extent`. Identity is the object. */
export interface Axis {
  readonly name: string
  readonly extent: Dim
}

/** An integer expression over axes and dims: address arithmetic. Built only by `index.ts`, which keeps it simplified. */
export type Index =
  | { readonly kind: 'dim'; readonly dim: Dim }
  | { readonly kind: 'axis'; readonly axis: Axis }
  | {
      readonly kind: 'sum'
      readonly terms: readonly { readonly factor: Dim; readonly index: Index }[]
      readonly offset: Dim
    }
  | { readonly kind: 'quotient'; readonly index: Index; readonly by: Dim }
  | { readonly kind: 'remainder'; readonly index: Index; readonly by: Dim }
  /** An index read from data (gather); clamped to `[0, size)` by whoever builds it. */
  | { readonly kind: 'data'; readonly value: Scalar; readonly size: Dim }

/** A condition on an index. */
export type Guard =
  | { readonly kind: 'inside'; readonly index: Index; readonly size: Dim }
  | { readonly kind: 'divisible'; readonly index: Index; readonly by: Dim }

/** What one lane computes. Expressions are shared (a DAG): equal sub-objects are computed once. */
export type Scalar =
  | { readonly kind: 'number'; readonly value: number; readonly dtype: DType }
  /** The element at a flat index of a slot. */
  | { readonly kind: 'load'; readonly slot: number; readonly index: Index; readonly dtype: DType }
  | {
      readonly kind: 'apply'
      readonly fn: ScalarFunction
      readonly arguments: readonly Scalar[]
      readonly dtype: DType
    }
  /** An index as an int. */
  | { readonly kind: 'position'; readonly index: Index; readonly dtype: 'int' | 'uint' }
  /** `value` where every guard holds, else `otherwise`; `value` is not evaluated where a guard fails. */
  | {
      readonly kind: 'guarded'
      readonly guards: readonly Guard[]
      readonly value: Scalar
      readonly otherwise: Scalar
      readonly dtype: DType
    }
  /** A short serial reduction inside one lane, over axes of its own. arg-reductions give the flat position. */
  | {
      readonly kind: 'reduce'
      readonly combine: Combine
      readonly axes: readonly Axis[]
      readonly value: Scalar
      readonly dtype: DType
    }
  /** The result of stage n of a row kernel, at the current outer index. */
  | { readonly kind: 'stage'; readonly stage: number; readonly dtype: DType }
  /** The finished sum of a contraction at the current output element; of a running kernel, the sum up to the current one. */
  | { readonly kind: 'accumulator'; readonly dtype: DType }

/**
 * A tensor in memory that a kernel touches. `node` is the graph value stored there. An `update` slot is a leaf that a
 * result replaces: the old value is read and the new one written in place, each element only by the lane that reads it.
 * All values of a kernel's stores are computed before the first is written.
 */
export interface KernelSlot {
  readonly node: Node
  readonly access: 'read' | 'write' | 'update'
  /** The place of the value, where that is not the node's own: a second destination, or a stack inside a loop. */
  readonly place?: string
  /** How many elements the kernel touches, where that is a part of the tensor and other kernels have the rest. */
  readonly part?: Dim
  /** One number that is the same for all lanes, which takes no storage buffer. */
  readonly uniform?: true
}

export interface Store {
  readonly slot: number
  readonly index: Index
  readonly value: Scalar
}

/** Why fusion did not go on across an edge. */
export interface FusionStop {
  readonly producer: Node
  readonly consumer: Node | undefined
  readonly reason: string
}

interface KernelBase {
  readonly name: string
  readonly slots: readonly KernelSlot[]
  /** The graph nodes computed here, for provenance and cost. */
  readonly nodes: readonly Node[]
  readonly origins: readonly Origin[]
  readonly stops: readonly FusionStop[]
}

/** One lane per element of `axes`. */
export interface MapKernel extends KernelBase {
  readonly kind: 'map'
  readonly axes: readonly Axis[]
  readonly stores: readonly Store[]
}

/**
 * For each index of `outer`: stages over the elements of `row` in order, each a reduction whose value may use earlier
 * stages; then `stores` for each row element and `results` once. Softmax, layer norm, cross-entropy with its gradient,
 * plain reductions of any axes: all are rows.
 */
export interface RowKernel extends KernelBase {
  readonly kind: 'row'
  readonly outer: readonly Axis[]
  readonly row: readonly Axis[]
  readonly stages: readonly { readonly combine: Combine; readonly value: Scalar; readonly dtype: DType }[]
  /** Indexed by outer and row axes. */
  readonly stores: readonly Store[]
  /** Indexed by outer axes alone. */
  readonly results: readonly Store[]
}

/**
 * `out[batch, rows, columns] = Σ_depth left · right`, then the stores with the sum as `accumulator`. `left` uses batch,
 * rows and depth axes, `right` batch, columns and depth axes. A matrix product, a convolution and both its gradients
 * differ only in the index expressions of their loads (implicit GEMM).
 */
export interface ContractKernel extends KernelBase {
  readonly kind: 'contract'
  readonly batch: readonly Axis[]
  readonly rows: readonly Axis[]
  readonly columns: readonly Axis[]
  readonly depth: readonly Axis[]
  readonly left: Scalar
  readonly right: Scalar
  readonly stores: readonly Store[]
  /** Sums over the rows of `left` or columns of `right` gained on the way (a bias gradient), if any. */
  readonly split: Dim | undefined
}

/**
 * `out[…, indices[n], …] += updates[…, n, …]`, deterministic: links each entry to the next one with the same index, then
 * one lane walks each chain in order. `out` is written whole (zero where nothing lands).
 */
export interface ScatterKernel extends KernelBase {
  readonly kind: 'scatter'
  /** Axes of the output before and after the scattered axis, and the axis of entries. */
  readonly before: readonly Axis[]
  readonly entries: Axis
  readonly after: readonly Axis[]
  readonly size: Dim
  /** The target position of an entry: a scalar over `entries` alone. */
  readonly position: Scalar
  readonly value: Scalar
  readonly output: number
}

/** A prefix computation along `row`, one lane per outer index. */
export interface RunningKernel extends KernelBase {
  readonly kind: 'running'
  readonly outer: readonly Axis[]
  readonly row: Axis
  readonly reverse: boolean
  readonly exclusive: boolean
  readonly value: Scalar
  readonly store: Store
}

/**
 * A contraction whose one operand is never in memory: its element at (outer, row) is computed where it is needed.
 *
 *     accumulator[outer, columns] = Σ_row weight(outer, row) · value(outer, row, columns)
 *
 * With a `score`, each weight is multiplied by the exponential of the score, and all is one pass with a running
 * maximum (online softmax): stage 0 is the greatest score of a row, stage 1 is Σ_row exp(score − stage 0), and
 *
 *     accumulator = Σ_row exp(score − stage 0) · weight · value
 *
 * Attention's result is the one with a score; its gradients, which know the maximum and the sum already, are the other.
 */
export interface AttentionKernel extends KernelBase {
  readonly kind: 'attention'
  readonly outer: readonly Axis[]
  readonly row: readonly Axis[]
  readonly columns: readonly Axis[]
  /** Over outer and row axes. */
  readonly score: Scalar | undefined
  readonly weight: Scalar
  /** Over outer, row and column axes. */
  readonly value: Scalar
  /** Indexed by outer and column axes. */
  readonly stores: readonly Store[]
  /** Indexed by outer axes alone. */
  readonly results: readonly Store[]
}

/**
 * A recurrence whose batch rows are independent: each row runs all turns of `time`, in each the phases in order, and no
 * row reads what another has written. `before` runs once, ahead of the first turn, and fills the carries. A phase is a
 * kernel of a usual form with `batch` taken out of its axes: it is done for the row at `batch`, and what it writes only
 * later phases of the same row read. A phase reads nothing that it writes, but for an element in its own place.
 */
export interface ScanKernel extends KernelBase {
  readonly kind: 'scan'
  readonly batch: Axis
  readonly time: Axis
  readonly reverse: boolean
  readonly before: readonly ScanPhase[]
  readonly phases: readonly ScanPhase[]
  /** Slots whose values pass from turn to turn, and whether anyone reads them after the last. */
  readonly carries: readonly { readonly slot: number; readonly last: boolean }[]
  /** Slots whose values live within a turn. */
  readonly temporaries: readonly number[]
}

export type ScanPhase =
  | ({ readonly kind: 'map' } & Pick<MapKernel, 'axes' | 'stores'>)
  | ({ readonly kind: 'row' } & Pick<RowKernel, 'outer' | 'row' | 'stages' | 'stores' | 'results'>)
  | ({ readonly kind: 'contract' } & Pick<
      ContractKernel,
      'batch' | 'rows' | 'columns' | 'depth' | 'left' | 'right' | 'stores'
    >)

export type Kernel = MapKernel | RowKernel | ContractKernel | ScatterKernel | RunningKernel | AttentionKernel
export type KernelKind = Kernel['kind']
