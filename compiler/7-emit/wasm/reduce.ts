/**
 * A serial reduction inside an expression. Where the expression has one value, and the reduction is long and reads its
 * elements side by side, four lanes share it and are combined at the end.
 */
import type { Axis, Scalar } from '../../ir/kernel.ts'
import { type Expression, get, Local, number, size } from './code.ts'
import { accumulate, combineLanes, declareAccumulator, finished, isArg } from './combine.ts'
import { bind, type Context, isVector, loops, named } from './context.ts'
import { op } from './instructions.ts'
import { laneQuality } from './lane-choice.ts'
import { printScalar, printVector } from './print-scalar.ts'

type Reduce = Extract<Scalar, { kind: 'reduce' }>

export function printReduce(context: Context, scalar: Reduce): Expression {
  const four = isVector(context, context.fn.identities.of(scalar))
  const { block, fn } = context
  const last = scalar.axes.at(-1)
  if (!four && last && !isArg(scalar.combine) && laneQuality(fn, [scalar.value], last) > 0)
    return sharedByLanes(context, scalar, last)
  const into = declareAccumulator(block, scalar.combine, scalar.value.dtype, four)
  const counter = into.position && new Local(four ? 'v128' : 'i32')
  const count = new Local('i32')
  if (counter) block.set(count, number(0))
  loops(context, scalar.axes, (inner) => {
    const value = four ? printVector(inner, scalar.value) : printScalar(inner, scalar.value)
    const place = four && counter ? op('i32x4.splat', get(count)) : get(count)
    accumulate(inner.block, into, value, place)
    if (counter) inner.block.set(count, op('i32.add', get(count), number(1)))
  })
  return named(context, finished(into))
}

/** Lanes along the last axis, then what four do not divide. */
function sharedByLanes(context: Context, scalar: Reduce, last: Axis): Expression {
  const { block } = context
  const lanes = declareAccumulator(block, scalar.combine, scalar.value.dtype, true)
  const rest = declareAccumulator(block, scalar.combine, scalar.value.dtype, false)
  const nothing = number(0)
  loops(context, scalar.axes.slice(0, -1), (outer) => {
    alongLanes(
      outer,
      last,
      number(0),
      size(last.extent),
      (inner) => accumulate(inner.block, lanes, printVector(inner, scalar.value), nothing),
      (inner) => accumulate(inner.block, rest, printScalar(inner, scalar.value), nothing),
    )
  })
  const one = combineLanes(block, lanes)
  accumulate(block, one, get(rest.value), nothing)
  return get(one.value)
}

/** From `begin` to `end` along an axis: `four` for every four elements, then `one` for each that is left. */
export function alongLanes(
  context: Context,
  axis: Axis,
  begin: Expression,
  end: Expression,
  four: (inner: Context) => void,
  one: (inner: Context) => void,
): void {
  const i = new Local('i32')
  const { block } = context
  block.set(i, begin)
  const start = get(i)
  // `end - (end - begin) % 4` would be the same; whole fours are counted from `begin`.
  const whole = named(context, op('i32.add', start, op('i32.and', op('i32.sub', end, start), number(-4))))
  block.loop(i, whole, number(4), (inner) => four({ ...bind(context, [[axis, get(i)]], inner), lanes: axis }))
  block.loop(i, end, number(1), (inner) => one(bind(context, [[axis, get(i)]], inner)))
}

/** From `begin` to `end` along an axis, one by one. */
export function alongOne(
  context: Context,
  axis: Axis,
  begin: Expression,
  end: Expression,
  fill: (inner: Context) => void,
): void {
  const i = new Local('i32')
  context.block.set(i, begin)
  context.block.loop(i, end, number(1), (inner) => fill(bind(context, [[axis, get(i)]], inner)))
}
