/**
 * `value` where the guards hold, else `otherwise`: a branch. Where guards differ from lane to lane there are three ways:
 * if they hold in all four, the value as a vector; if not, lane by lane, each with its own branch.
 */
import type { Guard, Scalar } from '../../ir/kernel.ts'
import { type Expression, get, Local, number, size } from './code.ts'
import { type Context, guardLoads, inside, isVector } from './context.ts'
import { op, plus, times } from './instructions.ts'
import { laneContext, printLanes } from './lanes.ts'
import { laneStep, printGuard, printIndex } from './print-index.ts'
import { printScalar, printVector } from './print-scalar.ts'

type Guarded = Extract<Scalar, { kind: 'guarded' }>

export function printGuarded(context: Context, scalar: Guarded, four: boolean): Expression {
  const { block } = context
  if (scalar.guards.length === 0) return four ? printVector(context, scalar.value) : printScalar(context, scalar.value)
  const type = four ? 'v128' : scalar.dtype === 'float' ? 'f32' : 'i32'
  const result = new Local(type)
  const differs = (guard: Guard) => four && isVector(context, context.fn.identities.of(guard.index))
  const print = (at: Context, value: Scalar) => (four ? printVector(at, value) : printScalar(at, value))
  const varying = scalar.guards.filter(differs)
  const conditions = scalar.guards.map((g) => (differs(g) ? holdsInAll(context, g) : printGuard(context, g)))
  const condition = conditions.reduce((a, b) => op('i32.and', a, b))
  block.if(
    condition,
    (inner) => inner.set(result, print(guardLoads(context, inner), scalar.value)),
    (inner) => {
      const here = inside(context, inner)
      if (varying.length === 0) inner.set(result, print(guardLoads(context, inner), scalar.otherwise))
      else inner.set(result, printLanes(guardLoads(here, inner), scalar))
    },
  )
  return get(result)
}

/** 1 where a guard holds in every lane. */
function holdsInAll(context: Context, guard: Guard): Expression {
  const step = guard.kind === 'inside' ? laneStep(context, guard.index) : undefined
  if (guard.kind === 'inside' && step !== undefined) {
    // The first and the last lane are inside, so are those between.
    const first = printIndex(context, guard.index)
    const distance = typeof step === 'number' ? number(3 * step) : times(size(step), number(3))
    const limit = size(guard.size)
    return op('i32.and', op('i32.lt_u', first, limit), op('i32.lt_u', plus(first, distance), limit))
  }
  return [0, 1, 2, 3].map((lane) => printGuard(laneContext(context, lane), guard)).reduce((a, b) => op('i32.and', a, b))
}
