/** Loops over several axes as one flat run, four elements at a time wherever those lie in one row of the last axis. */
import type { Axis } from '../../ir/kernel.ts'
import { type Expression, get, Local, number, size } from './code.ts'
import { bind, boundValue, type Context, unflatten } from './context.ts'
import { op, plus } from './instructions.ts'

/** What is done at a flat place, with the axes bound. */
export type Fill = (inner: Context, flat: Expression) => void

/** From `begin` to `end`, by fours where there are lanes; `four` and `one` are each printed once. */
export function alongFlat(
  context: Context,
  axes: readonly Axis[],
  begin: Expression,
  end: Expression,
  lanes: boolean,
  fill: Fill,
): void {
  const i = new Local('i32')
  const { block } = context
  const real = axes.filter((axis) => axis.extent.constant !== 1)
  const last = real.at(-1)
  block.set(i, begin)
  if (!lanes || !last) {
    block.loop(i, end, number(1), (inner) => fill(at(context, inner, axes, get(i)), get(i)))
    return
  }
  if (real.length === 1) {
    const whole = new Local('i32')
    block.set(whole, op('i32.add', get(i), op('i32.and', op('i32.sub', end, get(i)), number(-4))))
    block.loop(i, get(whole), number(4), (inner) => fill({ ...at(context, inner, axes, get(i)), lanes: last }, get(i)))
    block.loop(i, end, number(1), (inner) => fill(at(context, inner, axes, get(i)), get(i)))
    return
  }
  const step = new Local('i32')
  block.loop(i, end, get(step), (inner) => {
    const here = at(context, inner, axes, get(i))
    const place = boundValue(here, last)!
    const inRow = op('i32.le_u', plus(place, number(4)), size(last.extent))
    const inRun = op('i32.le_u', plus(get(i), number(4)), end)
    inner.if(
      op('i32.and', inRow, inRun),
      (then) => {
        then.set(step, number(4))
        fill({ ...here, block: then, lanes: last }, get(i))
      },
      (otherwise) => {
        otherwise.set(step, number(1))
        fill({ ...here, block: otherwise }, get(i))
      },
    )
  })
}

function at(context: Context, block: Context['block'], axes: readonly Axis[], flat: Expression): Context {
  const here = { ...context, block }
  return bind(here, unflatten(here, axes, flat))
}
