/**
 * Makes graphs: checks each node against its op's type rule, interns it, and records where it came from. The fluent
 * methods say what a gradient or an elaborated program says: arithmetic broadcasts as in numpy, numbers become constants.
 */
import * as dims from '../ir/dim.ts'
import type { Dim } from '../ir/dim.ts'
import { type DType, type Graph, type Node, nodesOf, type Origin } from '../ir/graph.ts'
import { broadcastNode, permuteNode, reshapeNode, sliceNode } from './canonical-views.ts'
import { type Access, type ContractAxis } from './contract.ts'
import { fault, printType } from './faults.ts'
import type { TensorType } from './op.ts'
import { internKey } from './interning.ts'
import type { InputAttributes } from './leaf.ts'
import { matrixProduct } from './matrix-product.ts'
import { type OpAttributes, type OpName, opOf } from './registry.ts'
import type { FoldAttributes, WindowAttributes } from './window.ts'

/** A tensor, or a number that takes the dtype of what it meets. */
export type Operand = Node | number

/** Raised when a graph grows past the cap; the checker words it with the instantiation path. */
export class TooManyNodes extends Error {
  readonly limit: number
  constructor(limit: number) {
    super(`the graph has more than ${limit} nodes`)
    this.limit = limit
  }
}

export interface BuilderOptions {
  readonly maxNodes?: number
}

/** A node is listed under at most this many origins: a shared constant may come from everywhere. */
const maxOrigins = 16

export class GraphBuilder {
  readonly #nodes = new Map<string, Node>()
  readonly #origins = new Map<Node, Origin[]>()
  readonly #maxNodes: number
  #current: readonly Origin[] = []
  #nextId = 0

  constructor({ maxNodes = 1e6 }: BuilderOptions = {}) {
    this.#maxNodes = maxNodes
  }

  /** A builder that goes on where a graph ends: its nodes are known, and new ones get greater ids. */
  static continuing(
    results: Iterable<{ readonly node: Node }>,
    origins: ReadonlyMap<Node, readonly Origin[]> = new Map(),
    options: BuilderOptions = {},
  ): GraphBuilder {
    const builder = new GraphBuilder(options)
    for (const node of nodesOf(results)) {
      builder.#nodes.set(internKey(node.op, node.operands, node.attributes), node)
      builder.#nextId = Math.max(builder.#nextId, node.id + 1)
      const known = origins.get(node)
      if (known) builder.#origins.set(node, [...known])
    }
    return builder
  }

  get origins(): ReadonlyMap<Node, readonly Origin[]> {
    return this.#origins
  }
  get nodeCount(): number {
    return this.#nodes.size
  }

  /** Nodes made (or met again) inside `make` are recorded as coming from the origins. */
  withOrigin<T>(origin: Origin | readonly Origin[] | undefined, make: () => T): T {
    const before = this.#current
    this.#current = origin === undefined ? [] : 'span' in origin ? [origin] : origin
    try {
      return make()
    } finally {
      this.#current = before
    }
  }

  /** The node of an op, made unless an equal one exists; throws `ShapeFault` where the operands do not fit. */
  node<P extends OpName>(op: P, operands: readonly Node[], attributes: OpAttributes[P]): Node<P> {
    const key = internKey(op, operands, attributes)
    let node = this.#nodes.get(key)
    if (!node) {
      const { shape, dtype } = opOf({ op }).type(operands, attributes as never)
      if (this.#nodes.size >= this.#maxNodes) throw new TooManyNodes(this.#maxNodes)
      node = Object.freeze({ id: this.#nextId++, op, operands, attributes, shape, dtype }) as unknown as Node
      this.#nodes.set(key, node)
    }
    this.#record(node)
    return node as Node<P>
  }

  #record(node: Node): void {
    if (this.#current.length === 0) return
    const known = this.#origins.get(node)
    if (!known) this.#origins.set(node, [...this.#current])
    else
      for (const origin of this.#current)
        if (known.length < maxOrigins && !known.some((o) => o === origin || sameOrigin(o, origin))) known.push(origin)
  }

  graph(name: string, results: Graph['results']): Graph {
    return { name, results, origins: this.#origins }
  }

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
  randomBits(key: Node, site: number, shape: readonly Dim[]): Node {
    return this.node('random_bits', [key], { site, shape })
  }

  // ------------------------------------------------------------ elementwise

  neg(x: Node): Node { return this.node('neg', [x], {}) }
  abs(x: Node): Node { return this.node('abs', [x], {}) }
  sign(x: Node): Node { return this.node('sign', [x], {}) }
  floor(x: Node): Node { return this.node('floor', [x], {}) }
  ceil(x: Node): Node { return this.node('ceil', [x], {}) }
  round(x: Node): Node { return this.node('round', [x], {}) }
  exp(x: Node): Node { return this.node('exp', [x], {}) }
  log(x: Node): Node { return this.node('log', [x], {}) }
  sqrt(x: Node): Node { return this.node('sqrt', [x], {}) }
  rsqrt(x: Node): Node { return this.node('rsqrt', [x], {}) }
  sin(x: Node): Node { return this.node('sin', [x], {}) }
  cos(x: Node): Node { return this.node('cos', [x], {}) }
  tanh(x: Node): Node { return this.node('tanh', [x], {}) }
  erf(x: Node): Node { return this.node('erf', [x], {}) }
  not(x: Node): Node { return this.node('not', [x], {}) }
  unitFloat(x: Node): Node { return this.node('unit_float', [x], {}) }
  stopGradient(x: Node): Node { return this.node('stop_gradient', [x], {}) }
  cast(x: Node, to: DType): Node { return x.dtype === to ? x : this.node('cast', [x], { to }) }

  add(a: Operand, b: Operand): Node { return this.#binary('add', a, b) }
  sub(a: Operand, b: Operand): Node { return this.#binary('sub', a, b) }
  mul(a: Operand, b: Operand): Node { return this.#binary('mul', a, b) }
  div(a: Operand, b: Operand): Node { return this.#binary('div', a, b) }
  pow(a: Operand, b: Operand): Node { return this.#binary('pow', a, b) }
  minimum(a: Operand, b: Operand): Node { return this.#binary('minimum', a, b) }
  maximum(a: Operand, b: Operand): Node { return this.#binary('maximum', a, b) }
  floorDiv(a: Operand, b: Operand): Node { return this.#binary('floor_div', a, b) }
  modulo(a: Operand, b: Operand): Node { return this.#binary('modulo', a, b) }
  eq(a: Operand, b: Operand): Node { return this.#binary('eq', a, b) }
  ne(a: Operand, b: Operand): Node { return this.#binary('ne', a, b) }
  lt(a: Operand, b: Operand): Node { return this.#binary('lt', a, b) }
  le(a: Operand, b: Operand): Node { return this.#binary('le', a, b) }
  gt(a: Operand, b: Operand): Node { return this.#binary('lt', b, a) }
  ge(a: Operand, b: Operand): Node { return this.#binary('le', b, a) }
  and(a: Operand, b: Operand): Node { return this.#binary('and', a, b) }
  or(a: Operand, b: Operand): Node { return this.#binary('or', a, b) }
  select(condition: Node, a: Operand, b: Operand): Node {
    const [x, y] = this.#nodesOf(a, b)
    const shape = this.broadcastShape([condition, x, y])
    return this.node('select', [this.broadcastTo(condition, shape), this.broadcastTo(x, shape), this.broadcastTo(y, shape)], {})
  }

  #binary(op: OpName, a: Operand, b: Operand): Node {
    const [x, y] = this.#nodesOf(a, b)
    const shape = this.broadcastShape([x, y])
    return this.node(op, [this.broadcastTo(x, shape), this.broadcastTo(y, shape)], {} as never)
  }
  #nodesOf(a: Operand, b: Operand): [Node, Node] {
    const dtype = typeof a !== 'number' ? a.dtype : typeof b !== 'number' ? b.dtype : 'float'
    return [typeof a === 'number' ? this.constant(a, dtype) : a, typeof b === 'number' ? this.constant(b, dtype) : b]
  }

  // ------------------------------------------------------------ broadcasting

  /** The shape that numpy's rules give: aligned at the last axis, a literal 1 stretches. */
  broadcastShape(types: readonly TensorType[]): readonly Dim[] {
    const rank = Math.max(...types.map(({ shape }) => shape.length))
    return Array.from({ length: rank }, (_, axis) => {
      let found = dims.one
      let from: TensorType | undefined
      for (const [index, type] of types.entries()) {
        const dim = type.shape[axis - rank + type.shape.length]
        if (dim === undefined || dim === dims.one || dim === found) continue
        if (from)
          fault('dims-differ', `axis ${axis - rank} of ${printType(from)} is ${found.key}, of ${printType(type)} ${dim.key}`, index)
        found = dim
        from = type
      }
      return found
    })
  }
  /** Stretches to a shape by numpy's rules. */
  broadcastTo(x: Node, shape: readonly Dim[]): Node {
    if (dims.sameDims(x.shape, shape)) return x
    const missing = shape.length - x.shape.length
    if (missing < 0) fault('rank', `${printType(x)} has more axes than ${dims.printDims(shape)}`)
    const kept = x.shape.map((_, axis) => axis).filter((axis) => x.shape[axis] === shape[axis + missing])
    for (const [axis, dim] of x.shape.entries())
      if (!kept.includes(axis) && dim !== dims.one)
        fault('dims-differ', `axis ${axis} of ${printType(x)} is ${dim.key}, of the result ${shape[axis + missing]!.key}`)
    return this.broadcast(this.reshape(x, kept.map((axis) => x.shape[axis]!)), shape, kept.map((axis) => axis + missing))
  }

  // ------------------------------------------------------------ views

  reshape(x: Node, shape: readonly Dim[]): Node { return reshapeNode(this, x, shape) }
  permute(x: Node, order: readonly number[]): Node { return permuteNode(this, x, order) }
  /** Operand axis i becomes result axis `axes[i]`; the other axes repeat it. */
  broadcast(x: Node, shape: readonly Dim[], axes: readonly number[]): Node { return broadcastNode(this, x, shape, axes) }
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

  sum(x: Node, axes: readonly number[], keep = false): Node { return this.#reduce('reduce_sum', x, axes, keep) }
  max(x: Node, axes: readonly number[], keep = false): Node { return this.#reduce('reduce_max', x, axes, keep) }
  min(x: Node, axes: readonly number[], keep = false): Node { return this.#reduce('reduce_min', x, axes, keep) }
  /** The sum over the number of elements, which may be symbolic. */
  mean(x: Node, axes: readonly number[], keep = false): Node {
    return this.div(this.sum(x, axes, keep), this.size(dims.product(axes.map((axis) => x.shape[axis] ?? dims.one))))
  }
  argmax(x: Node, axes: readonly number[]): Node { return this.node('argmax', [x], { axes: ascending(axes) }) }
  argmin(x: Node, axes: readonly number[]): Node { return this.node('argmin', [x], { axes: ascending(axes) }) }
  fold(x: Node, attributes: FoldAttributes): Node { return this.node('fold', [x], attributes) }
  cumsum(x: Node, axis: number, { reverse = false, exclusive = false } = {}): Node {
    return this.node('cumsum', [x], { axis, reverse, exclusive })
  }

  #reduce(op: 'reduce_sum' | 'reduce_max' | 'reduce_min', x: Node, axes: readonly number[], keep: boolean): Node {
    const reduced = axes.length === 0 ? x : this.node(op, [x], { axes: ascending(axes) })
    return keep ? this.reshape(reduced, x.shape.map((dim, axis) => (axes.includes(axis) ? dims.one : dim))) : reduced
  }

  // ------------------------------------------------------------ data-dependent places, products

  gather(x: Node, indices: Node, axis: number): Node { return this.node('gather', [x, indices], { axis }) }
  scatterAdd(updates: Node, indices: Node, axis: number, size: Dim): Node {
    return this.node('scatter_add', [updates, indices], { axis, size })
  }
  contract(
    left: Node,
    right: Node,
    attributes: { readonly axes: readonly ContractAxis[]; readonly left: readonly Access[]; readonly right: readonly Access[]; readonly output: readonly string[] },
  ): Node {
    return this.node('contract', [left, right], attributes)
  }
  /** As numpy's `@`: batch axes broadcast, a vector is a row on the left and a column on the right. */
  matmul(a: Node, b: Node): Node { return matrixProduct(this, a, b) }
}

const ascending = (axes: readonly number[]): readonly number[] => [...axes].sort((a, b) => a - b)

const sameOrigin = (a: Origin, b: Origin): boolean =>
  a.role === b.role && a.path === b.path && a.span.start === b.span.start && a.span.end === b.span.end && a.span.source === b.span.source
