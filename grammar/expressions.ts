/**
 * Expressions. Binary operators by precedence climbing: chains of `+` are read in a loop, whatever their length.
 *
 *   pipeline  <  or  <  and  <  not  <  comparison  <  range  <  + -  <  * / div % @  <  unary - +  <  **  <  call, index
 */
import type { Argument, BinaryOperator, Expression, IndexItem, Stage } from './ast.ts'
import type { Cursor } from './cursor.ts'
import type { Construct } from './fault.ts'
import { separated } from './separated.ts'
import type { Span } from './source.ts'
import { cover } from './source.ts'
import { numberValue, stringValue, type Token, type TokenType } from './tokens.ts'
import { label, parameters } from './types.ts'

export function expression(cursor: Cursor, construct: Construct): Expression {
  return cursor.nested(
    () => {
      if (cursor.is('if')) return conditional(cursor)
      if (isLambda(cursor)) return lambda(cursor, (body) => expression(body, 'lambda'))
      return pipeline(cursor, construct)
    },
    () => missing(cursor),
  )
}

const starters: ReadonlySet<TokenType> = new Set<TokenType>([
  'name', 'number', 'string', 'true', 'false', 'none', 'not', 'if', '(', '[', '-', '+',
])

export function beginsExpression(type: TokenType): boolean {
  return starters.has(type)
}

/** Stands for what could not be read; the fault was reported. */
function missing(cursor: Cursor): Expression {
  const { end } = cursor.previous()
  return { kind: 'error', span: { source: cursor.source, start: end, end } }
}

/** `if reverse then a else b` */
function conditional(cursor: Cursor): Expression {
  const start = cursor.next()
  const condition = expression(cursor, 'conditional')
  cursor.expect('then', 'conditional')
  const then = expression(cursor, 'conditional')
  cursor.expect('else', 'conditional')
  const otherwise = expression(cursor, 'conditional')
  return cursor.built({ kind: 'conditional', condition, then, else: otherwise, span: cursor.span(start) }, condition, then, otherwise)
}

function isLambda(cursor: Cursor): boolean {
  return cursor.is('(') && cursor.afterGroup().type === '=>'
}

/** `(x) => x * 2` */
function lambda(cursor: Cursor, readBody: (cursor: Cursor) => Expression): Expression {
  const start = cursor.peek()
  const names = parameters(cursor)
  cursor.expect('=>', 'lambda')
  const body = readBody(cursor)
  return cursor.built({ kind: 'lambda', parameters: names, body, span: cursor.span(start) }, body)
}

// ---------------------------------------------------------------- pipelines and stages

function pipeline(cursor: Cursor, construct: Construct): Expression {
  const input = binary(cursor, 1, construct)
  if (!cursor.is('|>')) return input
  const stages: Stage[] = []
  while (cursor.take('|>')) stages.push(stage(cursor, 'pipeline'))
  const whole = cursor.built({ kind: 'pipeline', input, stages, span: cover(input.span, cursor.span(cursor.previous())) }, input, ...stages.map((s) => s.value))
  const operator = precedences.get(cursor.peek().type)
  if (operator !== undefined) {
    // `x |> f == y`: which side of `==` the pipeline is on would be anybody's guess.
    const token = cursor.peek()
    cursor.fault({ kind: 'pipeline-operator', span: cursor.span(token, token), operator: token.text, pipeline: whole.span })
    cursor.next()
    binary(cursor, 1, construct)
  }
  return whole
}

/** `flatten` · `head: Linear(10)` · `Block(dim) * layers` */
export function stage(cursor: Cursor, construct: Construct): Stage {
  const start = cursor.peek()
  const name = cursor.is('name') && cursor.is(':', 1) ? label(cursor) : undefined
  const value = isLambda(cursor) ? lambda(cursor, (body) => binary(body, 1, 'lambda')) : binary(cursor, multiplicative, construct)
  return { name, value, span: cursor.span(start) }
}

/** `chain { Linear(hidden); relu; Linear(dim) }` */
function chain(cursor: Cursor): Expression {
  const start = cursor.next()
  const opener = cursor.next()
  const stages: Stage[] = []
  for (cursor.skipSeparators(); !cursor.is('}') && !cursor.is('end'); cursor.skipSeparators()) {
    stages.push(stage(cursor, 'chain'))
    if (cursor.is('newline') || cursor.is(';') || cursor.is('}')) continue
    cursor.unexpected(['`;`', 'a new line', '`}`'], 'chain', cursor.span(opener, opener))
    cursor.skipTo('newline', ';')
    if (!cursor.is('newline') && !cursor.is(';')) break
  }
  cursor.expect('}', 'chain', cursor.span(opener, opener))
  return cursor.built({ kind: 'chain', stages, span: cursor.span(start) }, ...stages.map((s) => s.value))
}

// ---------------------------------------------------------------- operators

const comparison = 4
const range = 5
const multiplicative = 7

/** The binary operators; a higher number binds more. */
export const precedences: ReadonlyMap<TokenType, number> = new Map<TokenType, number>([
  ['or', 1], ['and', 2],
  ['==', comparison], ['!=', comparison], ['<', comparison], ['<=', comparison], ['>', comparison], ['>=', comparison], ['~=', comparison],
  ['..', range],
  ['+', 6], ['-', 6],
  ['*', multiplicative], ['/', multiplicative], ['div', multiplicative], ['%', multiplicative], ['@', multiplicative],
])

export function isInfix(type: TokenType): boolean {
  return precedences.has(type) || type === '**' || type === '|>'
}

function binary(cursor: Cursor, minimum: number, construct: Construct): Expression {
  let left = unary(cursor, minimum, construct)
  let compared: Token | undefined
  for (;;) {
    const token = cursor.peek()
    const precedence = precedences.get(token.type)
    if (precedence === undefined || precedence < minimum) return left
    if (precedence === comparison || precedence === range) {
      if (compared !== undefined && precedences.get(compared.type) === precedence) {
        cursor.fault({ kind: 'chained-comparison', span: cursor.span(token, token), first: cursor.span(compared, compared) })
      }
      compared = token
    }
    cursor.next()
    const right = binary(cursor, precedence + 1, construct)
    const span = cover(left.span, right.span)
    left = token.type === '..'
      ? cursor.built({ kind: 'range', start: left, stop: right, span }, left, right)
      : cursor.built({ kind: 'binary', operator: operatorOf(token.type), left, right, operatorSpan: cursor.span(token, token), span }, left, right)
  }
}

/** The tree keeps `//`, the sign of mathematics books in code; in a text it would start a comment, so it is `div`. */
function operatorOf(type: TokenType): BinaryOperator {
  return (type === 'div' ? '//' : type) as BinaryOperator
}

function unary(cursor: Cursor, minimum: number, construct: Construct): Expression {
  const token = cursor.peek()
  const isSign = token.type === '-' || token.type === '+'
  if (!isSign && (token.type !== 'not' || minimum >= comparison)) return power(cursor, construct)
  return cursor.nested(
    () => {
      cursor.next()
      const operand = isSign ? unary(cursor, comparison, construct) : binary(cursor, 3, construct)
      const operator = token.type as '-' | '+' | 'not'
      return cursor.built({ kind: 'unary', operator, operand, span: cover(cursor.span(token, token), operand.span) }, operand)
    },
    () => missing(cursor),
  )
}

function power(cursor: Cursor, construct: Construct): Expression {
  const left = postfix(cursor, construct)
  const token = cursor.take('**')
  if (token === undefined) return left
  const right = cursor.nested(() => unary(cursor, comparison, construct), () => missing(cursor))
  return cursor.built({ kind: 'binary', operator: '**', left, right, operatorSpan: cursor.span(token, token), span: cover(left.span, right.span) }, left, right)
}

// ---------------------------------------------------------------- calls, members, indices

function postfix(cursor: Cursor, construct: Construct): Expression {
  let value = primary(cursor, construct)
  for (;;) {
    if (cursor.is('(')) {
      const opener = cursor.next()
      const list = separated(cursor, ')', 'call', cursor.span(opener, opener), () => argument(cursor, 'call'))
      value = cursor.built({ kind: 'call', callee: value, arguments: list, span: cursor.span(value.span) }, value, ...list.map((a) => a.value))
    } else if (cursor.is('[')) {
      const opener = cursor.next()
      const indices = separated(cursor, ']', 'index', cursor.span(opener, opener), () => index(cursor))
      if (indices.length === 0) cursor.report({ kind: 'unexpected', span: cursor.span(opener), found: { type: 'symbol', text: '[]' }, expected: ['an index'], construct: 'index', opener: undefined })
      const parts = indices.flatMap((i) => (i.kind === 'at' ? [i.value] : i.kind === 'slice' ? [i.start, i.stop, i.step] : []))
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
  const bound = (): Expression | undefined => (cursor.is(':') || cursor.is(',') || cursor.is(']') ? undefined : expression(cursor, 'index'))
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
  if (items.length === 0) cursor.report({ kind: 'unexpected', span, found: { type: 'symbol', text: '()' }, expected: ['an expression'], construct: 'tuple', opener: undefined })
  return cursor.built({ kind: 'tuple', items, span }, ...items.map((i) => i.value))
}
