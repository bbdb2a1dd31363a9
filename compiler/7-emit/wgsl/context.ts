/**
 * Where in a kernel something is being printed: the current block, what the variables are called there, and which
 * block each is known from. From that follows how far out an expression may be computed.
 */

import type { Dim } from '../../ir/dim.ts'
import type { Axis } from '../../ir/kernel.ts'
import type { Block } from './block.ts'
import { type Identity, memory, type Variable } from './identity.ts'
import type { GuardChoice } from './schedule.ts'
import { elements, type Shader } from './shader.ts'

/** Names for some variables, known from a block on. Two binders of one axis are two instances of it (two rows of a tile). */
interface Binder {
  readonly id: number
  readonly names: ReadonlyMap<Variable, string>
  readonly block: Block
}

export interface Context {
  readonly shader: Shader
  readonly block: Block
  /** From the outermost in. */
  readonly binders: readonly Binder[]
  /** How guards are printed: see the schedule. */
  readonly guards: GuardChoice['guards']
  /** The most turns of an innermost loop that a driver may unroll; without it, what drivers choose to. */
  readonly unrolled?: number
}

let binderIds = 0

export function rootContext(shader: Shader, guards: Context['guards']): Context {
  return { shader, block: shader.body, binders: [], guards }
}

/** The context in which the variables have these names, from `block` on. */
export function bind(
  context: Context,
  names: Iterable<readonly [Variable, string]>,
  block: Block = context.block,
): Context {
  const binder: Binder = { id: binderIds++, names: new Map(names), block }
  return { ...context, block, binders: [...context.binders, binder] }
}

export const inside = (context: Context, block: Block): Context => ({ ...context, block })

/** Binds loads to a block, so that none leaves its guard; with `predicate`, each reads element 0 where that is false. */
export function guardLoads(context: Context, block: Block, predicate = ''): Context {
  return bind(context, [[memory, predicate]], block)
}

export function nameOf(context: Context, variable: Variable): string | undefined {
  for (let i = context.binders.length - 1; i >= 0; i--) {
    const name = context.binders[i]!.names.get(variable)
    if (name !== undefined) return name
  }
  return undefined
}

/** The outermost block where the expression can be computed, and what tells its instances apart there. */
export function placeOf(context: Context, { id, variables }: Identity): { block: Block; key: string } {
  const { binders } = context
  let block = context.shader.body
  let key = `${id}`
  let unbound = variables.length
  if (unbound > bound.length) bound = new Uint8Array(2 * unbound)
  for (let v = 0; v < unbound; v++) bound[v] = 0
  for (let i = binders.length - 1; i >= 0 && unbound > 0; i--) {
    const binder = binders[i]!
    const before = unbound
    for (let v = 0; v < variables.length; v++) {
      if (bound[v] === 1 || !binder.names.has(variables[v]!)) continue
      bound[v] = 1
      unbound -= 1
    }
    if (unbound === before) continue
    key += ` ${binder.id}`
    if (binder.block.depth > block.depth) block = binder.block
  }
  return { block, key }
}
/** Which of the variables were met in a binder further in. */
let bound = new Uint8Array(64)

/**
 * The limit of a loop. A size that depends on free dims is a number once the pipeline is made, and drivers unroll a loop of few
 * iterations whole, with all loops inside: minutes of compilation for a batch of 8 where one of 32 takes none. So such
 * a limit gets `group.z` added, which is always 0 but which no compiler knows.
 */
export function tripCount({ shader }: Context, size: Dim): string {
  const text = shader.size(size)
  return size.constant === undefined ? opaque(shader, text) : text
}

export const opaque = (shader: Shader, count: string): string => `${count} + ${shader.builtin('group')}.z`

export interface Turns {
  /** The axis that goes in larger steps. */
  readonly axis: Axis | undefined
  readonly step: number
  /** No driver is to unroll more than the innermost loop, and that only up to so many turns. */
  readonly unrolled?: number | undefined
}

/** Nested loops over axes, the first outermost. One axis may go in larger steps; one step over all of it is no loop. */
export function loops(context: Context, axes: readonly Axis[], fill: (inner: Context) => void, turns?: Turns): void {
  const [axis, ...rest] = axes
  if (!axis) {
    fill(context)
    return
  }
  const step = turns && axis === turns.axis ? turns.step : 1
  if (step > 1 && axis.extent.constant === step) {
    loops(bind(context, [[axis, '0u']]), rest, fill, turns)
    return
  }
  const i = context.shader.fresh('i')
  const isInnermost = rest.every((other) => other === turns?.axis && other.extent.constant === turns.step)
  const unrolled = turns?.unrolled ?? context.unrolled
  const most = isInnermost ? (unrolled ?? 0) : 0
  const isKept = unrolled !== undefined && (axis.extent.constant ?? 0) > most
  const limit = isKept ? opaque(context.shader, context.shader.size(axis.extent)) : tripCount(context, axis.extent)
  context.block.nest(`for (var ${i} = 0u; ${i} < ${limit}; ${step === 1 ? `${i}++` : `${i} += ${step}u`})`, (block) =>
    loops(bind(context, [[axis, i]], block), rest, fill, turns),
  )
}

/** One loop over the flat index of axes, which no compiler unrolls. */
export function flatLoop(context: Context, axes: readonly Axis[], fill: (inner: Context, flat: string) => void): void {
  const { shader } = context
  const flat = shader.fresh('e')
  context.block.nest(
    `for (var ${flat} = 0u; ${flat} < ${opaque(shader, flatSize(context, axes))}; ${flat}++)`,
    (block) => {
      const here = inside(context, block)
      fill(bind(here, unflatten(here, axes, flat)), flat)
    },
  )
}

/**
 * Names for axes whose row-major flat index is `flat`: the innermost varies fastest. An axis of extent 1 is 0, and the
 * outermost takes what is left.
 */
export function unflatten(context: Context, axes: readonly Axis[], flat: string): (readonly [Axis, string])[] {
  const names: (readonly [Axis, string])[] = []
  const real = axes.filter((axis) => axis.extent.constant !== 1)
  for (const axis of axes) if (axis.extent.constant === 1) names.push([axis, '0u'])
  let rest = flat
  for (let i = real.length - 1; i >= 0; i--) {
    const axis = real[i]!
    if (i === 0) {
      names.push([axis, rest])
      break
    }
    const size = context.shader.divisor(axis.extent)
    const name = context.shader.fresh('i')
    context.block.line(`let ${name} = ${rest} % ${size};`)
    names.push([axis, name])
    const next = context.shader.fresh('q')
    context.block.line(`let ${next} = ${rest} / ${size};`)
    rest = next
  }
  return names
}

/**
 * The number of this workgroup. The runtime folds x into y where there are more workgroups than one dimension holds, so
 * the last ones may be beyond the end.
 */
export function groupNumber(context: Context): string {
  const { shader, block } = context
  const group = shader.builtin('group')
  const groups = shader.builtin('groups')
  const name = shader.fresh('g')
  block.line(`let ${name} = ${group}.x + ${group}.y * ${groups}.x;`)
  return name
}

/** The first axis of a list as a product of extents, for flat loops. */
export const flatSize = (context: Context, axes: readonly Axis[]): string => context.shader.size(elements(axes) as Dim)
