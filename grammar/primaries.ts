/** Calls, members and indices, and what they are applied to: names, literals, groups, lists, chains. */
import type { Argument, Expression, IndexItem } from './ast.ts'
import type { Cursor } from './cursor.ts'
import { chain, expression, missing } from './expressions.ts'
import type { Construct } from './fault.ts'
import { numberValue, stringValue } from './literals.ts'
import { isInfix } from './operators.ts'
import { separated } from './separated.ts'
import type { Span } from './source.ts'
import { label } from './types.ts'

export function postfix(cursor: Cursor, construct: Construct): Expression {
  let value = primary(cursor, construct)
  for (;;) {
    if (cursor.is('(')) {
      const opener = cursor.next()
      const list = separated(cursor, ')', 'call', cursor.span(opener, opener), () => argument(cursor, 'call'))
      value = cursor.built(
        { kind: 'call', callee: value, arguments: list, span: cursor.span(value.span) },
        value,
        ...list.map((a) => a.value),
      )
    } else if (cursor.is('[')) {
      const opener = cursor.next()
      const indices = separated(cursor, ']', 'index', cursor.span(opener, opener), () => index(cursor))
      if (indices.length === 0)
        cursor.report({
          kind: 'unexpected',
          span: cursor.span(opener),
          found: { type: 'symbol', text: '[]' },
          expected: ['an index'],
          construct: 'index',
          opener: undefined,
        })
      const parts = indices.flatMap((i) =>
        i.kind === 'at' ? [i.value] : i.kind === 'slice' ? [i.start, i.stop, i.step] : [],
      )
      value = cursor.built({ kind: 'index', object: value, indices, span: cursor.span(value.span) }, value, ...parts)
    } else if (cursor.take('.')) {
      const member = cursor.name('expression', 'the name of a member')
      if (member === undefined) return value
      value = cursor.built({ kind: 'member', object: value, member, span: cursor.span(value.span) }, value)
    } else return value
  }
}

function argument(cursor: Cursor, construct: Construct): Argument {
  const start = cursor.peek()
  const name = cursor.is('name') && cursor.is(':', 1) ? label(cursor) : undefined
  const value = expression(cursor, construct)
  return { name, value, span: cursor.span(start) }
}

/** `2` · `0..3` · `:` · `1:` · `:-1` · `::2` · `...` */
function index(cursor: Cursor): IndexItem {
  const start = cursor.peek()
  const rest = cursor.take('...')
  if (rest !== undefined) return { kind: 'rest', span: cursor.span(rest, rest) }
  const bound = (): Expression | undefined =>
    cursor.is(':') || cursor.is(',') || cursor.is(']') ? undefined : expression(cursor, 'index')
  const first = bound()
  if (!cursor.is(':') && first !== undefined) return { kind: 'at', value: first, span: first.span }
  if (!cursor.is(':')) {
    cursor.unexpected(['an index', '`:`', '`...`'], 'index')
    return { kind: 'at', value: missing(cursor), span: cursor.spanOfFound(start) }
  }
  cursor.next()
  const stop = bound()
  const step = cursor.take(':') ? bound() : undefined
  return { kind: 'slice', start: first, stop, step, span: cursor.span(start) }
}

// ---------------------------------------------------------------- primaries

function primary(cursor: Cursor, construct: Construct): Expression {
  const token = cursor.peek()
  const here: Span = cursor.spanOfFound(token)
  switch (token.type) {
    case 'number':
      cursor.next()
      return { kind: 'number', text: token.text, ...numberValue(token.text), span: here }
    case 'string':
      cursor.next()
      return { kind: 'string', value: stringValue(token.text), span: here }
    case 'true':
    case 'false':
      cursor.next()
      return { kind: 'boolean', value: token.type === 'true', span: here }
    case 'none':
      cursor.next()
      return { kind: 'none', span: here }
    case 'name':
      if (token.text === 'chain' && cursor.is('{', 1)) return chain(cursor)
      cursor.next()
      return { kind: 'name', name: token.text, span: here }
    case '(':
      return parenthesised(cursor)
    case '[': {
      cursor.next()
      const items = separated(cursor, ']', 'list', here, () => expression(cursor, 'list'))
      return cursor.built({ kind: 'list', items, span: cursor.span(token) }, ...items)
    }
    default:
      cursor.unexpected(['an expression'], construct)
      // What cannot begin an expression may still be a stray word before one; the construct around decides where to go on.
      if (token.type === 'bad') cursor.next()
      if (token.type === 'bad' || isInfix(token.type)) cursor.silence()
      return { kind: 'error', span: here }
  }
}

function parenthesised(cursor: Cursor): Expression {
  const opener = cursor.next()
  const openerSpan = cursor.span(opener, opener)
  let commas = 0
  const items = separated(cursor, ')', 'tuple', openerSpan, () => {
    const item = argument(cursor, 'tuple')
    if (cursor.is(',')) commas++
    return item
  })
  const span = cursor.span(opener)
  const only = items[0]
  if (items.length === 1 && only !== undefined && only.name === undefined && commas === 0) {
    // Parentheses widen the span of what they hold.
    return cursor.built({ ...only.value, span }, only.value)
  }
  if (items.length === 0)
    cursor.report({
      kind: 'unexpected',
      span,
      found: { type: 'symbol', text: '()' },
      expected: ['an expression'],
      construct: 'tuple',
      opener: undefined,
    })
  return cursor.built({ kind: 'tuple', items, span }, ...items.map((i) => i.value))
}
