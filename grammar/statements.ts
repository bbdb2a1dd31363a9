/** Statements and blocks. Words such as `layer` or `loss` are keywords at the start of a statement only. */
import type { Block, Expression, Identifier, Statement, Type } from './ast.ts'
import { braced } from './braces.ts'
import type { Cursor } from './cursor.ts'
import { expression } from './expressions.ts'
import type { Construct } from './fault.ts'
import { isInfix } from './operators.ts'
import { scan } from './scan.ts'
import { separated } from './separated.ts'
import type { Token, TokenType } from './tokens.ts'
import { type } from './types.ts'

export const statementWords = [
  'let',
  'layer',
  'param',
  'state',
  'input',
  'target',
  'output',
  'loss',
  'metric',
  'next',
  'yield',
  'expose',
  'require',
  'expect',
  'return',
  'if',
  'for',
  'scan',
] as const

export function block(cursor: Cursor, construct: Construct): Block {
  const start = cursor.peek()
  const statements = braced(cursor, construct, () => statement(cursor))
  return { statements, span: cursor.span(start) }
}

export function statement(cursor: Cursor): Statement | undefined {
  const start = cursor.peek()
  switch (start.type) {
    case 'let':
      return letStatement(cursor)
    case 'return': {
      cursor.next()
      const value = expression(cursor, 'return')
      return { kind: 'return', value, span: cursor.span(start) }
    }
    case 'if':
      return ifStatement(cursor)
    case 'for': {
      cursor.next()
      const name = cursor.name('for') ?? nameless(cursor)
      cursor.expect('in', 'for')
      const values = expression(cursor, 'for')
      const body = block(cursor, 'for')
      return { kind: 'for', name, range: values, body, span: cursor.span(start) }
    }
    case 'name':
      return worded(cursor, start) ?? plain(cursor)
    default:
      return plain(cursor)
  }
}

/** Statements whose first word is a keyword here: `layer wq = …`. Undefined where that word is an ordinary name. */
function worded(cursor: Cursor, start: Token): Statement | undefined {
  const documentation = start.documentation
  // `state = 3`, `next.x`, `input(…)`: the word is a name there.
  const second = cursor.peek(1)
  const declares = !goesOnAfterName(second.type)
  switch (start.text) {
    case 'layer': {
      if (!declares) return undefined
      cursor.next()
      const { name, value } = binding(cursor, 'layer')
      return { kind: 'layer', name, value, documentation, span: cursor.span(start) }
    }
    case 'param':
    case 'state': {
      if (!declares) return undefined
      const kind = start.text
      cursor.next()
      const name = cursor.name(kind) ?? nameless(cursor)
      const declared = typed(cursor, kind)
      cursor.expect('=', kind)
      const initial = expression(cursor, kind)
      return { kind, name, type: declared, initial, documentation, span: cursor.span(start) }
    }
    case 'input':
    case 'target': {
      if (!declares) return undefined
      const kind = start.text
      cursor.next()
      const name = cursor.name(kind) ?? nameless(cursor)
      return { kind, name, type: typed(cursor, kind), documentation, span: cursor.span(start) }
    }
    case 'output': {
      if (!declares) return undefined
      cursor.next()
      const name = cursor.name('output') ?? nameless(cursor)
      const declared = cursor.take(':') ? type(cursor) : undefined
      cursor.expect('=', 'output')
      const value = expression(cursor, 'output')
      return { kind: 'output', name, type: declared, value, documentation, span: cursor.span(start) }
    }
    case 'metric': {
      if (!declares) return undefined
      cursor.next()
      const { name, value } = binding(cursor, 'metric')
      return { kind: 'metric', name, value, documentation, span: cursor.span(start) }
    }
    case 'loss': {
      if (second.type === '=') return undefined
      cursor.next()
      const name = cursor.is('name') && cursor.is('=', 1) ? cursor.name('loss') : undefined
      if (name !== undefined) cursor.next()
      const value = expression(cursor, 'loss')
      return { kind: 'loss', name, value, documentation, span: cursor.span(start) }
    }
    case 'next':
    case 'yield': {
      if (!declares) return undefined
      const kind = start.text
      cursor.next()
      const { name, value } = binding(cursor, kind)
      return { kind, name, value, span: cursor.span(start) }
    }
    case 'expose': {
      if (!declares) return undefined
      cursor.next()
      const name = cursor.name('expose') ?? nameless(cursor)
      const value = cursor.take('=') ? expression(cursor, 'expose') : undefined
      return { kind: 'expose', name, value, span: cursor.span(start) }
    }
    case 'require': {
      if (second.type === '=') return undefined
      cursor.next()
      const condition = expression(cursor, 'require')
      const message = cursor.take(',') ? expression(cursor, 'require') : undefined
      return { kind: 'require', condition, message, span: cursor.span(start) }
    }
    case 'expect': {
      if (second.type === '=') return undefined
      cursor.next()
      const condition = expression(cursor, 'expect')
      const tolerance = cursor.takeWord('within') ? expression(cursor, 'expect') : undefined
      const message = cursor.take(',') ? expression(cursor, 'expect') : undefined
      return { kind: 'expect', condition, tolerance, message, span: cursor.span(start) }
    }
    case 'scan':
      return declares ? scan(cursor) : undefined
    default:
      return undefined
  }
}

/** What may follow a name that begins an expression or, wrongly, an assignment. */
function goesOnAfterName(type: TokenType): boolean {
  return (
    isInfix(type) ||
    type === '=' ||
    type === '.' ||
    type === '(' ||
    type === '[' ||
    type === 'newline' ||
    type === ';' ||
    type === '}' ||
    type === 'end'
  )
}

/** An expression, or what someone took for a statement. */
function plain(cursor: Cursor): Statement | undefined {
  const start = cursor.peek()
  const next = cursor.peek(1)
  if (start.type === 'name' && next.type === '=') {
    const at = { source: cursor.source, start: start.start, end: start.start }
    cursor.report({ kind: 'missing-let', span: cursor.span(start, start), name: start.text, insertAt: at })
    const { name, value } = binding(cursor, 'let')
    return { kind: 'let', names: [name], tuple: false, type: undefined, value, span: cursor.span(start) }
  }
  if (start.type === 'name' && (next.type === 'name' || next.type === 'string') && !isInfix(next.type)) {
    cursor.fault({
      kind: 'unknown-statement',
      span: cursor.span(start, start),
      word: start.text,
      known: statementWords,
    })
    cursor.skipTo('newline', ';')
    return undefined
  }
  const value = expression(cursor, 'statement')
  return { kind: 'expression', value, span: cursor.span(start) }
}

function binding(cursor: Cursor, construct: Construct): { readonly name: Identifier; readonly value: Expression } {
  const name = cursor.name(construct) ?? nameless(cursor)
  cursor.expect('=', construct)
  return { name, value: expression(cursor, construct) }
}

function typed(cursor: Cursor, construct: Construct): Type {
  cursor.expect(':', construct)
  return type(cursor)
}

/** The name that is missing; the fault was reported. */
export function nameless(cursor: Cursor): Identifier {
  return { name: '', span: cursor.spanOfFound(cursor.peek()) }
}

function letStatement(cursor: Cursor): Statement {
  const start = cursor.next()
  const tuple = cursor.is('(')
  let names: readonly Identifier[]
  if (tuple) {
    const opener = cursor.next()
    if (cursor.is(')')) cursor.unexpected(['a name'], 'let')
    names = separated(cursor, ')', 'let', cursor.span(opener, opener), () => {
      const name = cursor.name('let')
      if (name === undefined) cursor.skipTo(',')
      return name
    }).filter((name) => name !== undefined)
  } else names = [cursor.name('let') ?? nameless(cursor)]
  const declared = !tuple && cursor.take(':') ? type(cursor) : undefined
  cursor.expect('=', 'let')
  const value = expression(cursor, 'let')
  return { kind: 'let', names, tuple, type: declared, value, span: cursor.span(start) }
}

/** `if heads > 1 { … } else if … { … } else { … }`, or a conditional expression that begins a statement. */
function ifStatement(cursor: Cursor, afterElse = false): Statement {
  const start = cursor.next()
  const condition = expression(cursor, 'if')
  if (cursor.is('then') && !afterElse) {
    cursor.next()
    const then = expression(cursor, 'conditional')
    cursor.expect('else', 'conditional')
    const otherwise = expression(cursor, 'conditional')
    const value = cursor.built(
      { kind: 'conditional', condition, then, else: otherwise, span: cursor.span(start) },
      condition,
      then,
      otherwise,
    )
    return { kind: 'expression', value, span: value.span }
  }
  const then = block(cursor, 'if')
  let otherwise: Block | undefined
  if (cursor.take('else')) {
    otherwise = cursor.is('if')
      ? cursor.nested(
          () => {
            const inner = ifStatement(cursor, true)
            return { statements: [inner], span: inner.span }
          },
          () => undefined,
        )
      : block(cursor, 'if')
  }
  return { kind: 'if', condition, then, else: otherwise, span: cursor.span(start) }
}
