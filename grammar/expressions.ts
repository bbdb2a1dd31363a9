/**
 * Expressions. Binary operators by precedence climbing: chains of `+` are read in a loop, whatever their length.
 *
 *   pipeline  <  or  <  and  <  not  <  comparison  <  range  <  + -  <  * / div % @  <  unary - +  <  **  <  call, index
 */
import type { Expression, Stage } from './ast.ts'
import type { Cursor } from './cursor.ts'
import type { Construct } from './fault.ts'
import { comparison, multiplicative, operatorOf, precedences, range } from './operators.ts'
import { postfix } from './primaries.ts'
import { cover } from './source.ts'
import type { Token } from './tokens.ts'
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

/** Stands for what could not be read; the fault was reported. */
export function missing(cursor: Cursor): Expression {
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
  return cursor.built(
    { kind: 'conditional', condition, then, else: otherwise, span: cursor.span(start) },
    condition,
    then,
    otherwise,
  )
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
  const whole = cursor.built(
    { kind: 'pipeline', input, stages, span: cover(input.span, cursor.span(cursor.previous())) },
    input,
    ...stages.map((s) => s.value),
  )
  const operator = precedences.get(cursor.peek().type)
  if (operator !== undefined) {
    // `x |> f == y`: which side of `==` the pipeline is on would be anybody's guess.
    const token = cursor.peek()
    cursor.fault({
      kind: 'pipeline-operator',
      span: cursor.span(token, token),
      operator: token.text,
      pipeline: whole.span,
    })
    cursor.next()
    binary(cursor, 1, construct)
  }
  return whole
}

/** `flatten` · `head: Linear(10)` · `Block(dim) * layers` */
export function stage(cursor: Cursor, construct: Construct): Stage {
  const start = cursor.peek()
  const name = cursor.is('name') && cursor.is(':', 1) ? label(cursor) : undefined
  const value = isLambda(cursor)
    ? lambda(cursor, (body) => binary(body, 1, 'lambda'))
    : binary(cursor, multiplicative, construct)
  return { name, value, span: cursor.span(start) }
}

/** `chain { Linear(hidden); relu; Linear(dim) }` */
export function chain(cursor: Cursor): Expression {
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

function binary(cursor: Cursor, minimum: number, construct: Construct): Expression {
  let left = unary(cursor, minimum, construct)
  let compared: Token | undefined
  for (;;) {
    const token = cursor.peek()
    const precedence = precedences.get(token.type)
    if (precedence === undefined || precedence < minimum) return left
    if (precedence === comparison || precedence === range) {
      if (compared !== undefined && precedences.get(compared.type) === precedence) {
        cursor.fault({
          kind: 'chained-comparison',
          span: cursor.span(token, token),
          first: cursor.span(compared, compared),
        })
      }
      compared = token
    }
    cursor.next()
    const right = binary(cursor, precedence + 1, construct)
    const span = cover(left.span, right.span)
    left =
      token.type === '..'
        ? cursor.built({ kind: 'range', start: left, stop: right, span }, left, right)
        : cursor.built(
            {
              kind: 'binary',
              operator: operatorOf(token.type),
              left,
              right,
              operatorSpan: cursor.span(token, token),
              span,
            },
            left,
            right,
          )
  }
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
      return cursor.built(
        { kind: 'unary', operator, operand, span: cover(cursor.span(token, token), operand.span) },
        operand,
      )
    },
    () => missing(cursor),
  )
}

function power(cursor: Cursor, construct: Construct): Expression {
  const left = postfix(cursor, construct)
  const token = cursor.take('**')
  if (token === undefined) return left
  const right = cursor.nested(
    () => unary(cursor, comparison, construct),
    () => missing(cursor),
  )
  return cursor.built(
    {
      kind: 'binary',
      operator: '**',
      left,
      right,
      operatorSpan: cursor.span(token, token),
      span: cover(left.span, right.span),
    },
    left,
    right,
  )
}
