/** Operators and how much they bind; a higher number binds more. */
import type { BinaryOperator } from './ast.ts'
import type { TokenType } from './tokens.ts'

export const comparison = 4
export const range = 5
export const multiplicative = 7

/** The binary operators; a higher number binds more. */
export const precedences: ReadonlyMap<TokenType, number> = new Map<TokenType, number>([
  ['or', 1],
  ['and', 2],
  ['==', comparison],
  ['!=', comparison],
  ['<', comparison],
  ['<=', comparison],
  ['>', comparison],
  ['>=', comparison],
  ['~=', comparison],
  ['..', range],
  ['+', 6],
  ['-', 6],
  ['*', multiplicative],
  ['/', multiplicative],
  ['div', multiplicative],
  ['%', multiplicative],
  ['@', multiplicative],
])

export function isInfix(type: TokenType): boolean {
  return precedences.has(type) || type === '**' || type === '|>'
}

/** The tree keeps `//`, the sign of mathematics books in code; in a text it would start a comment, so it is `div`. */
export function operatorOf(type: TokenType): BinaryOperator {
  return (type === 'div' ? '//' : type) as BinaryOperator
}

const starters: ReadonlySet<TokenType> = new Set<TokenType>([
  'name',
  'number',
  'string',
  'true',
  'false',
  'none',
  'not',
  'if',
  '(',
  '[',
  '-',
  '+',
])

export function beginsExpression(type: TokenType): boolean {
  return starters.has(type)
}
