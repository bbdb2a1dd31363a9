/**
 * Tokens → tokens whose brackets balance. A bracket that is never closed is closed where its author most likely meant to:
 * the end of its line, or the line whose indentation shows that the block is over.
 */
import { limits, type SyntaxFault } from './fault.ts'
import { beginsBlock, beginsDeclaration, beginsStatement, continues } from './lines.ts'
import type { Source, Span } from './source.ts'
import type { Token, TokenType } from './tokens.ts'

const closerOf: ReadonlyMap<TokenType, TokenType> = new Map([
  ['(', ')'],
  ['[', ']'],
  ['{', '}'],
])
export const openers: ReadonlySet<TokenType> = new Set<TokenType>(['(', '[', '{'])
export const closers: ReadonlySet<TokenType> = new Set<TokenType>([')', ']', '}'])

export function isBalanced(tokens: readonly Token[]): boolean {
  const open: TokenType[] = []
  for (const token of tokens) {
    if (openers.has(token.type)) open.push(closerOf.get(token.type) as TokenType)
    else if (closers.has(token.type) && open.pop() !== token.type) return false
  }
  return open.length === 0
}

interface Open {
  readonly token: Token
  /** Of the line on which it stands. */
  readonly indent: number
  readonly follows: TokenType | undefined
  /** Whether a line inside was indented further: its author does indent. */
  indented: boolean
}

/** Inserts closers that are missing and drops those that close nothing, judging by lines and their indentation. */
export function balance(source: Source, raw: readonly Token[], faults: SyntaxFault[]): readonly Token[] {
  const out: Token[] = []
  const open: Open[] = []
  const span = (start: number, end: number): Span => ({ source, start, end })
  // Asked in rising order of tokens: the search for the line's start never goes back over the whole text.
  let lineStart = source.text.charCodeAt(0) === 0xfeff ? 1 : 0
  let sought = 0
  const columnOf = (token: Token): number => {
    for (; sought < token.start; sought++)
      if (source.text[sought] === '\n' || source.text[sought] === '\r') lineStart = sought + 1
    return token.start - lineStart
  }

  const closeTop = () => {
    const { token } = open.pop() as Open
    const closer = closerOf.get(token.type) as TokenType
    let index = out.length
    while (index > 0 && out[index - 1]?.type === 'newline') index--
    const at = out[index - 1]?.end ?? token.end
    out.splice(index, 0, { type: closer, text: '', start: at, end: at })
    faults.push({
      kind: 'unclosed',
      span: span(token.start, token.end),
      opener: token.text,
      closer,
      insertAt: span(at, at),
    })
  }

  /** A line inside brackets is indented, or begins with the closer or an operator: this one is neither. */
  const isOutdented = (token: Token, opener: Open) =>
    lineIndent <= opener.indent &&
    !closers.has(token.type) &&
    !continues.has(token.type) &&
    token.type !== 'end' &&
    (opener.token.type !== '{' || opener.indented)
  const isHeadWord = (token: Token) =>
    token.type === 'name' && (token.text === 'carry' || token.text === 'along' || token.text === 'reverse')

  /** The line before reads like the head of a block, and this one is indented: its `{` is missing. */
  const openBlock = () => {
    let index = out.length
    while (index > 0 && out[index - 1]?.type === 'newline') index--
    const at = out[index - 1]?.end ?? 0
    const token: Token = { type: '{', text: '{', start: at, end: at }
    out.splice(index, 0, token)
    open.push({ token, indent: head?.indent ?? 0, follows: undefined, indented: true })
    faults.push({
      kind: 'unexpected',
      span: span(at, at),
      found: { type: 'newline', text: '' },
      expected: ['`{`'],
      construct: 'block',
      opener: undefined,
    })
  }

  let head: { readonly indent: number; readonly depth: number } | undefined

  let lineIndent = 0
  let hopeless = 0
  raw.forEach((token, index) => {
    const first = index === 0 || raw[index - 1]?.type === 'newline'
    if (first && token.type !== 'newline') {
      lineIndent = columnOf(token)
      if (
        head !== undefined &&
        lineIndent > head.indent &&
        open.length === head.depth &&
        !continues.has(token.type) &&
        !isHeadWord(token)
      )
        openBlock()
      // A statement at the start of a line cannot stand inside `(` or `[`: the bracket was left open above.
      while (
        open.length > 0 &&
        ((open.at(-1)?.token.type !== '{' && beginsStatement(raw, index)) || isOutdented(token, open.at(-1) as Open))
      )
        closeTop()
      const top = open.at(-1)
      if (top !== undefined) top.indented ||= lineIndent > top.indent
      head = beginsBlock(raw, index) ? { indent: lineIndent, depth: open.length } : undefined
      // A declaration at the margin cannot stand inside a block that began at the margin.
      while (open.length > 0 && lineIndent <= (open.at(-1) as Open).indent && beginsDeclaration(raw, index)) closeTop()
      // A `}` further left than the line of the block it would close belongs to a block further out.
      if (token.type === '}') {
        while (
          open.length > 1 &&
          (open.at(-1) as Open).indent > lineIndent &&
          open.some((o) => o.token.type === '{' && o.indent === lineIndent)
        )
          closeTop()
      }
    }
    // Inside brackets a brace stands after `chain` only.
    const previous = raw[index - 1]
    if (token.type === '{' && !(previous?.type === 'name' && previous.text === 'chain'))
      while (open.length > 0 && open.at(-1)?.token.type !== '{') closeTop()
    if (token.type === '{') head = undefined
    // `let (a, b = …`
    if (token.type === '=' && open.at(-1)?.follows === 'let') closeTop()
    if (token.type === 'end') {
      while (open.length > 0) closeTop()
      out.push(token)
      return
    }
    if (openers.has(token.type)) {
      open.push({ token, indent: lineIndent, follows: raw[index - 1]?.type, indented: false })
      out.push(token)
      return
    }
    if (!closers.has(token.type)) {
      out.push(token)
      return
    }
    const expected = open.length > 0 ? closerOf.get((open.at(-1) as Open).token.type) : undefined
    if (expected === token.type) {
      open.pop()
      out.push(token)
      return
    }
    if (open.some((o) => closerOf.get(o.token.type) === token.type)) {
      // `(]`: one of a pair was mistyped where the very next closer fits no better; else the inner one is unclosed.
      const top = open.at(-1) as Open
      const next = raw.slice(index + 1).find((t) => closers.has(t.type))
      if (
        token.type !== '}' &&
        top.token.type !== '{' &&
        next?.type !== expected &&
        closerOf.get(open.at(-2)?.token.type as TokenType) === next?.type
      ) {
        open.pop()
        faults.push({
          kind: 'mismatched',
          span: span(token.start, token.end),
          closer: token.text,
          opener: span(top.token.start, top.token.end),
          expected: expected as string,
        })
        out.push({ ...token, type: expected as TokenType })
        return
      }
      if (token.type !== '}' && top.token.type === '{') {
        faults.push({ kind: 'unopened', span: span(token.start, token.end), closer: token.text })
        return
      }
      while (open.length > 0 && closerOf.get((open.at(-1) as Open).token.type) !== token.type) closeTop()
      open.pop()
      out.push(token)
      return
    }
    const top = open.at(-1)
    if (top !== undefined && top.token.type !== '{' && token.type !== '}') {
      open.pop()
      faults.push({
        kind: 'mismatched',
        span: span(token.start, token.end),
        closer: token.text,
        opener: span(top.token.start, top.token.end),
        expected: expected as string,
      })
      out.push({ ...token, type: expected as TokenType })
      return
    }
    if (hopeless++ < limits.faults)
      faults.push({ kind: 'unopened', span: span(token.start, token.end), closer: token.text })
  })
  return out
}
