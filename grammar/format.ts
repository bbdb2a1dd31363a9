/**
 * Any well-formed text → the same tokens and comments in the one layout: two blanks a level, one blank between tokens,
 * at most one empty line. The author's line breaks stay, and so do blanks that line things up with a neighbouring line.
 *
 * It works on tokens and comments alone, so that nothing can be lost: only blanks, and `;` at line ends, ever change.
 */
import { isInfix } from './operators.ts'
import { parse } from './parser.ts'
import type { Source } from './source.ts'
import { type Token, type TokenType, tokenize } from './tokens.ts'

/** Formatted twice is formatted once. A text with syntax faults comes back as it is. */
export function format(source: Source): string {
  if (parse(source).faults.some((fault) => fault.kind !== 'comment-like-division')) return source.text
  let text = source.text
  // What lined up by accident of wrong indentation may not line up after it: blanks only ever go, so this ends.
  for (let round = 0; round < 8; round++) {
    const next = layOutOnce({ path: source.path, text }, true)
    if (next === text) return text
    text = next
  }
  return layOutOnce({ path: source.path, text }, false)
}

interface Item {
  readonly type: TokenType | 'comment'
  readonly text: string
  /** Its column in the source, and how many blanks stand before it on its line. */
  readonly column: number
  readonly gap: number
}

interface Line {
  readonly number: number
  readonly items: readonly Item[]
}

function layOutOnce(source: Source, keepAlignment: boolean): string {
  const lines = linesOf(source)
  const out: string[] = []
  const indents = indentsOf(lines)
  const spacing = new Spacing()
  lines.forEach((line, index) => {
    const before = lines[index - 1]
    const opensBlock = before?.items.findLast((item) => item.type !== 'comment')?.type
    const closesBlock = isCloser(line.items[0]?.type)
    if (
      before !== undefined &&
      line.number > before.number + 1 &&
      !(isOpener(opensBlock) && before.items.at(-1)?.type !== 'comment') &&
      !closesBlock
    )
      out.push('')
    const neighbours = [lines[index - 1], lines[index + 1]].filter(
      (other) => other !== undefined && Math.abs(other.number - line.number) === 1,
    )
    let text = ' '.repeat(indents[index] as number)
    line.items.forEach((item, at) => {
      const previous = line.items[at - 1]
      let blanks = spacing.before(item, at === 0)
      if (previous !== undefined) {
        if (item.type === 'comment') blanks = 2
        const linesUp =
          keepAlignment &&
          blanks > 0 &&
          item.gap > blanks &&
          neighbours.some((other) => other?.items.some((o, i) => i > 0 && o.column === item.column && o.gap > 0))
        text += ' '.repeat(linesUp ? item.gap : blanks)
      }
      text += item.text
    })
    out.push(text)
  })
  return out.length === 0 ? '' : `${out.join('\n')}\n`
}

// ---------------------------------------------------------------- lines

function linesOf(source: Source): readonly Line[] {
  const { text } = source
  const { tokens, comments } = tokenize(source)
  const pieces: { type: Item['type']; text: string; start: number; end: number }[] = tokens.filter(
    (t: Token) => t.type !== 'newline' && t.type !== 'end',
  )
  const all = [...pieces, ...comments.map((c) => ({ ...c, type: 'comment' as const }))].sort(
    (a, b) => a.start - b.start,
  )
  const lines: { number: number; items: Item[] }[] = []
  let number = 0
  let lineStart = text.charCodeAt(0) === 0xfeff ? 1 : 0
  let last = lineStart
  for (const piece of all) {
    for (let at = last; at < piece.start; at++) {
      const c = text[at]
      if (c === '\n' || (c === '\r' && text[at + 1] !== '\n')) {
        number++
        lineStart = at + 1
      }
    }
    const between = text.slice(Math.max(last, lineStart), piece.start)
    const item = {
      type: piece.type,
      text: piece.text,
      column: piece.start - lineStart,
      gap: between.includes('\t') ? Math.min(1, between.length) : between.length,
    }
    last = piece.end
    const line = lines.at(-1)
    if (line !== undefined && line.number === number) line.items.push(item)
    else lines.push({ number, items: [item] })
  }
  return lines
    .map((line) => ({ ...line, items: withoutFinalSemicolons(line.items) }))
    .filter((line) => line.items.length > 0)
}

/** A `;` at the end of a line says nothing more than the line's end. */
function withoutFinalSemicolons(items: readonly Item[]): readonly Item[] {
  const code = items.filter((item) => item.type !== 'comment')
  let end = code.length
  while (end > 0 && code[end - 1]?.type === ';') end--
  return end === code.length ? items : [...code.slice(0, end), ...items.slice(code.length)]
}

const isOpener = (type: Item['type'] | undefined) => type === '(' || type === '[' || type === '{'
const isCloser = (type: Item['type'] | undefined) => type === ')' || type === ']' || type === '}'

/** Each line's indentation: two more than the line on which its bracket opened, and two more where it goes on. */
function indentsOf(lines: readonly Line[]): readonly number[] {
  const open: number[] = []
  const indents: number[] = []
  let previous: Item | undefined
  for (const line of lines) {
    const code = line.items.filter((item) => item.type !== 'comment')
    const [first, second] = code
    const inside = (open.at(-1) ?? -2) + 2
    let indent = inside
    if (first !== undefined && isCloser(first.type)) indent = open.at(-1) ?? 0
    else if (first !== undefined && goesOn(first, second, previous)) indent = inside + 2
    indents.push(indent)
    for (const item of code) {
      if (isOpener(item.type)) open.push(indent)
      else if (isCloser(item.type)) open.pop()
    }
    previous = code.at(-1) ?? previous
  }
  // A comment on its own line stands with the line after it, unless that closes the block in which it stands.
  for (let i = lines.length - 2; i >= 0; i--) {
    const next = lines[i + 1] as Line
    if (lines[i]?.items[0]?.type === 'comment' && !isCloser(next.items[0]?.type)) indents[i] = indents[i + 1] as number
  }
  return indents
}

function goesOn(first: Item, second: Item | undefined, previous: Item | undefined): boolean {
  if (first.type === 'name' && (first.text === 'carry' || first.text === 'along') && second?.type === 'name')
    return true
  if (first.type === '{' || previous === undefined) return false
  if (first.type === 'else' && previous.type === '}') return false
  const starts: readonly Item['type'][] = ['=', '=>', '->', '.', 'then', 'else', 'in']
  if (isInfix(first.type as TokenType) || starts.includes(first.type)) return true
  const ends: readonly Item['type'][] = ['=', '=>', '->', '.', 'then', 'in', 'not']
  return isInfix(previous.type as TokenType) || ends.includes(previous.type)
}

// ---------------------------------------------------------------- blanks between tokens

/** Statements whose first word is followed by an expression: `loss (a + b) / 2` is no call. */
const takesExpression: ReadonlySet<string> = new Set(['loss', 'require', 'expect'])

class Spacing {
  readonly #open: TokenType[] = []
  #previous: Item | undefined
  #previousUnary = false
  #previousIsKeyword = false

  /** How many blanks stand before the item; it is noted as the one before the next. */
  before(item: Item, first: boolean): number {
    if (item.type === 'comment') return 1
    const previous = this.#previous
    const inside = this.#open.at(-1)
    const operand =
      previous !== undefined &&
      !this.#previousIsKeyword &&
      isOperandEnd(previous.type) &&
      !(first && !isInfix(item.type))
    const unary = (item.type === '-' || item.type === '+') && !operand
    const blanks = previous === undefined ? 0 : this.#between(previous, item, inside)
    if (isCloser(item.type)) this.#open.pop()
    if (isOpener(item.type)) this.#open.push(item.type)
    const startsStatement = first || previous?.type === ';' || previous?.type === '{'
    this.#previousIsKeyword = item.type === 'name' && startsStatement && takesExpression.has(item.text)
    this.#previousUnary = unary
    this.#previous = item
    return blanks
  }

  #between(previous: Item, item: Item, inside: TokenType | undefined): number {
    const a = previous.type
    const b = item.type
    if (this.#previousUnary) return 0
    if (a === '{' && b === '}') return 0
    if (a === '(' || a === '[' || b === ')' || b === ']' || b === ',' || b === ';' || b === '?') return 0
    if (a === '{' || b === '}' || b === '{') return 1
    if (inside === '[' && (a === ':' || b === ':')) return a === ',' ? 1 : 0
    if (a === '.' || b === '.' || a === '..' || b === '..') return 0
    if (b === ':') return 0
    if (b === '(' || b === '[') return isCallable(a) && !this.#previousIsKeyword ? 0 : 1
    return 1
  }
}

function isOperandEnd(type: Item['type']): boolean {
  return (
    type === 'name' ||
    type === 'number' ||
    type === 'string' ||
    type === 'true' ||
    type === 'false' ||
    type === 'none' ||
    type === ')' ||
    type === ']' ||
    type === '}' ||
    type === '?'
  )
}

function isCallable(type: Item['type']): boolean {
  return type === 'name' || type === ')' || type === ']' || type === 'string' || type === 'number'
}
