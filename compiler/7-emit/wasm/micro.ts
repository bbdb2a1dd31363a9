/**
 * The inner kernel of every contraction: a block of 4 × 8 sums in registers, fed from packed operands.
 *
 *     c[i, j] += Σ_k a[i, k] · b[k, j]        i < 4, j < 8
 *
 * The left operand lies row by row, the right one depth by depth, the sums row by row, each at a fixed pitch, so that
 * all distances but the loop's own are part of the instructions.
 */
import type { CodeObject } from '../../lowered.ts'
import { Block } from './block.ts'
import { get, Local, number } from './code.ts'
import { finishCode, product } from './function.ts'
import { loadSplat, loadVector, op, storeItems } from './instructions.ts'

/** Bytes from one row of the left operand, one depth of the right one, one row of sums, to the next. */
export interface Pitches {
  readonly left: number
  readonly right: number
  readonly sums: number
}

/**
 * A block: eight sums, two vectors of the right operand and four of the left are what sixteen registers hold. One depth a
 * turn: within one run of instructions the engine moves loads before all arithmetic (they are in the order of effects,
 * arithmetic is wherever it is needed), so that of several depths all operands would have to be held at once.
 */
export const microRows = 4
export const microColumns = 8

/** `micro(a, b, c, depth)`: byte addresses and a number of depths. */
export function microCode({ left, right, sums }: Pitches): CodeObject {
  const block = new Block()
  const [a, b, c, depth] = [new Local('i32'), new Local('i32'), new Local('i32'), new Local('i32')]
  const sum = Array.from({ length: microRows }, () => [new Local('v128'), new Local('v128')] as const)
  for (const [i, pair] of sum.entries())
    for (const [j, s] of pair.entries()) block.set(s, loadVector(get(c), i * sums + 16 * j))
  const [b0, b1, x] = [new Local('v128'), new Local('v128'), new Local('v128')]
  const k = new Local('i32')
  block.set(k, number(0))
  block.loop(k, get(depth), number(1), (inner) => {
    inner.set(b0, loadVector(get(b)))
    inner.set(b1, loadVector(get(b), 16))
    sum.forEach(([s0, s1], i) => {
      inner.set(x, loadSplat(get(a), i * left))
      inner.set(s0, product(x, b0, s0))
      inner.set(s1, product(x, b1, s1))
    })
    inner.set(a, op('i32.add', get(a), number(4)))
    inner.set(b, op('i32.add', get(b), number(right)))
  })
  for (const [i, pair] of sum.entries())
    for (const [j, s] of pair.entries()) block.add(storeItems(get(c), get(s), i * sums + 16 * j))
  return finishCode([a, b, c, depth], undefined, block.items)
}
