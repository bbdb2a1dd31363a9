/**
 * Four values that no single instruction gives: each lane by itself, then put together. Loads at a fixed distance from
 * lane to lane need one address; all else is computed four times, with the axis of the lanes at each of its places.
 */
import type { Scalar } from '../../ir/kernel.ts'
import type { Variable } from '../wgsl/identity.ts'
import type { Block } from './block.ts'
import { type Expression, integerLanes, integers, number, size } from './code.ts'
import { bind, type Context, named } from './context.ts'
import { extract, loadLane, loadSplat, loadVector, op, plus, replace, splat, times } from './instructions.ts'
import { laneStep, printAddress, printIndex } from './print-index.ts'
import { printScalar } from './print-scalar.ts'

export function gather(context: Context, load: Extract<Scalar, { kind: 'load' }>): Expression | undefined {
  const step = laneStep(context, load.index)
  if (step === undefined) return undefined
  const address = printAddress(context, load.slot, load.index)
  return asBool(load.dtype, step === 1 ? loadVector(address) : gatherFrom(context, address, step))
}

/** Words `step` elements apart. */
export function gatherFrom(
  context: Context,
  address: Expression,
  step: Exclude<ReturnType<typeof laneStep>, undefined>,
): Expression {
  let vector = loadSplat(address)
  const base = named(context, address)
  const distance = typeof step === 'number' ? undefined : named(context, times(size(step), number(4)))
  let at = base
  for (let lane = 1; lane < 4; lane++) {
    if (distance) at = named(context, plus(at, distance))
    else if ((step as number) < 0) at = plus(base, number(4 * lane * (step as number)))
    vector = loadLane(at, vector, lane, distance || (step as number) < 0 ? 0 : 4 * lane * (step as number))
  }
  return vector
}

const asBool = (dtype: Scalar['dtype'], value: Expression): Expression =>
  dtype === 'bool' ? op('i32x4.ne', value, integers(0)) : value

export function positionVector(
  context: Context,
  { index }: Extract<Scalar, { kind: 'position' }>,
): Expression | undefined {
  const step = laneStep(context, index)
  if (step === undefined) return undefined
  const first = splat(printIndex(context, index))
  if (typeof step === 'number') return op('i32x4.add', first, integerLanes([0, step, 2 * step, 3 * step]))
  return op('i32x4.add', first, op('i32x4.mul', splat(size(step)), integerLanes([0, 1, 2, 3])))
}

/** The value of each lane, put together. */
export function printLanes(context: Context, scalar: Scalar): Expression {
  const [first, ...rest] = [0, 1, 2, 3].map((lane) => printScalar(laneContext(context, lane), scalar))
  const vector = rest.reduce((v, value, i) => replace(v, value, i + 1), splat(named(context, first!)))
  return asBool(scalar.dtype, vector)
}

const contexts = new WeakMap<Block, Map<string, Context>>()

/** The context of one lane: its axis further on, and its part of every vector. */
export function laneContext(context: Context, lane: number): Context {
  const known = contexts.get(context.block) ?? new Map<string, Context>()
  contexts.set(context.block, known)
  const key = `${lane} ${context.binders.map((b) => b.id).join()}`
  const made = known.get(key) ?? makeLane(context, lane)
  known.set(key, made)
  return made
}

function makeLane(context: Context, lane: number): Context {
  const values = new Map<Variable, Expression>()
  for (const binder of context.binders)
    for (const [variable, value] of binder.values) {
      if (variable === context.lanes) values.set(variable, named(context, plus(value, number(lane))))
      else if (value.type === 'v128')
        values.set(variable, named(context, extract(value, laneType(context, variable), lane)))
      else values.delete(variable)
    }
  return { ...bind(context, values), lanes: undefined }
}

const laneType = (context: Context, variable: Variable): 'f32' | 'i32' => context.fn.vectorTypes.get(variable) ?? 'f32'
