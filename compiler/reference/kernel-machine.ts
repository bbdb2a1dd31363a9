/** One kernel, run element by element: its scalars become closures over the loop variables. */
import type { Dim } from '../ir/dim.ts'
import type { DType } from '../ir/graph.ts'
import type { AttentionKernel, Axis, Guard, Index, Kernel, RowKernel, Scalar, Store } from '../ir/kernel.ts'
import { scalarMeaningFor } from '../ir/scalar.ts'
import type { Combine, Value } from '../ops/op.ts'
import type { Precision } from './evaluate.ts'

type Compute = () => number

export class KernelMachine {
  private readonly slots: readonly Value['data'][]
  private readonly size: (d: Dim) => number
  private readonly round: (value: number, dtype: DType) => number
  private readonly scalars = new Map<Scalar, Compute>()
  private readonly indices = new Map<Index, Compute>()
  private readonly places = new Map<Axis, number>()
  private readonly axes: number[] = []
  private readonly stages: number[] = []
  private sum = 0
  private samples: number | undefined
  /** Changes whenever a variable does; values are kept for as long as it stays. */
  private epoch = 0

  constructor(slots: readonly Value['data'][], size: (d: Dim) => number, precision: Precision) {
    this.slots = slots
    this.size = size
    this.round =
      precision === 'float32' ? (value, dtype) => (dtype === 'float' ? Math.fround(value) : value) : (value) => value
  }

  /**
   * Runs a kernel; with `samples`, only so many of the elements (rows, of a kernel with rows) that it writes, among them the
   * first and the last. A scatter is always done whole.
   */
  run(kernel: Kernel, samples?: number): void {
    this.samples = samples
    switch (kernel.kind) {
      case 'map':
        this.outer(kernel.axes, this.writer(kernel.stores))
        return
      case 'row':
        this.row(kernel)
        return
      case 'contract': {
        const [left, right] = [this.scalar(kernel.left), this.scalar(kernel.right)]
        const write = this.writer(kernel.stores)
        this.outer([...kernel.batch, ...kernel.rows, ...kernel.columns], () => {
          let sum = 0
          this.loop(kernel.depth, () => (sum += left() * right()))
          this.sum = this.round(sum, 'float')
          this.epoch++
          write()
        })
        return
      }
      case 'scatter': {
        const out = this.slots[kernel.output]!.fill(0)
        const [position, value] = [this.scalar(kernel.position), this.scalar(kernel.value)]
        const [size, inner] = [this.size(kernel.size), kernel.after.reduce((n, a) => n * this.size(a.extent), 1)]
        let before = 0
        this.loop(kernel.before, () => {
          this.loop([kernel.entries], () => {
            const at = position()
            let after = 0
            this.loop(
              kernel.after,
              () => (out[this.inside((before * size + at) * inner + after++, out.length)]! += value()),
            )
          })
          before++
        })
        return
      }
      case 'attention':
        this.attention(kernel)
        return
      case 'running': {
        const value = this.scalar(kernel.value)
        const write = this.writer([kernel.store])
        const length = this.size(kernel.row.extent)
        this.outer(kernel.outer, () => {
          let sum = 0
          for (let step = 0; step < length; step++) {
            this.set(kernel.row, kernel.reverse ? length - 1 - step : step)
            const here = value()
            this.sum = kernel.exclusive ? sum : sum + here
            sum += here
            this.epoch++
            write()
          }
        })
        return
      }
      default:
        kernel satisfies never
    }
  }

  private row(kernel: RowKernel): void {
    const stages = kernel.stages.map(({ combine, value }) => ({
      combine,
      value: this.scalar(value),
      dtype: value.dtype,
    }))
    const [store, finish] = [this.writer(kernel.stores), this.writer(kernel.results)]
    this.outer(kernel.outer, () => {
      stages.forEach(({ combine, value, dtype }, stage) => {
        const result = this.combine(combine, kernel.row, value, dtype)
        this.stages[stage] = result
        this.epoch++
      })
      if (kernel.stores.length > 0) this.loop(kernel.row, store)
      finish()
    })
  }

  /** As it is meant: first the greatest score and the sum of exponentials, then each column. */
  private attention(kernel: AttentionKernel): void {
    const score = kernel.score && this.scalar(kernel.score)
    const [weight, value] = [this.scalar(kernel.weight), this.scalar(kernel.value)]
    const [store, finish] = [this.writer(kernel.stores), this.writer(kernel.results)]
    const exponential = () => Math.exp(score!() - this.stages[0]!)
    this.outer(kernel.outer, () => {
      if (score) {
        this.stages[0] = this.combine('max', kernel.row, score, 'float')
        this.stages[1] = this.combine('sum', kernel.row, exponential, 'float')
        this.epoch++
      }
      this.loop(kernel.columns, () => {
        let sum = 0
        this.loop(kernel.row, () => (sum += (score ? exponential() : 1) * weight() * value()))
        this.sum = this.round(sum, 'float')
        this.epoch++
        store()
      })
      finish()
    })
  }

  private combine(combine: Combine, axes: readonly Axis[], value: Compute, dtype: DType): number {
    if (combine === 'sum') {
      let sum = 0
      this.loop(axes, () => (sum += value()))
      return this.round(dtype === 'int' ? sum | 0 : sum, dtype)
    }
    const sign = combine === 'max' || combine === 'argmax' ? 1 : -1
    let best = Number.NEGATIVE_INFINITY
    let place = 0
    let at = 0
    this.loop(axes, () => {
      const candidate = sign * value()
      // A NaN wins, as in the graph's reference.
      if (candidate > best || (Number.isNaN(candidate) && !Number.isNaN(best))) {
        best = candidate
        place = at
      }
      at++
    })
    return combine === 'argmax' || combine === 'argmin' ? place : sign * best
  }

  /** Computes every value, then writes them. */
  private writer(stores: readonly Store[]): () => void {
    const made = stores.map(({ slot, index, value }) => ({
      out: this.slots[slot]!,
      index: this.index(index),
      value: this.scalar(value),
    }))
    const values = new Array<number>(made.length)
    return () => {
      for (let i = 0; i < made.length; i++) values[i] = made[i]!.value()
      for (let i = 0; i < made.length; i++) {
        const { out, index } = made[i]!
        out[this.inside(index(), out.length)] = values[i]!
      }
    }
  }

  /** The loops over what is written. */
  private outer(axes: readonly Axis[], visit: () => void): void {
    const extents = axes.map((axis) => this.size(axis.extent))
    const count = extents.reduce((n, extent) => n * extent, 1)
    if (this.samples === undefined || count <= this.samples) {
      this.loop(axes, visit)
      return
    }
    for (let sample = 0; sample < this.samples; sample++) {
      // By the golden ratio, which leaves no stretch of the range empty.
      const spread = Math.floor(count * ((sample * 0.6180339887498949) % 1))
      let rest = sample === 1 ? count - 1 : spread
      for (let at = axes.length - 1; at >= 0; at--) {
        this.set(axes[at]!, rest % extents[at]!)
        rest = Math.floor(rest / extents[at]!)
      }
      visit()
    }
  }
  private loop(axes: readonly Axis[], visit: () => void, from = 0): void {
    if (from === axes.length) {
      visit()
      return
    }
    const axis = axes[from]!
    const extent = this.size(axis.extent)
    for (let i = 0; i < extent; i++) {
      this.set(axis, i)
      this.loop(axes, visit, from + 1)
    }
  }
  private place(axis: Axis): number {
    const known = this.places.get(axis)
    if (known !== undefined) return known
    this.places.set(axis, this.places.size)
    return this.places.size - 1
  }
  private set(axis: Axis, value: number): void {
    this.axes[this.place(axis)] = value
    this.epoch++
  }
  private inside(index: number, size: number): number {
    if (!(index >= 0 && index < size && Number.isInteger(index)))
      throw new Error(`element ${index} of a tensor of ${size}`)
    return index
  }

  private scalar(scalar: Scalar): Compute {
    const known = this.scalars.get(scalar)
    if (known) return known
    const compute = this.kept(this.compile(scalar))
    this.scalars.set(scalar, compute)
    return compute
  }
  /** Computes once as long as no variable changes. */
  private kept(compute: Compute): Compute {
    let epoch = -1
    let value = 0
    return () => {
      if (epoch === this.epoch) return value
      value = compute()
      epoch = this.epoch
      return value
    }
  }
  private compile(scalar: Scalar): Compute {
    const { dtype } = scalar
    switch (scalar.kind) {
      case 'number': {
        const value = this.round(scalar.value, dtype)
        return () => value
      }
      case 'load': {
        const data = this.slots[scalar.slot]!
        const index = this.index(scalar.index)
        return () => data[this.inside(index(), data.length)]!
      }
      case 'apply': {
        const apply = scalarMeaningFor(scalar.fn, scalar.arguments[0]!.dtype)
        const values = scalar.arguments.map((a) => this.scalar(a))
        const [a, b] = values
        if (values.length === 1) return () => this.round(apply(a!()), dtype)
        if (values.length === 2) return () => this.round(apply(a!(), b!()), dtype)
        return () => this.round(apply(...values.map((value) => value())), dtype)
      }
      case 'position':
        return this.index(scalar.index)
      case 'guarded': {
        const guards = scalar.guards.map((guard) => this.guard(guard))
        const [value, otherwise] = [this.scalar(scalar.value), this.scalar(scalar.otherwise)]
        return () => (guards.every((holds) => holds()) ? value() : otherwise())
      }
      case 'reduce': {
        const value = this.scalar(scalar.value)
        return () => this.combine(scalar.combine, scalar.axes, value, scalar.value.dtype)
      }
      case 'stage':
        return () => this.stages[scalar.stage]!
      case 'accumulator':
        return () => this.sum
      default:
        return scalar satisfies never
    }
  }

  private guard(guard: Guard): () => boolean {
    const index = this.index(guard.index, true)
    const bound = this.size(guard.kind === 'inside' ? guard.size : guard.by)
    if (guard.kind === 'inside')
      return () => {
        const i = index()
        return i >= 0 && i < bound
      }
    return () => index() % bound === 0
  }

  /** In a guard an index may be negative before the guard has spoken. */
  private index(index: Index, guarded = false): Compute {
    const known = guarded ? undefined : this.indices.get(index)
    if (known) return known
    const compute = this.compileIndex(index, guarded)
    if (!guarded) this.indices.set(index, compute)
    return compute
  }
  private compileIndex(index: Index, guarded: boolean): Compute {
    switch (index.kind) {
      case 'dim': {
        const value = this.size(index.dim)
        return () => value
      }
      case 'axis': {
        const place = this.place(index.axis)
        return () => this.axes[place]!
      }
      case 'sum': {
        const terms = index.terms.map((term) => ({
          factor: this.size(term.factor),
          value: this.index(term.index, guarded),
        }))
        const offset = this.size(index.offset)
        return () => {
          let sum = offset
          for (const { factor, value } of terms) sum += factor * value()
          return sum
        }
      }
      case 'quotient':
      case 'remainder': {
        const dividend = this.index(index.index, guarded)
        const by = this.size(index.by)
        const whole = index.kind === 'quotient'
        return () => {
          const value = dividend()
          if (value < 0 && !guarded) throw new Error(`the index ${value} is divided by ${by}`)
          const q = Math.floor(value / by)
          return whole ? q : value - q * by
        }
      }
      case 'data': {
        const value = this.scalar(index.value)
        return () => this.inside(value(), this.size(index.size))
      }
      default:
        return index satisfies never
    }
  }
}
