/**
 * Random programs, valid by construction: ops are drawn from the registry and given operands and attributes that fit.
 * The same seed gives the same program, with values for its leaves. Values stay bounded and away from poles, and what
 * jumps (floor, comparisons, arg-max, …) is applied only to values that every device holds exactly, so that a program
 * has one answer up to rounding.
 */

import { differentiate } from '../compiler/3-differentiate/differentiate.ts'
import {
  type Bindings,
  type Dim,
  dim,
  evaluate as evaluateDim,
  one,
  product,
  symbol,
  zero,
} from '../compiler/ir/dim.ts'
import type { DType, Graph, Node, Result } from '../compiler/ir/graph.ts'
import { scalarMeaning } from '../compiler/ir/scalar.ts'
import { GraphBuilder } from '../compiler/ops/builder.ts'
import { ShapeFault, type Value } from '../compiler/ops/op.ts'
import { type OpName, opNames, opOf } from '../compiler/ops/registry.ts'
import { drawValue, generator } from './ops/sample-graph.ts'

export interface RandomGraphOptions {
  /** Nodes to draw, leaves not counted; default 12. */
  readonly nodes?: number
  /** Also results with the gradient of a loss for every float leaf; default false. */
  readonly gradients?: boolean
  /** Ops to draw from; default all but `stop_gradient`. */
  readonly ops?: readonly OpName[]
}

export interface RandomGraph {
  readonly seed: number
  readonly graph: Graph
  readonly builder: GraphBuilder
  /** Values of the free dims `batch` and `T`. */
  readonly dims: Bindings
  /** Leaf name or path → value under those dims. */
  readonly leaves: ReadonlyMap<string, Value>
}

/** What a leaf is called, whatever its op. */
export function leafName(node: Node): string {
  if (node.op === 'input') return node.attributes.name
  if (node.op === 'parameter' || node.op === 'state') return node.attributes.path
  throw new Error(`${node.op} has no name`)
}

export function randomGraph(seed: number, options: RandomGraphOptions = {}): RandomGraph {
  const drawing = new Drawing(seed, options)
  for (let tries = 0, made = 0; made < (options.nodes ?? 12) && tries < 400; tries++) if (drawing.drawNode()) made++
  return drawing.finish(options.gradients ?? false)
}

/** Above this a value is pressed back into [-1, 1], so that no product runs away. */
const greatest = 64

class Drawing {
  readonly #builder = new GraphBuilder()
  readonly #random: () => number
  readonly #seed: number
  readonly #dims: Bindings
  readonly #leaves = new Map<string, Value>()
  readonly #pool: Node[] = []
  /** An upper bound of the magnitude of each node's elements. */
  readonly #bounds = new Map<Node, number>()
  /** Nodes whose values involve no rounding. */
  readonly #exact = new Set<Node>()
  readonly #ops: readonly OpName[]

  constructor(seed: number, { ops }: RandomGraphOptions) {
    this.#seed = seed
    this.#random = generator(seed)
    this.#ops =
      ops ??
      opNames.filter((op) => !['leaf', 'scan', 'project'].includes(opOf({ op }).lower.kind) && op !== 'stop_gradient')
    const sizes = [1, 2, 3, 4, 5, 7, 8, 16, 17]
    this.#dims = new Map([
      ['batch', this.#random() < 0.08 ? 0 : this.#pick(sizes)],
      ['T', this.#pick(sizes)],
    ])
    const leaves = 2 + this.#below(3)
    for (let i = 0; i < leaves; i++) this.#drawLeaf(i === 1 ? 'int' : 'float')
  }

  finish(gradients: boolean): RandomGraph {
    const b = this.#builder
    const used = new Set(this.#pool.flatMap((node) => node.operands))
    const open = this.#pool.filter((node) => !used.has(node) && opOf(node).lower.kind !== 'leaf')
    const last = open.length > 0 ? open : this.#pool.slice(-1)
    const results: Result[] = last.map((node, i) => ({ name: `output${i}`, node, role: 'output' }))
    if (gradients) {
      const parts = last.filter((node) => node.dtype === 'float').map((node) => b.sum(b.mul(node, node), axesOf(node)))
      const leaves = this.#pool.filter((node) => node.dtype === 'float' && opOf(node).lower.kind === 'leaf')
      if (parts.length > 0) {
        const loss = parts.reduce((x, y) => b.add(x, y))
        results.push({ name: 'loss', node: loss, role: 'loss' })
        for (const [i, node] of differentiate(b, loss, leaves).entries())
          results.push({ name: `grad.${leafName(leaves[i]!)}`, node, role: 'gradient' })
      }
    }
    return {
      seed: this.#seed,
      graph: b.graph(`random${this.#seed}`, results),
      builder: b,
      dims: this.#dims,
      leaves: this.#leaves,
    }
  }

  #drawLeaf(dtype: DType): void {
    const b = this.#builder
    const rank = this.#pick(dtype === 'int' ? [1, 1, 2] : [0, 1, 2, 2, 3, 3])
    const shape = Array.from({ length: rank }, () =>
      this.#pick([symbol('batch'), symbol('T'), one, dim(2), dim(3), dim(5)]),
    )
    const name = `x${this.#leaves.size}`
    const isParameter = dtype === 'float' && this.#random() < 0.5 && shape.every((size) => size.constant !== undefined)
    const node = isParameter ? b.parameter(name, shape) : b.input(name, shape, dtype)
    const value = drawValue(
      { shape: shape.map((size) => this.#size(size)), dtype, ...(dtype === 'int' && { range: [-2, 6] }) },
      this.#random,
    )
    // Multiples of 1/32: exact in float32, and sums of a few of them too.
    if (dtype === 'float')
      for (let i = 0; i < value.data.length; i++) value.data[i] = Math.round(value.data[i]! * 32) / 32
    this.#leaves.set(name, value)
    this.#admit(node, dtype === 'float' ? 2 : 6, true)
  }

  /** Whether a further node was made: a draw may not fit, or give what is there already. */
  drawNode(): boolean {
    const before = this.#pool.length
    try {
      this.#draw(this.#pick(this.#ops))
    } catch (error) {
      if (!(error instanceof ShapeFault)) throw error
    }
    return this.#pool.length > before
  }

  #draw(op: OpName): Node | undefined {
    const kind = opOf({ op }).lower.kind
    if (kind === 'map') return this.#drawMap(op)
    const b = this.#builder
    const x = this.#pick(this.#pool)
    const bound = this.#bounds.get(x)!
    const exact = this.#exact.has(x)
    const axis = this.#below(x.shape.length)
    const some = axesOf(x).filter(() => this.#random() < 0.5)
    switch (op) {
      case 'constant': {
        const value = this.#below(65) / 16 - 2
        return this.#admit(b.constant(value), 2, true)
      }
      case 'size':
        return this.#admit(b.size(symbol('T')), 8, true)
      case 'iota':
        return x.shape.length > 0 ? this.#admit(b.iota(x.shape, axis), 8, true) : undefined
      case 'random_bits': {
        const key = b.literal([this.#below(1000), this.#below(1000)], [2], 'uint')
        const stream = this.#below(9)
        const bits =
          stream % 3 === 0 ? b.randomBits(key, stream, x.shape) : b.randomBits(key, 0, x.shape, b.stream(stream))
        return this.#admit(b.unitFloat(bits), 1, true)
      }
      case 'reshape': {
        const shape =
          this.#random() < 0.5 ? [product(x.shape)] : [...x.shape.slice(0, axis), one, ...x.shape.slice(axis)]
        return this.#admit(b.reshape(x, shape), bound, exact)
      }
      case 'permute':
        return this.#admit(b.permute(x, this.#shuffle(axesOf(x))), bound, exact)
      case 'broadcast': {
        const size = this.#pick([symbol('batch'), dim(3), dim(2), one])
        const at = this.#below(x.shape.length + 1)
        return this.#admit(
          b.broadcast(
            x,
            x.shape.toSpliced(at, 0, size),
            axesOf(x).map((i) => (i < at ? i : i + 1)),
          ),
          bound,
          exact,
        )
      }
      case 'slice': {
        const cut = x.shape.map((size) => this.#drawSlice(size))
        return this.#admit(
          b.slice(
            x,
            cut.map((c) => c.start),
            cut.map((c) => c.size),
            cut.map((c) => c.step),
          ),
          bound,
          exact,
        )
      }
      case 'pad': {
        const amounts = () => x.shape.map(() => dim(this.#random() < 0.6 ? 0 : this.#below(3)))
        const value = x.dtype === 'float' ? this.#pick([0, 0, 0.5]) : 0
        return this.#admit(b.pad(x, amounts(), amounts(), value), Math.max(bound, 1), exact)
      }
      case 'concat': {
        if (x.shape.length === 0) return undefined
        const fits = (y: Node) =>
          y.dtype === x.dtype &&
          y.shape.length === x.shape.length &&
          y.shape.every((size, i) => i === axis || size === x.shape[i])
        const others = this.#pool.filter(fits)
        const parts = [x, this.#pick(others), ...(this.#random() < 0.3 ? [x] : [])]
        return this.#admit(
          b.concat(parts, axis),
          Math.max(...parts.map((p) => this.#bounds.get(p)!)),
          parts.every((p) => this.#exact.has(p)),
        )
      }
      case 'window': {
        if (x.shape.length === 0 || x.dtype !== 'float') return undefined
        const size = 1 + this.#below(3)
        const dilation = 1 + this.#below(3)
        const padding = (size - 1) * dilation
        const stride = 1 + this.#below(3)
        return this.#admit(
          b.window(x, {
            axis,
            size,
            stride,
            dilation,
            low: this.#below(padding + 1),
            high: padding,
            fill: this.#pick([0, 0, -1]),
          }),
          Math.max(bound, 1),
          exact,
        )
      }
      case 'fold': {
        const axes = axesOf(x).filter((i) => x.shape[i + 1]?.constant !== undefined && x.shape[i + 1]!.constant! > 0)
        if (axes.length === 0 || x.dtype !== 'float') return undefined
        const at = this.#pick(axes)
        return this.#admit(
          b.fold(x, {
            axis: at,
            size: this.#pick([x.shape[at]!, dim(4)]),
            stride: 1 + this.#below(3),
            dilation: 1 + this.#below(3),
            low: this.#below(2),
          }),
          bound * 8,
          false,
        )
      }
      case 'reduce_sum':
        return this.#admit(b.sum(x, some, this.#random() < 0.3), bound * this.#elements(x, some), x.dtype === 'int')
      case 'reduce_max':
      case 'reduce_min':
        if (this.#isEmpty(x, some)) return undefined
        return this.#admit(op === 'reduce_max' ? b.max(x, some) : b.min(x, some), bound, exact)
      case 'argmax':
      case 'argmin':
        if (!exact || some.length === 0 || this.#isEmpty(x, some)) return undefined
        return this.#admit(op === 'argmax' ? b.argmax(x, some) : b.argmin(x, some), this.#elements(x, some), true)
      case 'gather': {
        const indices = this.#pool.filter((node) => node.dtype === 'int' && node.shape.length <= 2)
        if (x.shape.length === 0 || this.#size(x.shape[axis]!) === 0) return undefined
        return this.#admit(b.gather(x, this.#pick(indices), axis), bound, exact)
      }
      case 'scatter_add': {
        const indices = this.#pick(this.#pool.filter((node) => node.dtype === 'int' && node.shape.length <= 2))
        if (x.dtype !== 'float') return undefined
        const at = axesOf(x).filter((i) => indices.shape.every((size, k) => x.shape[i + k] === size))
        if (at.length === 0) return undefined
        return this.#admit(
          b.scatterAdd(x, indices, this.#pick(at), dim(1 + this.#below(6))),
          bound * this.#elements(indices, axesOf(indices)),
          false,
        )
      }
      case 'cumsum':
        if (x.shape.length === 0) return undefined
        return this.#admit(
          b.cumsum(x, axis, { reverse: this.#random() < 0.5, exclusive: this.#random() < 0.5 }),
          bound * this.#size(x.shape[axis]!),
          x.dtype === 'int',
        )
      case 'contract':
        return this.#random() < 0.35 ? this.#drawConvolution() : this.#drawProduct()
      default:
        return undefined
    }
  }

  /** An elementwise op on operands of its domain; a float operand is first brought where the function is tame. */
  #drawMap(op: OpName): Node | undefined {
    const { lower } = opOf({ op })
    if (lower.kind !== 'map') return undefined
    const b = this.#builder
    if (op === 'cast') {
      const x = this.#pick(this.#pool)
      const to = this.#pick(['float', 'int', 'bool'] as const)
      if (x.dtype === 'uint' || (x.dtype === 'float' && !this.#exact.has(x))) return undefined
      return this.#admit(b.cast(x, to), to === 'bool' ? 1 : this.#bounds.get(x)!, true)
    }
    const jumps = ['sign', 'floor', 'ceil', 'round', 'floor_div', 'modulo', 'eq', 'ne', 'lt', 'le'].includes(op)
    const operands: Node[] = []
    const first = this.#pick(this.#pool)
    for (let i = 0; i < scalarMeaning[lower.scalar].arity; i++) {
      const dtype = op === 'select' ? (i === 0 ? 'bool' : first.dtype) : first.dtype
      const fitting = this.#pool.filter((node) => node.dtype === dtype && (!jumps || this.#exact.has(node)))
      if (fitting.length === 0) return undefined
      operands.push(i === 0 && op !== 'select' && fitting.includes(first) ? first : this.#pick(fitting))
    }
    const dtype = operands.at(-1)!.dtype
    const shape = b.broadcastShape(operands)
    const exact = operands.every((operand) => this.#exact.has(operand))
    const [x, y] = operands.map((operand, i) => (dtype === 'float' ? this.#tame(op, i, operand) : operand))
    const bounds = operands.map((operand) => this.#bounds.get(operand)!)
    if (dtype !== 'float' && (op === 'floor_div' || op === 'modulo')) return undefined
    const stretched = [x!, ...(y ? [y] : []), ...operands.slice(2)].map((operand) => b.broadcastTo(operand, shape))
    const node = b.node(op, stretched, {} as never)
    const keepsExact =
      node.dtype !== 'float' || (exact && (jumps || ['neg', 'abs', 'minimum', 'maximum', 'select'].includes(op)))
    return this.#admit(node, boundOf(op, bounds), keepsExact && op !== 'modulo' && op !== 'floor_div')
  }

  #tame(op: OpName, index: number, x: Node): Node {
    const b = this.#builder
    const positive = () => b.add(b.abs(x), 0.5)
    switch (op) {
      case 'exp':
        return b.minimum(x, 2.03)
      case 'log':
      case 'sqrt':
      case 'rsqrt':
        return positive()
      case 'div':
      case 'floor_div':
      case 'modulo':
        return index === 1 ? positive() : x
      case 'pow':
        return index === 0 ? positive() : b.tanh(x)
      default:
        return x
    }
  }

  #drawProduct(): Node | undefined {
    const b = this.#builder
    const matrices = this.#pool.filter((node) => node.dtype === 'float' && node.shape.length >= 1)
    if (matrices.length === 0) return undefined
    const left = this.#pick(matrices)
    const depth = left.shape.at(-1)!
    const right = this.#pick(matrices)
    const turned =
      right.shape.at(-1) === depth && right.shape.length >= 2
        ? b.permute(right, [...axesOf(right).slice(0, -2), right.shape.length - 1, right.shape.length - 2])
        : right
    const bound = this.#bounds.get(left)! * this.#bounds.get(right)! * Math.max(1, this.#size(depth))
    return this.#admit(b.matmul(left, turned), bound, false)
  }

  /** One axis of a tensor slid over by a filter, with stride, dilation and padding. */
  #drawConvolution(): Node | undefined {
    const b = this.#builder
    const signals = this.#pool.filter(
      (node) => node.dtype === 'float' && node.shape.length >= 2 && (node.shape.at(-1)!.constant ?? 0) >= 2,
    )
    if (signals.length === 0) return undefined
    const x = this.#pick(signals)
    const [size, stride, dilation, low] = [1 + this.#below(3), 1 + this.#below(3), 1 + this.#below(3), this.#below(3)]
    const channels = x.shape.at(-2)!
    if (channels.constant === undefined) return undefined
    const windows = Math.floor((x.shape.at(-1)!.constant! + 2 * low - (size - 1) * dilation - 1) / stride) + 1
    if (windows < 1) return undefined
    const name = `w${this.#leaves.size}`
    const shape = [2, channels.constant, size]
    this.#leaves.set(name, drawValue({ shape }, this.#random))
    const filter = this.#admit(b.parameter(name, shape.map(dim)), 2, false)
    if (!filter) return undefined
    const batch = axesOf(x).slice(0, -2)
    const plain = (axis: string) => ({ terms: [{ axis, stride: 1 }], offset: 0, divisor: 1 })
    const node = b.contract(x, filter, {
      axes: [
        ...batch.map((i) => ({ name: `n${i}`, size: x.shape[i]! })),
        { name: 'o', size: dim(2) },
        { name: 'c', size: channels },
        { name: 'h', size: dim(windows) },
        { name: 'k', size: dim(size) },
      ],
      left: [
        ...batch.map((i) => plain(`n${i}`)),
        plain('c'),
        {
          terms: [
            { axis: 'h', stride },
            { axis: 'k', stride: dilation },
          ],
          offset: -low,
          divisor: 1,
        },
      ],
      right: ['o', 'c', 'k'].map(plain),
      output: [...batch.map((i) => `n${i}`), 'o', 'h'],
    })
    return this.#admit(node, this.#bounds.get(x)! * 2 * size * channels.constant, false)
  }

  #drawSlice(size: Dim): { start: Dim; size: Dim; step: number } {
    const whole = size.constant
    if (whole === undefined || whole < 2 || this.#random() < 0.5) return { start: zero, size, step: 1 }
    const step = this.#pick([1, 1, 2, 3, -1])
    if (step < 0) return { start: dim(whole - 1), size, step }
    const start = this.#below(whole)
    return { start: dim(start), size: dim(Math.ceil((whole - start) / step)), step }
  }

  #admit(node: Node, bound: number, exact: boolean): Node | undefined {
    const b = this.#builder
    if (node.shape.length > 5 || node.shape.reduce((count, size) => count * this.#size(size), 1) > 4096)
      return undefined
    let kept = node
    if (node.dtype === 'float' && bound > greatest) {
      kept = b.tanh(b.mul(node, 1 / bound))
      this.#bounds.set(kept, 1)
    } else this.#bounds.set(node, node.dtype === 'int' ? Math.min(bound, 1e6) : bound)
    if (exact && kept === node && bound < 1e6) this.#exact.add(node)
    if (!this.#pool.includes(kept)) this.#pool.push(kept)
    return kept
  }

  #size(size: Dim): number {
    return evaluateDim(size, this.#dims)
  }
  #elements(x: Node, axes: readonly number[]): number {
    return axes.reduce((count, axis) => count * this.#size(x.shape[axis]!), 1) || 1
  }
  #isEmpty(x: Node, axes: readonly number[]): boolean {
    return x.dtype === 'bool' || x.dtype === 'uint' || axes.some((axis) => this.#size(x.shape[axis]!) === 0)
  }
  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }
  #pick<T>(list: readonly T[]): T {
    return list[this.#below(list.length)]!
  }
  #shuffle<T>(list: readonly T[]): T[] {
    const shuffled = [...list]
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = this.#below(i + 1)
      const kept = shuffled[i]!
      shuffled[i] = shuffled[j]!
      shuffled[j] = kept
    }
    return shuffled
  }
}

const axesOf = (node: Node): number[] => node.shape.map((_, axis) => axis)

function boundOf(op: OpName, bounds: readonly number[]): number {
  const [x = 1, y = 1] = bounds
  switch (op) {
    case 'add':
    case 'sub':
      return x + y
    case 'mul':
      return x * y
    case 'div':
      return 2 * x
    case 'exp':
      return 8
    case 'pow':
      return Math.max(2, x + 0.5)
    case 'floor':
    case 'ceil':
    case 'round':
      return x + 1
    case 'log':
      return Math.max(1, Math.log(x + 1))
    case 'sign':
    case 'sin':
    case 'cos':
    case 'tanh':
    case 'erf':
      return 1
    default:
      return Math.max(2, ...bounds)
  }
}
