/**
 * Where in a kernel something is being printed: the current block, which locals hold the variables there, and from
 * which block each is known. From that follows how far out an expression may be computed.
 *
 * A context may have an axis along whose elements four lanes lie: its local holds the place of the first. Whatever
 * depends on that axis, or on another variable that has four values, is a vector there; all else is one number.
 */
import { type Dim, product } from '../../ir/dim.ts'
import type { Axis } from '../../ir/kernel.ts'
import { type Identity, memory, type Variable } from '../wgsl/identity.ts'
import type { Block } from './block.ts'
import { type Expression, get, Local, number, size } from './code.ts'
import type { KernelFunction } from './function.ts'
import { choose, op } from './instructions.ts'

/** Values for some variables, known from a block on. Two binders of one axis are two instances of it. */
interface Binder {
  readonly id: number
  readonly values: ReadonlyMap<Variable, Expression>
  readonly block: Block
}

export interface Context {
  readonly fn: KernelFunction
  readonly block: Block
  /** From the outermost in. */
  readonly binders: readonly Binder[]
  readonly lanes: Axis | undefined
}

let binderIds = 0

export const rootContext = (fn: KernelFunction): Context => ({ fn, block: fn.body, binders: [], lanes: undefined })

export function bind(
  context: Context,
  values: Iterable<readonly [Variable, Expression]>,
  block = context.block,
): Context {
  const binder: Binder = { id: binderIds++, values: new Map(values), block }
  return { ...context, block, binders: [...context.binders, binder] }
}
export const inside = (context: Context, block: Block): Context => ({ ...context, block })

/** Binds loads to a block, so that none leaves its guard. */
export const guardLoads = (context: Context, block: Block): Context => bind(context, [[memory, number(0)]], block)

export function boundValue(context: Context, variable: Variable): Expression | undefined {
  for (let i = context.binders.length - 1; i >= 0; i--) {
    const value = context.binders[i]!.values.get(variable)
    if (value !== undefined) return value
  }
  return undefined
}

/** Whether an expression has four values here. */
export function isVector(context: Context, { variables }: Identity): boolean {
  for (let i = 0; i < variables.length; i++) {
    const variable = variables[i]!
    if (variable === context.lanes) return true
    if (boundValue(context, variable)?.type === 'v128') return true
  }
  return false
}

/** The outermost block where the expression can be computed, what tells its instances apart there, and whether it has four values. */
export function placeOf(context: Context, { id, variables }: Identity): { block: Block; key: string; vector: boolean } {
  const { binders, lanes } = context
  let block = context.fn.body
  let instances = ''
  let vector = lanes !== undefined && variables.includes(lanes)
  let unbound = variables.length
  if (unbound > bound.length) bound = new Uint8Array(2 * unbound)
  for (let v = 0; v < unbound; v++) bound[v] = 0
  for (let i = binders.length - 1; i >= 0 && unbound > 0; i--) {
    const binder = binders[i]!
    const before = unbound
    for (let v = 0; v < variables.length; v++) {
      if (bound[v] === 1) continue
      const value = binder.values.get(variables[v]!)
      if (value === undefined) continue
      bound[v] = 1
      unbound -= 1
      vector ||= value.type === 'v128'
    }
    if (unbound === before) continue
    instances += ` ${binder.id}`
    if (binder.block.depth > block.depth) block = binder.block
  }
  return { block, key: `${id}${vector ? 'v' : ''}${instances}`, vector }
}
/** Which of the variables were met in a binder further in. */
let bound = new Uint8Array(64)

/** The value under a name, so that it is computed before whatever is written next. */
export function named(context: Context, value: Expression): Expression {
  if (value.local || value.constant !== undefined) return value
  const local = new Local(value.type)
  context.block.set(local, value)
  return get(local)
}

/** A size to divide by: that of an empty tensor is 0, and what divides by it may be computed where nothing needs it. */
export function divisor(dim: Dim): Expression {
  if (dim.constant !== undefined) return number(Math.max(1, dim.constant))
  return choose(size(dim), number(1), size(dim))
}

export const elements = (axes: readonly { readonly extent: Dim }[]): Dim => product(axes.map((a) => a.extent))
export const flatSize = (axes: readonly Axis[]): Expression => size(elements(axes))

/** A loop over an axis from 0. */
export function loopOver(context: Context, axis: Axis, fill: (inner: Context) => void): void {
  const i = new Local('i32')
  context.block.set(i, number(0))
  context.block.loop(i, size(axis.extent), number(1), (block) => fill(bind(context, [[axis, get(i)]], block)))
}
/** Nested loops over axes, the first outermost. */
export function loops(context: Context, axes: readonly Axis[], fill: (inner: Context) => void): void {
  const [axis, ...rest] = axes
  if (axis) loopOver(context, axis, (inner) => loops(inner, rest, fill))
  else fill(context)
}

/**
 * Values for axes whose row-major flat index is `flat`: the innermost varies fastest. An axis of extent 1 is 0, and the
 * outermost takes what is left.
 */
export function unflatten(context: Context, axes: readonly Axis[], flat: Expression): (readonly [Axis, Expression])[] {
  const values: (readonly [Axis, Expression])[] = []
  const real = axes.filter((axis) => axis.extent.constant !== 1)
  for (const axis of axes) if (axis.extent.constant === 1) values.push([axis, number(0)])
  let rest = named(context, flat)
  for (let i = real.length - 1; i >= 0; i--) {
    const axis = real[i]!
    if (i === 0) {
      values.push([axis, rest])
      break
    }
    const by = divisor(axis.extent)
    const quotient = named(context, op('i32.div_u', rest, by))
    values.push([axis, named(context, op('i32.sub', rest, op('i32.mul', quotient, by)))])
    rest = quotient
  }
  return values
}
