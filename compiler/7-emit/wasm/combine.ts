/** How reductions combine, in one lane and in four; arg-reductions carry the position of the best value. */
import type { DType } from '../../ir/graph.ts'
import type { Combine } from '../../ops/op.ts'
import type { Block } from './block.ts'
import { type Expression, float, floats, get, integers, Local, number } from './code.ts'
import { functionWriters } from './functions.ts'
import { choose, extract, op } from './instructions.ts'

export const isArg = (combine: Combine): boolean => combine === 'argmax' || combine === 'argmin'

/** A value under accumulation. */
export interface Accumulator {
  readonly combine: Combine
  readonly dtype: DType
  readonly value: Local
  readonly position: Local | undefined
}

/** The position that no element has. Any real position is less. */
const noPosition = 0x7fffffff

function startOf(combine: Combine, dtype: DType): number {
  if (combine === 'sum') return 0
  const most = combine === 'max' || combine === 'argmax'
  switch (dtype) {
    case 'float':
      return most ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
    case 'int':
      return most ? -2147483648 : 2147483647
    case 'uint':
      return most ? 0 : -1
    case 'bool':
      return most ? 0 : 1
    default:
      return dtype satisfies never
  }
}

export function declareAccumulator(block: Block, combine: Combine, dtype: DType, four: boolean): Accumulator {
  const start = startOf(combine, dtype)
  const value = new Local(four ? 'v128' : dtype === 'float' ? 'f32' : 'i32')
  const first =
    dtype === 'float'
      ? four
        ? floats(start)
        : float(start)
      : four
        ? integers(dtype === 'bool' ? -start : start)
        : number(start)
  block.set(value, first)
  if (!isArg(combine)) return { combine, dtype, value, position: undefined }
  const position = new Local(four ? 'v128' : 'i32')
  block.set(position, four ? integers(noPosition) : number(noPosition))
  return { combine, dtype, value, position }
}

/** Takes in an element, or four; `position` is its flat index. */
export function accumulate(block: Block, into: Accumulator, value: Expression, position: Expression): void {
  if (into.position === undefined) {
    block.set(into.value, combined(block, into.combine, into.dtype, get(into.value), value))
    return
  }
  const four = into.value.type === 'v128'
  const candidate = new Local(into.value.type)
  block.set(candidate, value)
  const better = new Local(four ? 'v128' : 'i32')
  block.set(better, replaces(block, into, get(candidate), position))
  const pick = (a: Expression, b: Expression) =>
    four ? op('v128.bitselect', a, b, get(better)) : choose(a, b, get(better))
  block.set(into.value, pick(get(candidate), get(into.value)))
  block.set(into.position, pick(position, get(into.position)))
}

export function combined(block: Block, combine: Combine, dtype: DType, a: Expression, b: Expression): Expression {
  const four = a.type === 'v128' ? 'four' : 'one'
  const name =
    combine === 'sum' ? (dtype === 'bool' ? 'or' : 'add') : combine === 'max' || combine === 'argmax' ? 'max' : 'min'
  return functionWriters[name][four]!([a, b], [dtype, dtype], block)
}

/** Whether a candidate is better than what is held, or as good and earlier. A NaN is better than any number. */
function replaces(block: Block, held: Accumulator, value: Expression, position: Expression): Expression {
  const { combine, dtype } = held
  const four = value.type === 'v128' ? 'four' : 'one'
  const write = (fn: 'lt' | 'eq' | 'ne' | 'and' | 'or' | 'not', type: DType, ...v: Expression[]) =>
    functionWriters[fn][four]!(
      v,
      v.map(() => type),
      block,
    )
  const [mine, place] = [get(held.value), get(held.position!)]
  const better = combine === 'argmax' ? write('lt', dtype, mine, value) : write('lt', dtype, value, mine)
  const earlier = write('lt', 'int', position, place)
  const tied = write('and', 'bool', write('eq', dtype, value, mine), earlier)
  const plain = write('or', 'bool', better, tied)
  if (dtype !== 'float') return plain
  const [odd, wasOdd] = [write('ne', 'float', value, value), write('ne', 'float', mine, mine)]
  const first = write('and', 'bool', odd, write('or', 'bool', write('not', 'bool', wasOdd), earlier))
  return write('or', 'bool', plain, first)
}

/** The four lanes of an accumulator taken together, always in the same order. */
export function combineLanes(block: Block, four: Accumulator): Accumulator {
  const one = declareAccumulator(block, four.combine, four.dtype, false)
  const type = four.dtype === 'float' ? 'f32' : 'i32'
  for (let lane = 0; lane < 4; lane++) {
    const value = extract(get(four.value), type, lane)
    // A mask of four bools becomes one that is 0 or 1.
    const plain = four.dtype === 'bool' ? op('i32.ne', value, number(0)) : value
    accumulate(block, one, plain, four.position ? extract(get(four.position), 'i32', lane) : number(0))
  }
  return one
}

/** The finished value: the position for arg-reductions, 0 where there was no element. */
export function finished({ value, position }: Accumulator): Expression {
  if (!position) return get(value)
  if (position.type === 'i32') return choose(number(0), get(position), op('i32.eq', get(position), number(noPosition)))
  return op('v128.andnot', get(position), op('i32x4.eq', get(position), integers(noPosition)))
}
