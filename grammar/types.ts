/** Types and parameters: `float[B, T, dim]?`, `(all: float[B, H], last: float[B])`, `heads: int = 8`. */
import type { DimPattern, Expression, Identifier, Parameter, ResultType, Type } from './ast.ts'
import type { Cursor } from './cursor.ts'
import { expression } from './expressions.ts'
import { separated } from './separated.ts'

export function type(cursor: Cursor): Type {
  const start = cursor.peek()
  const element = cursor.name('type', 'a type') ?? { name: '', span: cursor.spanOfFound(start) }
  let dims: readonly DimPattern[] | undefined
  if (cursor.is('[')) {
    const opener = cursor.next()
    dims = separated(cursor, ']', 'type', cursor.span(opener, opener), () => dim(cursor))
  }
  const optional = cursor.take('?') !== undefined
  return { element, dims, optional, span: cursor.span(start) }
}

function dim(cursor: Cursor): DimPattern {
  const rest = cursor.take('...')
  if (rest !== undefined) return { kind: 'rest', span: cursor.span(rest, rest) }
  const value = expression(cursor, 'type')
  return { kind: 'dim', value, span: value.span }
}

/** What follows `->`. */
export function resultType(cursor: Cursor): ResultType {
  const start = cursor.peek()
  if (!cursor.is('(')) {
    const single = type(cursor)
    return { parts: [{ name: undefined, type: single }], tuple: false, span: single.span }
  }
  const opener = cursor.next()
  const parts = separated(cursor, ')', 'result type', cursor.span(opener, opener), () => {
    const name = cursor.is('name') && cursor.is(':', 1) ? label(cursor) : undefined
    return { name, type: type(cursor) }
  })
  return { parts, tuple: true, span: cursor.span(start) }
}

/** `( … )` after a function's or a module's name. */
export function parameters(cursor: Cursor): readonly Parameter[] {
  const opener = cursor.expect('(', 'parameters')
  if (opener.text === '') return []
  return separated(cursor, ')', 'parameters', cursor.span(opener, opener), () => parameter(cursor)).filter(isPresent)
}

function parameter(cursor: Cursor): Parameter | undefined {
  const start = cursor.peek()
  const name = cursor.name('parameters', 'a parameter')
  if (name === undefined) {
    cursor.skipTo(',')
    return undefined
  }
  // `query float[B]`: a colon is missing, where `dim heads: int` lacks a comma.
  const colonMissing = cursor.is('name') && ['[', '=', '?', ')', ','].includes(cursor.peek(1).type)
  if (colonMissing) cursor.unexpected(['`:`'], 'parameters')
  const declared = colonMissing || cursor.take(':') ? type(cursor) : undefined
  let initial: Expression | undefined
  if (cursor.take('=')) initial = expression(cursor, 'parameters')
  return { name, type: declared, default: initial, span: cursor.span(start) }
}

/** `name:` where both stand ahead. */
export function label(cursor: Cursor): Identifier {
  const token = cursor.next()
  cursor.next()
  return { name: token.text, span: cursor.span(token, token) }
}

function isPresent<T>(value: T | undefined): value is T {
  return value !== undefined
}
