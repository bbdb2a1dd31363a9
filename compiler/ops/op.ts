/**
 * What one primitive is: a row with everything the compiler, the reference interpreter, the documentation and the
 * tests need to know of it. Adding a primitive is one file with one row and one line in `registry.ts`.
 *
 * Rows are declared `export const exp: OpDef<'exp', NoAttributes> = {…}` (a `defineOp(…)` call would make the builder's
 * derived type circular).
 */
import type { Dim } from '../ir/dim.ts'
import type { DType, Node } from '../ir/graph.ts'
import type { ScalarFunction } from '../ir/scalar.ts'
import type { GraphBuilder } from './builder.ts'
import type { CarryTarget } from './carry-target.ts'
import type { PullbackOptions } from './pullback.ts'
import type { OpName } from './registry.ts'

export type NoAttributes = Readonly<Record<never, never>>

export interface TensorType {
  readonly shape: readonly Dim[]
  readonly dtype: DType
}

/** A tensor of the reference interpreter: row-major, dense; numbers of every dtype live in one typed array. */
export interface Value {
  readonly shape: readonly number[]
  readonly dtype: DType
  /** Float64Array for the oracle; Float32Array, Int32Array, Uint32Array when float32 is asked for. bool is 0 or 1. */
  readonly data: Float64Array | Float32Array | Int32Array | Uint32Array
  /** The results of a scan, which as a whole is no tensor. */
  readonly parts?: readonly Value[]
}

export interface EvaluationContext {
  /** The value of a symbolic dim under the bindings of this evaluation. */
  readonly size: (dim: Dim) => number
  /** A zeroed array of the type in which this evaluation holds numbers of a dtype. */
  readonly allocate: (dtype: DType, elements: number) => Value['data']
  /** Values of `input`, `parameter` and `state` leaves. */
  readonly leaf: (node: Node) => Value
}

/** FLOPs are counted as the field does: a multiply-add is two, any other scalar function one. */
export interface Cost {
  readonly flops: Dim
}

/**
 * What an op is like, for passes that must not ask which op it is.
 * - `leaf`: holds storage of its own (input, parameter, state, literal data).
 * - `map`: each output element is a scalar function of the operands' elements at the same index.
 * - `index`: each output element is a function of its own index alone, or of a key too (constant, iota, random bits).
 * - `view`: each output element is one operand element (or a fill value) at a computed index; costs nothing to compose.
 * - `reduce`: combines elements along axes (sum, max, arg-max, fold).
 * - `lookup`: reads an operand at an index that is itself data (gather).
 * - `contract`: sums of products of two operands (matrix product, convolution).
 * - `scatter`: adds operand slices at data-dependent places.
 * - `running`: a prefix computation along one axis (cumulative sum).
 * - `scan`: runs a body along an axis; its results are read by `project` nodes.
 * - `project`: one result of a scan.
 */
export type Lowering =
  /** `uniform`: one number that is the same for all lanes, which a dispatch is given beside its tensors. */
  | { readonly kind: 'leaf'; readonly uniform?: true }
  | { readonly kind: 'map'; readonly scalar: ScalarFunction; readonly cheap: boolean }
  | { readonly kind: 'index'; readonly cheap: boolean }
  | { readonly kind: 'view' }
  | { readonly kind: 'reduce'; readonly combine: Combine }
  | { readonly kind: 'lookup' }
  | { readonly kind: 'contract' }
  | { readonly kind: 'scatter' }
  | { readonly kind: 'running' }
  | { readonly kind: 'scan' }
  | { readonly kind: 'project' }

export type Combine = 'sum' | 'max' | 'min' | 'argmax' | 'argmin'

/** One sample drives the shape, evaluation, gradient and device tests of an op. */
export interface Sample<Attributes> {
  readonly operands: readonly SampleOperand[]
  readonly attributes: Attributes
  /** What is special about it, for the test's title. */
  readonly note?: string
}
export interface SampleOperand {
  readonly shape: readonly number[]
  readonly dtype?: DType
  /** Where the values are drawn from, uniformly; default [-2, 2], ints [0, 7]. `distinct` keeps away from ties. */
  readonly range?: readonly [number, number]
  readonly distinct?: boolean
}

export interface OpDef<Name extends string, Attributes> {
  readonly name: Name
  /** One sentence: what each element of the result is. */
  readonly doc: string
  readonly lower: Lowering
  /** The lowering where it depends on the attributes or the result's dtype (`cast`); ask through `lowerOf(node)`. */
  readonly lowerAs?: (attributes: Attributes, dtype: DType) => Lowering
  /** The result's type; throws `ShapeFault` (facts, no wording) when the operands do not fit. */
  readonly type: (operands: readonly TensorType[], attributes: Attributes) => TensorType
  /**
   * Cotangents of the operands given the node's, `undefined` where an operand has none. `undefined` as a whole: the op
   * is not differentiable (arg-max, comparisons), so no gradient flows.
   */
  readonly gradient:
    | ((builder: GraphBuilder, node: Node, cotangent: Node, attributes: Attributes) => readonly (Node | undefined)[])
    | undefined
  /**
   * For an op whose result is a tuple: cotangents of the operands given those of its parts, by index; then of the carries
   * asked for. `needed` says of which operands anything depends on the answer.
   */
  readonly tupleGradient?: (
    builder: GraphBuilder,
    node: Node,
    cotangents: ReadonlyMap<number, Node>,
    needed: readonly boolean[],
    attributes: Attributes,
    carries: readonly CarryTarget[],
    options: PullbackOptions,
  ) => readonly (Node | undefined)[]
  /** The float64 reference: plain loops. */
  readonly evaluate: (
    operands: readonly Value[],
    attributes: Attributes,
    context: EvaluationContext,
    node: Node,
  ) => Value
  readonly cost: (node: Node, attributes: Attributes) => Cost
  readonly samples: readonly Sample<Attributes>[]
  /** How attributes are printed in the graph's text: `axes=[1]`; default: JSON of the fields. */
  readonly print?: (attributes: Attributes) => string
}

/** Why operands do not fit an op: facts for the checker, which knows the spans and finds the words. */
export class ShapeFault extends Error {
  readonly fault: ShapeFaultFacts
  constructor(fault: ShapeFaultFacts) {
    super(fault.reason)
    this.fault = fault
  }
}
export interface ShapeFaultFacts {
  /** Stable name of the fault: `dims-differ`, `rank`, `dtype`, `axis-range`, `count-differs`, `not-divisible`, … */
  readonly kind: string
  /** A clause in the language's words: "axis 1 of the left operand is T, of the right operand S". */
  readonly reason: string
  /** Index of the operand at fault, where one is. */
  readonly operand?: number
}

/** A row whose op is not known: attributes are passed `as never`, samples are read as they are. */
export type AnyOpDef = Omit<OpDef<OpName, never>, 'samples'> & { readonly samples: readonly Sample<object>[] }
