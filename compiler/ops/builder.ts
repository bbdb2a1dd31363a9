/**
 * The words in which programs and gradients are written: one method per op and the usual combinations of them.
 * Arithmetic broadcasts as in numpy, numbers become constants of what they meet.
 */
import type { Dim } from '../ir/dim.ts'
import * as dims from '../ir/dim.ts'
import type { DType, Node } from '../ir/graph.ts'
import { broadcastShape, broadcastTo } from './broadcasting.ts'
import { broadcastNode, permuteNode, reshapeNode, sliceNode } from './canonical-views.ts'
import type { Access, ContractAxis } from './contract.ts'
import type { InputAttributes } from './leaf.ts'
import { matrixProduct } from './matrix-product.ts'
import { NodeTable } from './node-table.ts'
import type { TensorType } from './op.ts'
import type { OpName } from './registry.ts'
import { type ScanAttributes, scanResultTypes } from './scan.ts'
import { makeScan, type ScanParts } from './scan-build.ts'
import type { FoldAttributes, WindowAttributes } from './window.ts'

export { type BuilderOptions, TooManyNodes } from './node-table.ts'

/** A tensor, or a number that takes the dtype of what it meets. */
export type Operand = Node | number

export class GraphBuilder extends NodeTable {
  // ------------------------------------------------------------ leaves and functions of the index

  input(name: string, shape: readonly Dim[], dtype: DType = 'float', role: InputAttributes['role'] = 'input'): Node {
    return this.node('input', [], { name, shape, dtype, role })
  }
  parameter(path: string, shape: readonly Dim[]): Node {
    return this.node('parameter', [], { path, shape })
  }
  state(path: string, shape: readonly Dim[], dtype: DType = 'float'): Node {
    return this.node('state', [], { path, shape, dtype })
  }
  literal(data: readonly number[], shape: readonly number[], dtype: DType = 'float'): Node {
    return this.node('literal', [], { data, shape, dtype })
  }
  stream(number: number): Node {
    return this.node('stream', [], { stream: number })
  }
  constant(value: number, dtype: DType = 'float'): Node {
    return this.node('constant', [], { value, dtype })
  }
  full(shape: readonly Dim[], value: number, dtype: DType = 'float'): Node {
    return this.broadcast(this.constant(value, dtype), shape, [])
  }
  /** The value of a dim as a float scalar. */
  size(dim: Dim): Node {
    return dim.constant !== undefined ? this.constant(dim.constant) : this.node('size', [], { dim })
  }
  iota(shape: readonly Dim[], axis: number): Node {
    return this.node('iota', [], { shape, axis })
  }
  /** `layer`, an int scalar, is added to the number of the site. */
  randomBits(key: Node, site: number, shape: readonly Dim[], layer?: Node): Node {
    return this.node('random_bits', layer ? [key, layer] : [key], { site, shape })
  }

  /** A new leaf for the body of a scan. */
  bound(shape: readonly Dim[], dtype: DType = 'float'): Node {
    return this.node('bound', [], { id: this.nextId, shape, dtype })
  }
  scanResult(scan: Node, index: number): Node {
    const { shape, dtype } = scanResultTypes(scan.attributes as ScanAttributes)[index]!
    return this.node('scan_result', [scan], { index, shape, dtype })
  }
  /** Runs a step along an axis; `elements` and `carries` are leaves made by `bound`. The results: last carries, stacked yields. */
  scan(parts: ScanParts): Node[] {
    const made = makeScan(this, this, parts)
    return scanResultTypes(made.attributes as ScanAttributes).map((_, index) => this.scanResult(made, index))
  }

  // ------------------------------------------------------------ elementwise

  neg(x: Node): Node {
    return this.node('neg', [x], {})
  }
  abs(x: Node): Node {
    return this.node('abs', [x], {})
  }
  sign(x: Node): Node {
    return this.node('sign', [x], {})
  }
  floor(x: Node): Node {
    return this.node('floor', [x], {})
  }
  ceil(x: Node): Node {
    return this.node('ceil', [x], {})
  }
  round(x: Node): Node {
    return this.node('round', [x], {})
  }
  exp(x: Node): Node {
    return this.node('exp', [x], {})
  }
  log(x: Node): Node {
    return this.node('log', [x], {})
  }
  sqrt(x: Node): Node {
    return this.node('sqrt', [x], {})
  }
  rsqrt(x: Node): Node {
    return this.node('rsqrt', [x], {})
  }
  sin(x: Node): Node {
    return this.node('sin', [x], {})
  }
  cos(x: Node): Node {
    return this.node('cos', [x], {})
  }
  tanh(x: Node): Node {
    return this.node('tanh', [x], {})
  }
  erf(x: Node): Node {
    return this.node('erf', [x], {})
  }
  not(x: Node): Node {
    return this.node('not', [x], {})
  }
  isFinite(x: Node): Node {
    return this.node('is_finite', [x], {})
  }
  unitFloat(x: Node): Node {
    return this.node('unit_float', [x], {})
  }
  again(x: Node): Node {
    return this.node('again', [x], {})
  }
  stopGradient(x: Node): Node {
    return this.node('stop_gradient', [x], {})
  }
  cast(x: Node, to: DType): Node {
    return x.dtype === to ? x : this.node('cast', [x], { to })
  }

  add(a: Operand, b: Operand): Node {
    return this.#binary('add', a, b)
  }
  sub(a: Operand, b: Operand): Node {
    return this.#binary('sub', a, b)
  }
  mul(a: Operand, b: Operand): Node {
    return this.#binary('mul', a, b)
  }
  div(a: Operand, b: Operand): Node {
    return this.#binary('div', a, b)
  }
  pow(a: Operand, b: Operand): Node {
    return this.#binary('pow', a, b)
  }
  minimum(a: Operand, b: Operand): Node {
    return this.#binary('minimum', a, b)
  }
  maximum(a: Operand, b: Operand): Node {
    return this.#binary('maximum', a, b)
  }
  floorDiv(a: Operand, b: Operand): Node {
    return this.#binary('floor_div', a, b)
  }
  modulo(a: Operand, b: Operand): Node {
    return this.#binary('modulo', a, b)
  }
  eq(a: Operand, b: Operand): Node {
    return this.#binary('eq', a, b)
  }
  ne(a: Operand, b: Operand): Node {
    return this.#binary('ne', a, b)
  }
  lt(a: Operand, b: Operand): Node {
    return this.#binary('lt', a, b)
  }
  le(a: Operand, b: Operand): Node {
    return this.#binary('le', a, b)
  }
  gt(a: Operand, b: Operand): Node {
    return this.#binary('lt', b, a)
  }
  ge(a: Operand, b: Operand): Node {
    return this.#binary('le', b, a)
  }
  and(a: Operand, b: Operand): Node {
    return this.#binary('and', a, b)
  }
  or(a: Operand, b: Operand): Node {
    return this.#binary('or', a, b)
  }
  select(condition: Node, a: Operand, b: Operand): Node {
    const [x, y] = this.#nodesOf(a, b)
    const shape = this.broadcastShape([condition, x, y])
    return this.node(
      'select',
      [this.broadcastTo(condition, shape), this.broadcastTo(x, shape), this.broadcastTo(y, shape)],
      {},
    )
  }

  #binary(op: OpName, a: Operand, b: Operand): Node {
    const dtype = typeof a !== 'number' ? a.dtype : typeof b !== 'number' ? b.dtype : 'float'
    const x = typeof a === 'number' ? this.constant(a, dtype) : a
    const y = typeof b === 'number' ? this.constant(b, dtype) : b
    if (dims.sameDims(x.shape, y.shape)) return this.node(op, [x, y], {} as never)
    const shape = this.broadcastShape([x, y])
    return this.node(op, [this.broadcastTo(x, shape), this.broadcastTo(y, shape)], {} as never)
  }
  #nodesOf(a: Operand, b: Operand): [Node, Node] {
    const dtype = typeof a !== 'number' ? a.dtype : typeof b !== 'number' ? b.dtype : 'float'
    return [typeof a === 'number' ? this.constant(a, dtype) : a, typeof b === 'number' ? this.constant(b, dtype) : b]
  }

  // ------------------------------------------------------------ broadcasting

  broadcastShape(types: readonly TensorType[]): readonly Dim[] {
    return broadcastShape(types)
  }
  /** Stretches to a shape by numpy's rules. */
  broadcastTo(x: Node, shape: readonly Dim[]): Node {
    return broadcastTo(this, x, shape)
  }

  // ------------------------------------------------------------ views

  reshape(x: Node, shape: readonly Dim[]): Node {
    return reshapeNode(this, x, shape)
  }
  permute(x: Node, order: readonly number[]): Node {
    return permuteNode(this, x, order)
  }
  /** Operand axis i becomes result axis `axes[i]`; the other axes repeat it. */
  broadcast(x: Node, shape: readonly Dim[], axes: readonly number[]): Node {
    return broadcastNode(this, x, shape, axes)
  }
  slice(x: Node, starts: readonly Dim[], sizes: readonly Dim[], steps: readonly number[] = sizes.map(() => 1)): Node {
    return sliceNode(this, x, starts, sizes, steps)
  }
  /** The elements along one axis in the opposite order. */
  reverse(x: Node, axis: number): Node {
    const last = dims.subtract(x.shape[axis]!, dims.one)
    return this.slice(
      x,
      x.shape.map((_, at) => (at === axis ? last : dims.zero)),
      x.shape,
      x.shape.map((_, at) => (at === axis ? -1 : 1)),
    )
  }
  pad(x: Node, low: readonly Dim[], high: readonly Dim[], value: number): Node {
    return [...low, ...high].every((dim) => dim === dims.zero) ? x : this.node('pad', [x], { low, high, value })
  }
  concat(parts: readonly Node[], axis: number): Node {
    return parts.length === 1 ? parts[0]! : this.node('concat', parts, { axis })
  }
  window(x: Node, attributes: Omit<WindowAttributes, 'high'> & { readonly high: Dim | number }): Node {
    const high = typeof attributes.high === 'number' ? dims.dim(attributes.high) : attributes.high
    return this.node('window', [x], { ...attributes, high })
  }
  /** The shape with the axes from `from` on merged into one. */
  mergeAxes(shape: readonly Dim[], from: number): readonly Dim[] {
    return [...shape.slice(0, from), dims.product(shape.slice(from))]
  }

  // ------------------------------------------------------------ reductions

  sum(x: Node, axes: readonly number[], keep = false): Node {
    return this.#reduce('reduce_sum', x, axes, keep)
  }
  max(x: Node, axes: readonly number[], keep = false): Node {
    return this.#reduce('reduce_max', x, axes, keep)
  }
  min(x: Node, axes: readonly number[], keep = false): Node {
    return this.#reduce('reduce_min', x, axes, keep)
  }
  /** The sum over the number of elements, which may be symbolic. */
  mean(x: Node, axes: readonly number[], keep = false): Node {
    return this.div(this.sum(x, axes, keep), this.size(dims.product(axes.map((axis) => x.shape[axis] ?? dims.one))))
  }
  argmax(x: Node, axes: readonly number[]): Node {
    return this.node('argmax', [x], { axes: ascending(axes) })
  }
  argmin(x: Node, axes: readonly number[]): Node {
    return this.node('argmin', [x], { axes: ascending(axes) })
  }
  fold(x: Node, attributes: FoldAttributes): Node {
    return this.node('fold', [x], attributes)
  }
  cumsum(x: Node, axis: number, { reverse = false, exclusive = false } = {}): Node {
    return this.node('cumsum', [x], { axis, reverse, exclusive })
  }

  #reduce(op: 'reduce_sum' | 'reduce_max' | 'reduce_min', x: Node, axes: readonly number[], keep: boolean): Node {
    const reduced = axes.length === 0 ? x : this.node(op, [x], { axes: ascending(axes) })
    return keep
      ? this.reshape(
          reduced,
          x.shape.map((dim, axis) => (axes.includes(axis) ? dims.one : dim)),
        )
      : reduced
  }

  // ------------------------------------------------------------ data-dependent places, products

  gather(x: Node, indices: Node, axis: number): Node {
    return this.node('gather', [x, indices], { axis })
  }
  scatterAdd(updates: Node, indices: Node, axis: number, size: Dim): Node {
    return this.node('scatter_add', [updates, indices], { axis, size })
  }
  contract(
    left: Node,
    right: Node,
    attributes: {
      readonly axes: readonly ContractAxis[]
      readonly left: readonly Access[]
      readonly right: readonly Access[]
      readonly output: readonly string[]
    },
  ): Node {
    return this.node('contract', [left, right], attributes)
  }
  /** As numpy's `@`: batch axes broadcast, a vector is a row on the left and a column on the right. */
  matmul(a: Node, b: Node): Node {
    return matrixProduct(this, a, b)
  }
}

const ascending = (axes: readonly number[]): readonly number[] => [...axes].sort((a, b) => a - b)
