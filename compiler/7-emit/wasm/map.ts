/** Map kernels: four elements at a time along the axis that suits, all stores of an element together. */
import { ceilQuotient, type Dim, dim, multiply, one } from '../../ir/dim.ts'
import type { Axis, MapKernel, Scalar, Store } from '../../ir/kernel.ts'
import type { EmittedKernel } from '../../lowered.ts'
import { type Expression, get, number, size } from './code.ts'
import { bind, type Context, divisor, elements, inside, named, rootContext, unflatten } from './context.ts'
import { KernelFunction } from './function.ts'
import { choose, op, plus, times } from './instructions.ts'
import { laneQuality } from './lane-choice.ts'
import { alongLanes, alongOne } from './reduce.ts'
import { countStores, writeStores } from './stores.ts'

/** Elements along the lanes that one group computes. */
const chunk = 1024

export function emitMap(kernel: MapKernel): EmittedKernel {
  const fn = new KernelFunction(kernel.slots)
  countStores(fn, kernel.stores)
  const groups = forEachElement(fn, kernel.axes, kernel.stores, (context) => writeStores(context, kernel.stores))
  return { stages: [fn.finish(kernel.name, groups)], scratch: [] }
}

/**
 * Runs `fill` with the axes bound for every element of this call's groups: four at a time along one axis where that pays,
 * and one by one for the rest. Gives the number of groups.
 */
export function forEachElement(
  fn: KernelFunction,
  axes: readonly Axis[],
  stores: readonly Store[],
  fill: (inner: Context) => void,
): Dim {
  const along = bestLanes(fn, axes, [], stores)
  const others = axes.filter((axis) => axis !== along)
  // Where no axis is fit for lanes the innermost is walked one by one.
  const walked = along ?? axes.at(-1)
  const rows = along ? others : axes.slice(0, -1)
  const length = walked?.extent ?? one
  const chunks = length.constant !== undefined && length.constant <= chunk ? one : ceilQuotient(length, dim(chunk))
  fn.forEachGroup((block, group) => {
    const root = inside(rootContext(fn), block)
    const flat = get(group)
    const row = chunks === one ? flat : named(root, op('i32.div_u', flat, divisor(chunks)))
    const context = bind(root, unflatten(root, rows, row))
    if (!walked) return fill(context)
    const begin = chunks === one ? number(0) : beginOf(context, flat, row, chunks)
    const end = chunks === one ? size(length) : named(context, least(plus(begin, number(chunk)), size(length)))
    if (along) return alongLanes(context, walked, begin, end, fill, fill)
    alongOne(context, walked, begin, end, fill)
  })
  return multiply(elements(rows), chunks)
}

const beginOf = (context: Context, flat: Expression, row: Expression, chunks: Dim): Expression =>
  named(context, times(op('i32.sub', flat, times(row, size(chunks))), number(chunk)))

/** The lesser of two sizes; both are computed twice. */
export const least = (a: Expression, b: Expression): Expression => choose(a, b, op('i32.lt_u', a, b))

/** The best axis for lanes, if any is fit; of equals the innermost. */
export function bestLanes(
  fn: KernelFunction,
  axes: readonly Axis[],
  scalars: readonly Scalar[],
  stores: readonly Store[],
): Axis | undefined {
  let best: { axis: Axis; quality: number } | undefined
  for (const axis of axes.toReversed()) {
    const quality = laneQuality(fn, scalars, axis, stores)
    if (quality > (best?.quality ?? 0)) best = { axis, quality }
  }
  return best?.axis
}
