/**
 * Index expressions: i32 arithmetic modulo 2³². Sums may pass through negative numbers on the way (padding) and come
 * back; a guard compares as unsigned numbers, which refuses negative indices as well. Only division needs care.
 */

import type { Dim } from '../../ir/dim.ts'
import type { Guard, Index } from '../../ir/kernel.ts'
import { leastValue, outermostFirst } from '../wgsl/print-index.ts'
import type { Block } from './block.ts'
import { type Expression, get, type Item, isRun, number, size } from './code.ts'
import { boundValue, type Context, divisor, inside, isVector, named, placeOf } from './context.ts'
import { choose, op, plus, times } from './instructions.ts'
import { printScalar } from './print-scalar.ts'

/** An index that has one value here. */
export function printIndex(context: Context, index: Index): Expression {
  switch (index.kind) {
    case 'dim':
      return size(index.dim)
    case 'axis': {
      const value = boundValue(context, index.axis)
      if (value === undefined) throw new Error(`the axis ${index.axis.name} is not bound here`)
      return value
    }
    case 'sum':
    case 'quotient':
    case 'remainder':
    case 'data':
      return compute(context, index)
    default:
      return index satisfies never
  }
}

type Computed = Extract<Index, { kind: 'sum' | 'quotient' | 'remainder' | 'data' }>

/** Computes an index in the outermost block that knows its axes, or finds it there. */
function compute(context: Context, index: Computed): Expression {
  const { block, key } = placeOf(context, context.fn.identities.of(index))
  const known = block.known.get(key)
  if (known !== undefined) return known
  const here = inside(context, block)
  const value =
    index.kind === 'sum'
      ? printSum(here, index)
      : index.kind === 'data'
        ? printScalar(here, index.value)
        : printDivision(here, index)
  const result = named(here, value)
  block.known.set(key, result)
  return result
}

type Sum = Extract<Index, { kind: 'sum' }>

function printSum(context: Context, sum: Sum): Expression {
  return sumOfTerms(context, sum, 1, number(0), context.fn.body)
}

/**
 * `start + scale·(Σ terms + offset)`. Terms are summed from the outermost block in, so that each partial sum is computed
 * where its loops begin; `start` is known from `block` on.
 */
function sumOfTerms(context: Context, sum: Sum, scale: number, start: Expression, block: Block): Expression {
  const levels = new Map<Block, { factor: Dim; index: Index }[]>()
  for (const term of sum.terms) {
    const place = placeOf(context, context.fn.identities.of(term.index)).block
    const at = place.depth < block.depth ? block : place
    const known = levels.get(at)
    if (known) known.push(term)
    else levels.set(at, [term])
  }
  const blocks = outermostFirst(levels)
  let value = start
  if (sum.offset.constant !== 0) value = plus(value, times(size(sum.offset), number(scale)))
  blocks.forEach((at, i) => {
    const here = inside(context, at)
    for (const { factor, index } of levels.get(at)!)
      value = plus(value, scaled(times(printIndex(here, index), size(factor)), scale))
    if (i < blocks.length - 1) value = namedOnce(here, value)
  })
  return value
}
const scaled = (value: Expression, scale: number): Expression => times(value, number(scale))

/** Equal partial sums of other expressions are found again. */
function namedOnce(context: Context, value: Expression): Expression {
  const key = `= ${keyOf(value)}`
  const known = context.block.known.get(key)
  if (known) return known
  const made = named(context, value)
  context.block.known.set(key, made)
  return made
}

/** Numbers for what an expression refers to, so that equal code has equal text: a character a byte, and one that no byte is before numbers. */
const itemNumbers = new WeakMap<object, number>()
let items = 0
function keyOf(value: Expression): string {
  let key = ''
  const visit = (code: readonly Item[]): void => {
    for (let i = 0; i < code.length; i++) {
      const item = code[i]!
      if (typeof item === 'number') key += String.fromCharCode(item)
      else if (isRun(item)) visit(item)
      else key += `\u0100${numberOf('dim' in item ? item.dim : item)},`
    }
  }
  visit(value.items)
  return key
}
function numberOf(item: object): number {
  const known = itemNumbers.get(item)
  if (known !== undefined) return known
  itemNumbers.set(item, items)
  return items++
}

/** The byte address of an element of a slot: four times the index past its beginning. */
export function printAddress(context: Context, slot: number, index: Index): Expression {
  const base = get(context.fn.slot(slot))
  const { block, key } = placeOf(context, context.fn.identities.of(index))
  const full = `${key} @${slot}`
  const known = block.known.get(full)
  if (known) return known
  const here = inside(context, block)
  const value =
    index.kind === 'sum'
      ? sumOfTerms(here, index, 4, base, context.fn.body)
      : plus(base, times(printIndex(here, index), number(4)))
  const result = named(here, value)
  block.known.set(full, result)
  return result
}

/**
 * A quotient or remainder of an index that cannot be negative is plain. One that can be is shifted by a multiple of the
 * divisor first, where its least value is known; otherwise it is divided as a signed number, rounding down.
 */
function printDivision(context: Context, item: Extract<Index, { kind: 'quotient' | 'remainder' }>): Expression {
  const index = named(context, printIndex(context, item.index))
  const by = divisor(item.by)
  const least = leastValue(item.index)
  const isQuotient = item.kind === 'quotient'
  const operation = isQuotient ? 'i32.div_u' : 'i32.rem_u'
  if (least >= 0) return op(operation, index, by)
  const shift = shiftFor(least, item.by)
  if (shift !== undefined) {
    const shifted = op(operation, plus(index, number(shift * item.by.constant!)), by)
    return isQuotient ? plus(shifted, number(-shift)) : shifted
  }
  // ⌊i / d⌋ = (i - rest) / d with the rest in [0, d).
  const rest = named(context, op('i32.rem_s', index, by))
  const floored = choose(op('i32.add', rest, by), rest, op('i32.lt_s', rest, number(0)))
  return isQuotient ? op('i32.div_s', op('i32.sub', index, floored), by) : floored
}

/** How many times the divisor must be added so that nothing is negative, if both are known numbers. */
function shiftFor(least: number, by: Dim): number | undefined {
  if (by.constant === undefined || !Number.isFinite(least)) return undefined
  return Math.ceil(-least / by.constant)
}

/** A condition on an index that has one value here: 1 where it holds. */
export function printGuard(context: Context, guard: Guard): Expression {
  const index = printIndex(context, guard.index)
  if (guard.kind === 'inside') return op('i32.lt_u', index, size(guard.size))
  const by = divisor(guard.by)
  const least = leastValue(guard.index)
  if (least >= 0) return op('i32.eqz', op('i32.rem_u', index, by))
  const shift = shiftFor(least, guard.by)
  if (shift !== undefined) return op('i32.eqz', op('i32.rem_u', plus(index, number(shift * guard.by.constant!)), by))
  return op('i32.eqz', op('i32.rem_s', index, by))
}

/**
 * By how much an index grows from one lane to the next: `undefined` where that is not the same for all. Dims that are
 * the steps of an index are exact.
 */
export function laneStep(context: Context, index: Index): Dim | number | undefined {
  const { lanes, fn } = context
  switch (index.kind) {
    case 'dim':
      return 0
    case 'axis':
      return index.axis === lanes ? 1 : 0
    case 'sum': {
      let step: Dim | number = 0
      for (const term of index.terms) {
        const own = laneStep(context, term.index)
        if (own === undefined) return undefined
        if (own === 0) continue
        // One term at most holds an axis itself; a second one would have to be added to the first.
        if (step !== 0 || own !== 1) return undefined
        step = term.factor.constant ?? term.factor
      }
      return step
    }
    case 'quotient':
    case 'remainder':
    case 'data':
      return isVector(context, fn.identities.of(index)) ? undefined : 0
    default:
      return index satisfies never
  }
}
