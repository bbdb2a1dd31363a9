/**
 * Scalar expressions as code, for one value or for four. Each is computed once, in the outermost block where everything
 * it depends on is known: what a loop does not change is computed before the loop. Loads stay within their guards.
 */
import type { Scalar } from '../../ir/kernel.ts'
import { accumulator, type Variable } from '../wgsl/identity.ts'
import { type Expression, float, floats, integers, number } from './code.ts'
import { boundValue, type Context, inside, named, placeOf } from './context.ts'
import { functionWriters } from './functions.ts'
import { printGuarded } from './guarded.ts'
import { loadFloat, loadInt, op, splat } from './instructions.ts'
import { gather, positionVector, printLanes } from './lanes.ts'
import { wholePower } from './power.ts'
import { printAddress, printIndex } from './print-index.ts'
import { printReduce } from './reduce.ts'

/** The value as an expression: of type v128 where it differs from lane to lane. */
export function printScalar(context: Context, scalar: Scalar): Expression {
  switch (scalar.kind) {
    case 'number':
      return scalar.dtype === 'float' ? float(scalar.value) : number(scalar.value)
    case 'stage':
      return required(context, scalar.stage)
    case 'accumulator':
      return required(context, accumulator)
    case 'position':
    case 'load':
    case 'apply':
    case 'guarded':
    case 'reduce':
      return compute(context, scalar)
    default:
      return scalar satisfies never
  }
}

/** The value under a name, so that it is computed before whatever is written next. */
export const printNamed = (context: Context, scalar: Scalar): Expression => named(context, printScalar(context, scalar))

/** The value in four lanes, whether it differs or not. A bool is a mask there. */
export function printVector(context: Context, scalar: Scalar): Expression {
  if (scalar.kind === 'number')
    return scalar.dtype === 'float'
      ? floats(scalar.value)
      : integers(scalar.dtype === 'bool' ? -Number(scalar.value !== 0) : scalar.value)
  const value = printScalar(context, scalar)
  if (value.type === 'v128') return value
  const { block, key } = placeOf(context, context.fn.identities.of(scalar))
  const known = block.known.get(`${key} splat`)
  if (known) return known
  const here = inside(context, block)
  const one = printScalar(here, scalar)
  const spread = splat(one)
  const result = named(here, scalar.dtype === 'bool' ? op('i32x4.ne', spread, integers(0)) : spread)
  block.known.set(`${key} splat`, result)
  return result
}

type Computed = Extract<Scalar, { kind: 'position' | 'load' | 'apply' | 'guarded' | 'reduce' }>

function compute(context: Context, scalar: Computed): Expression {
  const identity = context.fn.identities.of(scalar)
  const { block, key, vector } = placeOf(context, identity)
  const known = block.known.get(key)
  if (known !== undefined) return known
  const here = inside(context, block)
  const value = vector ? printFour(here, scalar) : printOne(here, scalar)
  const once = block === context.block && context.fn.identities.uses(identity) <= 1
  if (scalar.kind === 'apply' && once) return value
  const result = named(here, value)
  block.known.set(key, result)
  return result
}

function printOne(context: Context, scalar: Computed): Expression {
  switch (scalar.kind) {
    case 'position':
      return printIndex(context, scalar.index)
    case 'load': {
      const address = printAddress(context, scalar.slot, scalar.index)
      if (scalar.dtype === 'float') return loadFloat(address)
      return scalar.dtype === 'bool' ? op('i32.ne', loadInt(address), number(0)) : loadInt(address)
    }
    case 'apply': {
      const power = wholePower(context, scalar)
      if (power) return power
      const operands = scalar.arguments.map((a) => printScalar(context, a))
      return functionWriters[scalar.fn].one(
        operands,
        scalar.arguments.map((a) => a.dtype),
        context.block,
      )
    }
    case 'guarded':
      return printGuarded(context, scalar, false)
    case 'reduce':
      return printReduce(context, scalar)
    default:
      return scalar satisfies never
  }
}

function printFour(context: Context, scalar: Computed): Expression {
  switch (scalar.kind) {
    case 'position':
      return positionVector(context, scalar) ?? printLanes(context, scalar)
    case 'load':
      return gather(context, scalar) ?? printLanes(context, scalar)
    case 'apply': {
      const power = wholePower(context, scalar)
      if (power) return power
      const { four } = functionWriters[scalar.fn]
      if (!four) return printLanes(context, scalar)
      // A NaN would be lost to a number that stands first.
      const [a, b] = scalar.arguments
      const turned = (scalar.fn === 'min' || scalar.fn === 'max') && a!.kind === 'number' ? [b!, a!] : scalar.arguments
      const operands = turned.map((each) => printVector(context, each))
      return four(
        operands,
        scalar.arguments.map((each) => each.dtype),
        context.block,
      )
    }
    case 'guarded':
      return printGuarded(context, scalar, true)
    case 'reduce':
      return printReduce(context, scalar)
    default:
      return scalar satisfies never
  }
}

function required(context: Context, variable: Variable): Expression {
  const value = boundValue(context, variable)
  if (value === undefined) throw new Error(`${String(variable)} is not known here`)
  return value
}
