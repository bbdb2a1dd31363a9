/**
 * What must hold of sizes that are free while checking, so that a session can hold them to it when they get their values: a
 * slice that must end within its axis, and each `require` that sizes alone decide.
 *
 *     weight[:T], weight: float[128, 64]        →   128 - T ≥ 0
 *     require T % 2 == 0, "pairs are turned"    →   T % 2 ≥ 0 and -(T % 2) ≥ 0
 */
import type { Expression } from '../../grammar/ast.ts'
import { type Dim, one, subtract } from '../ir/dim.ts'
import { isNonNegative } from '../ir/index-bounds.ts'
import type { Elaboration } from './elaboration.ts'
import { evaluate, live } from './expression.ts'
import type { Scope } from './scope.ts'
import { asDim } from './value.ts'

export function requireAtLeastZero(e: Elaboration, size: Dim, says: string): void {
  if (!isNonNegative(size) && !e.requirements.some((known) => known.size === size)) e.requirements.push({ size, says })
}

/** The sizes that are not negative exactly where a condition holds; none where it is no comparison of sizes. */
export function sizesThatHold(e: Elaboration, condition: Expression, scope: Scope): readonly Dim[] {
  if (condition.kind !== 'binary') return []
  const { operator, left, right } = condition
  if (operator === 'and') return [left, right].flatMap((side) => sizesThatHold(e, side, scope))
  const [a, b] = [left, right].map((side) => asDim(live(evaluate(e, side, scope))))
  if (!a || !b) return []
  const difference = subtract(b, a)
  switch (operator) {
    case '<=':
      return [difference]
    case '<':
      return [subtract(difference, one)]
    case '>=':
      return [subtract(a, b)]
    case '>':
      return [subtract(subtract(a, b), one)]
    case '==':
      return [difference, subtract(a, b)]
    default:
      return []
  }
}
