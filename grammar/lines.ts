/** How lines begin and end: which go on with their neighbours, and which plainly begin something. */
import type { Token, TokenType } from './tokens.ts'

/** A line that begins with one of these goes on with the line before. */
export const continues: ReadonlySet<TokenType> = new Set<TokenType>([
  '|>',
  '+',
  '-',
  '*',
  '/',
  '%',
  '@',
  '**',
  '==',
  '!=',
  '<',
  '<=',
  '>',
  '>=',
  '~=',
  'and',
  'or',
  'div',
  '..',
  '.',
  '=',
  '=>',
  '->',
  ',',
  ')',
  ']',
  'then',
  'else',
  'in',
  '{',
])
/** A line that ends with one of these goes on with the next. */
export const awaits: ReadonlySet<TokenType> = new Set<TokenType>([
  '|>',
  '+',
  '-',
  '*',
  '/',
  '%',
  '@',
  '**',
  '==',
  '!=',
  '<',
  '<=',
  '>',
  '>=',
  '~=',
  'and',
  'or',
  'not',
  'div',
  '..',
  '.',
  '=',
  '=>',
  '->',
  ',',
  '(',
  '[',
  'then',
  'in',
  'let',
  'for',
])

const statementWords: ReadonlySet<string> = new Set([
  'layer',
  'param',
  'state',
  'input',
  'target',
  'output',
  'metric',
  'next',
  'yield',
  'expose',
  'loss',
  'require',
  'expect',
])

export function beginsStatement(tokens: readonly Token[], index: number): boolean {
  const token = tokens[index] as Token
  const next = tokens[index + 1]
  if (
    token.type === 'let' ||
    token.type === 'return' ||
    token.type === 'for' ||
    token.type === '}' ||
    token.type === 'end'
  )
    return true
  return (
    (token.type === 'name' && statementWords.has(token.text) && next?.type === 'name') ||
    beginsDeclaration(tokens, index)
  )
}

/** Whether the line reads like the head of a block, up to its `{`. */
export function beginsBlock(tokens: readonly Token[], index: number): boolean {
  const token = tokens[index] as Token
  const next = tokens[index + 1]
  if (token.type === 'if' || token.type === 'for')
    return !tokens
      .slice(index, index + 40)
      .some((t, i, all) => t.type === 'then' && !all.slice(0, i).some((u) => u.type === 'newline'))
  if (token.type !== 'name') return false
  switch (token.text) {
    case 'model':
    case 'module':
    case 'fn':
    case 'data':
      return next?.type === 'name'
    case 'train':
      return next?.type === 'newline' || (next?.type === 'name' && tokens[index + 2]?.type === 'newline')
    case 'test':
      return next?.type === 'newline' || next?.type === 'string'
    case 'forward':
      return next?.type === '('
    case 'scan':
      return next?.type === 'name'
    default:
      return false
  }
}

export function beginsDeclaration(tokens: readonly Token[], index: number): boolean {
  const token = tokens[index] as Token
  const next = tokens[index + 1]
  const after = tokens[index + 2]
  if (token.type !== 'name') return false
  switch (token.text) {
    case 'module':
    case 'model':
    case 'fn':
      return next?.type === 'name' && (after?.type === '(' || after?.type === '{')
    case 'data':
      return next?.type === 'name' && after?.type === '{'
    case 'train':
      return (next?.type === 'name' && after?.type === '{') || next?.type === '{'
    case 'test':
      return next?.type === 'string'
    case 'const':
      return next?.type === 'name' && (after?.type === '=' || after?.type === ':')
    case 'import':
      return next?.type === 'string' || next?.type === '{'
    default:
      return false
  }
}
