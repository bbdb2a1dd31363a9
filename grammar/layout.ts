/**
 * Tokens → tokens whose brackets balance and whose line ends all mean "the statement ends here".
 *
 * A line end means nothing inside `(…)` and `[…]`, after an operator, or before one: a pipeline's next line begins with
 * `|>`. A bracket that is never closed is closed where its author most likely meant to (the end of its line, or the
 * line whose indentation shows that the block is over), so that one slip gives one fault and the parser can rely on
 * every group having an end.
 */
import { balance, closers, isBalanced, openers } from './balance.ts'
import type { SyntaxFault } from './fault.ts'
import { limits } from './fault.ts'
import { awaits, beginsStatement, continues } from './lines.ts'
import type { Source, Span } from './source.ts'
import type { Token, TokenType } from './tokens.ts'

export interface Layout {
  readonly tokens: readonly Token[]
  /** For each opening bracket its closing one, as indices. */
  readonly closers: ReadonlyMap<number, number>
  readonly faults: readonly SyntaxFault[]
  /** False where brackets nest beyond the limit: such a text is not parsed at all. */
  readonly parsable: boolean
}

export function layOut(source: Source, raw: readonly Token[]): Layout {
  const span = (token: Token): Span => ({ source, start: token.start, end: token.end })
  const deep = tooDeep(raw)
  if (deep !== undefined) {
    return {
      tokens: [],
      closers: new Map(),
      faults: [{ kind: 'too-deep', span: span(deep), limit: limits.brackets }],
      parsable: false,
    }
  }
  const faults: SyntaxFault[] = []
  const balanced = isBalanced(raw) ? raw : balance(source, raw, faults)
  const tokens = joinLines(balanced)
  const pairs = new Map<number, number>()
  const open: number[] = []
  tokens.forEach((token, index) => {
    if (openers.has(token.type)) open.push(index)
    else if (closers.has(token.type)) pairs.set(open.pop() as number, index)
  })
  return { tokens, closers: pairs, faults, parsable: true }
}

function tooDeep(tokens: readonly Token[]): Token | undefined {
  let depth = 0
  for (const token of tokens) {
    if (openers.has(token.type)) depth++
    else if (closers.has(token.type)) depth = Math.max(0, depth - 1)
    if (depth > limits.brackets) return token
  }
  return undefined
}

function joinLines(tokens: readonly Token[]): readonly Token[] {
  const kept: Token[] = []
  const open: TokenType[] = []
  tokens.forEach((token, index) => {
    if (openers.has(token.type)) open.push(token.type)
    else if (closers.has(token.type)) open.pop()
    if (token.type === 'newline') {
      const inside = open.at(-1)
      const next = tokens[index + 1]
      const previous = kept.at(-1)
      if (inside === '(' || inside === '[') return
      if (previous === undefined || previous.type === 'newline') return
      // After `let x =` the value is awaited, but not where the next line plainly begins something else.
      if (awaits.has(previous.type) && !beginsStatement(tokens, index + 1)) return
      if (next !== undefined && continues.has(next.type)) return
    }
    kept.push(token)
  })
  return kept
}
