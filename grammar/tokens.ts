/**
 * Text → tokens: words, numbers, strings, symbols and line ends, with comments kept beside them. A text that holds
 * something else still gives tokens (a `bad` one where nothing can be guessed), so that the parser goes on.
 *
 * Every pattern repeats single characters only (star height 1), so that no text makes matching slow.
 */
import { characterFault, isOurs, loneSurrogate } from './characters.ts'
import type { SyntaxFault } from './fault.ts'
import { limits } from './fault.ts'
import { numberFault, stringFaults } from './literals.ts'
import type { Source, Span } from './source.ts'

export const reserved = [
  'let',
  'return',
  'if',
  'then',
  'else',
  'for',
  'in',
  'true',
  'false',
  'none',
  'not',
  'and',
  'or',
  'div',
] as const

/** Longest first, so that `**` is not read as two `*`. */
export const symbols = [
  '...',
  '|>',
  '->',
  '=>',
  '==',
  '!=',
  '<=',
  '>=',
  '~=',
  '**',
  '..',
  '(',
  ')',
  '[',
  ']',
  '{',
  '}',
  ',',
  ';',
  ':',
  '.',
  '?',
  '=',
  '<',
  '>',
  '+',
  '-',
  '*',
  '/',
  '%',
  '@',
] as const

export type Reserved = (typeof reserved)[number]
export type SymbolText = (typeof symbols)[number]
export type TokenType = Reserved | SymbolText | 'name' | 'number' | 'string' | 'newline' | 'bad' | 'end'

export interface Token {
  readonly type: TokenType
  readonly text: string
  readonly start: number
  readonly end: number
  /** The `///` lines right before it. */
  readonly documentation?: string
}

export interface Comment {
  readonly text: string
  readonly start: number
  readonly end: number
}

export interface Tokens {
  readonly tokens: readonly Token[]
  readonly comments: readonly Comment[]
  readonly faults: readonly SyntaxFault[]
}

const patterns = {
  blank: /[ \t\f\v\u00a0]+/y,
  newline: /[\r\n]+/y,
  comment: /\/\/[^\r\n]*/y,
  word: /[\p{L}_][\p{L}\p{M}\p{N}_]*/uy,
  number: /\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][+-]?\d[\d_]*)?/y,
  string: /"(?:[^"\\\r\n]|\\[^\r\n])*"?/y,
  quoted: /'(?:[^'\\\r\n]|\\[^\r\n])*'?|“(?:[^”\\\r\n]|\\[^\r\n])*”?/y,
  foreignComment: /#[^\r\n]*/y,
  block: /\/\*/y,
  foreign: /&&?|\|\|?|!|\^|===|!==|<>|:=/y,
} as const

/** Operators of other languages, and ours in their stead. */
const foreign: ReadonlyMap<string, TokenType> = new Map([
  ['&&', 'and'],
  ['&', 'and'],
  ['||', 'or'],
  ['|', 'or'],
  ['!', 'not'],
  ['^', '**'],
  ['===', '=='],
  ['!==', '!='],
  ['<>', '!='],
  [':=', '='],
])

const reservedWords: ReadonlySet<string> = new Set(reserved)

/** Of a symbol that begins no longer one, here or in another language, and no comment, its one character: by code. */
const alone: readonly (SymbolText | undefined)[] = Array.from({ length: 128 }, (_, code) =>
  symbols.find(
    (symbol) =>
      symbol === String.fromCharCode(code) &&
      ![...symbols, ...foreign.keys(), '//'].some((other) => other !== symbol && other.startsWith(symbol)),
  ),
)

const space = 0x20
const isLetter = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || code === 0x5f
const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39

/** The tokens of a text, or of a part of it that begins and ends with a line. */
export function tokenize(source: Source, part?: Omit<Span, 'source'>): Tokens {
  const text = part ? source.text.slice(0, part.end) : source.text
  const tokens: Token[] = []
  const comments: Comment[] = []
  const faults: SyntaxFault[] = []
  let at = part?.start || (text.charCodeAt(0) === 0xfeff ? 1 : 0)
  let documentation: string[] = []

  const span = (start: number, end: number): Span => ({ source, start, end })
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    return pattern.exec(text)?.[0]
  }
  const push = (type: TokenType, length: number) => {
    const word = text.slice(at, at + length)
    const token = { type, text: word, start: at, end: at + length }
    tokens.push(
      documentation.length > 0 && type !== 'newline' ? { ...token, documentation: documentation.join('\n') } : token,
    )
    if (type !== 'newline') documentation = []
    at += length
  }

  while (at < text.length && faults.length < limits.faults) {
    const start = at
    // Most of a program is plain words, spaces and brackets, for which no pattern is needed.
    const code = text.charCodeAt(at)
    if (code === space) {
      at++
      continue
    }
    if (isLetter(code)) {
      let end = at + 1
      while (isLetter(text.charCodeAt(end)) || isDigit(text.charCodeAt(end))) end++
      if (!(text.charCodeAt(end) > 0x7f)) {
        const plain = text.slice(at, end)
        push(reservedWords.has(plain) ? (plain as Reserved) : 'name', plain.length)
        continue
      }
    }
    const only = alone[code]
    if (only !== undefined) {
      push(only, 1)
      continue
    }
    // Where a pattern cannot begin with the character it is not tried.
    const printable = code > space && code < 0x7f
    const blank = printable ? undefined : match(patterns.blank)
    if (blank !== undefined) {
      at += blank.length
      continue
    }
    const newline = printable ? undefined : match(patterns.newline)
    if (newline !== undefined) {
      const last = tokens.at(-1)
      // A blank line parts a doc comment from what follows only when code stands between; several line ends are one.
      if (last !== undefined && last.type !== 'newline') push('newline', newline.length)
      else at += newline.length
      continue
    }
    const remark = code === 0x2f || code === 0x23
    const block = remark ? match(patterns.block) : undefined
    if (block !== undefined) {
      const close = text.indexOf('*/', at + 2)
      const end = close === -1 ? text.length : close + 2
      faults.push({ kind: 'foreign-comment', span: span(at, Math.min(end, at + 2)), text: '/*' })
      at = end
      continue
    }
    const comment = remark ? (match(patterns.comment) ?? match(patterns.foreignComment)) : undefined
    if (comment !== undefined) {
      at += comment.length
      if (comment.startsWith('#')) {
        faults.push({ kind: 'foreign-comment', span: span(start, start + 1), text: '#' })
        continue
      }
      comments.push({ text: comment.trimEnd(), start, end: start + comment.trimEnd().length })
      const surrogate = loneSurrogate(comment)
      if (surrogate !== -1) faults.push({ kind: 'surrogate', span: span(start + surrogate, start + surrogate + 1) })
      const previous = tokens.at(-1)
      if (/^\/\/\/(?!\/)/.test(comment) && (previous === undefined || previous.type === 'newline')) {
        documentation.push(comment.slice(3).replace(/^ /, '').trimEnd())
      } else {
        const divisor = divisionInDisguise(comment, previous)
        if (divisor !== undefined)
          faults.push({ kind: 'comment-like-division', span: span(start, start + comment.trimEnd().length), divisor })
      }
      continue
    }
    const word = printable && !isLetter(code) ? undefined : match(patterns.word)
    if (word !== undefined) {
      if (word !== word.normalize('NFC')) {
        faults.push({ kind: 'not-normalised', span: span(at, at + word.length), instead: word.normalize('NFC') })
      }
      push(reservedWords.has(word) ? (word as Reserved) : 'name', word.length)
      continue
    }
    const number = isDigit(code) ? match(patterns.number) : undefined
    if (number !== undefined) {
      const rest = /[\p{L}_.][\p{L}\p{N}_]*/uy
      rest.lastIndex = at + number.length
      const suffix = rest.exec(text)?.[0] ?? ''
      const fault = numberFault(number, suffix, text.startsWith('..', at + number.length))
      if (fault !== undefined)
        faults.push({
          kind: 'number',
          span: span(at, at + number.length + fault.extra),
          text: text.slice(at, at + number.length + fault.extra),
          reason: fault.reason,
          instead: fault.instead,
        })
      push('number', number.length)
      at += fault?.extra ?? 0
      continue
    }
    const quote = code === 0x22 || code === 0x27 || !printable
    const string = quote ? match(patterns.string) : undefined
    const quoted = quote && string === undefined ? match(patterns.quoted) : undefined
    const literal = string ?? quoted
    if (literal !== undefined) {
      stringFaults(literal, at, span, faults)
      push('string', literal.length)
      continue
    }
    const unlike = match(patterns.foreign)
    const symbol = symbols.find((candidate) => text.startsWith(candidate, at))
    if (unlike !== undefined && unlike.length > (symbol?.length ?? 0)) {
      const instead = foreign.get(unlike) as TokenType
      faults.push({ kind: 'foreign-operator', span: span(at, at + unlike.length), text: unlike, instead })
      push(instead, unlike.length)
      continue
    }
    if (symbol !== undefined) {
      const leading = symbol === '.' ? /\.\d+/y : undefined
      if (leading !== undefined && tokens.at(-1)?.end !== at) {
        const fraction = match(leading)
        if (fraction !== undefined) {
          faults.push({
            kind: 'number',
            span: span(at, at + fraction.length),
            text: fraction,
            reason: 'point',
            instead: `0${fraction}`,
          })
          push('number', fraction.length)
          continue
        }
      }
      push(symbol, symbol.length)
      continue
    }
    // Nothing of ours: one fault for the whole run of such characters.
    let end = at + String.fromCodePoint(text.codePointAt(at) as number).length
    while (end < text.length && !isOurs(text, end)) end++
    faults.push(characterFault(text.slice(at, end), span(at, end)))
    push('bad', end - at)
  }
  if (faults.length >= limits.faults) at = text.length
  const words = new Set(tokens.map((token) => token.text))
  const isWord = /^[\p{L}_]/u
  const suspicious = (fault: SyntaxFault) =>
    fault.kind !== 'comment-like-division' || !isWord.test(fault.divisor) || words.has(fault.divisor)
  tokens.push({
    type: 'end',
    text: '',
    start: at,
    end: at,
    ...(documentation.length > 0 && { documentation: documentation.join('\n') }),
  })
  return { tokens, comments, faults: faults.filter(suspicious) }
}
/**
 * `//` starts a comment, but a reader of Python may have meant a division: `let h = (n - k) // s + 1`. Said when the
 * comment reads as an operand, alone (a word of the file, or a number) or with an operator behind it.
 */
function divisionInDisguise(comment: string, previous: Token | undefined): string | undefined {
  if (
    previous === undefined ||
    !(previous.type === ')' || previous.type === ']' || previous.type === 'name' || previous.type === 'number')
  )
    return undefined
  const shape = /^\/\/ ?([A-Za-z_][A-Za-z0-9_.]*|\d+|\([^()]*\))\s*(?:[-+*%@,)\]]|$)/.exec(comment)
  const rest = comment.replace(/^\/\/ ?/, '')
  return shape !== null && /^[\w\s.,+\-*%@()[\]{}=]*$/.test(rest) && !/[a-z]\s+[a-z]/i.test(rest) ? shape[1] : undefined
}
