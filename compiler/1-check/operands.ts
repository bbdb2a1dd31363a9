/** The operands of an operator as tensors, and what the operator is called. */
import type { BinaryOperator, Expression } from '../../grammar/ast.ts'
import type { Span } from '../../grammar/source.ts'
import type { DType } from '../ir/graph.ts'
import { toTensor } from './coerce.ts'
import type { Elaboration } from './elaboration.ts'
import type { Placed } from './emit.ts'
import type { Value } from './value.ts'

export type BinaryExpression = Expression & { kind: 'binary' }

/** The verb of an operator, for "these two shapes cannot be …". */
export const verbs: Record<BinaryOperator, string> = {
  '+': 'added',
  '-': 'subtracted',
  '*': 'multiplied',
  '/': 'divided',
  '//': 'divided',
  '%': 'divided',
  '@': 'multiplied as matrices',
  '**': 'raised to a power',
  '==': 'compared',
  '!=': 'compared',
  '<': 'compared',
  '<=': 'compared',
  '>': 'compared',
  '>=': 'compared',
  '~=': 'compared',
  and: 'combined',
  or: 'combined',
}

export function placed(e: Elaboration, value: Value, span: Span, wanted?: DType): Placed {
  return { node: toTensor(e, value, span, wanted), span }
}

/** Two operands as tensors; a static one follows the other's dtype. */
export function pair(e: Elaboration, left: Value, leftSpan: Span, right: Value, rightSpan: Span): [Placed, Placed] {
  if (left.kind === 'tensor') return [placed(e, left, leftSpan), placed(e, right, rightSpan, left.node.dtype)]
  if (right.kind === 'tensor') return [placed(e, left, leftSpan, right.node.dtype), placed(e, right, rightSpan)]
  // A symbolic dim beside a number: both are float scalars.
  const wanted = left.kind === 'dim' || right.kind === 'dim' ? 'float' : undefined
  return [placed(e, left, leftSpan, wanted), placed(e, right, rightSpan, wanted)]
}
