/**
 * A place in a file's tokens: looks ahead, takes what is expected, and keeps the faults. One slip gives one fault:
 * nothing is said twice at one token, nor at a token that the lexer complained about.
 */
import type { Expression, Identifier } from './ast.ts'
import type { Construct, Found, SyntaxFault } from './fault.ts'
import { limits } from './fault.ts'
import type { Layout } from './layout.ts'
import type { Source, Span } from './source.ts'
import type { Token, TokenType } from './tokens.ts'

const closing: ReadonlySet<TokenType> = new Set<TokenType>([')', ']', '}', 'end'])

export class Cursor {
  readonly source: Source
  readonly faults: SyntaxFault[] = []
  readonly #layout: Layout
  readonly #heights = new WeakMap<Expression, number>()
  readonly #cut = new WeakSet<Expression>()
  #index = 0
  #silentUntil = -1
  #depth = 0

  constructor(source: Source, layout: Layout) {
    this.source = source
    this.#layout = layout
  }

  get index(): number {
    return this.#index
  }

  /** Whether something was already said about the token ahead. */
  get silent(): boolean {
    return this.#index <= this.#silentUntil
  }

  peek(ahead = 0): Token {
    const { tokens } = this.#layout
    return tokens[Math.min(this.#index + ahead, tokens.length - 1)] as Token
  }

  is(type: TokenType, ahead = 0): boolean {
    return this.peek(ahead).type === type
  }

  /** Whether a word that is a keyword only here stands ahead. */
  isWord(text: string, ahead = 0): boolean {
    const token = this.peek(ahead)
    return token.type === 'name' && token.text === text
  }

  next(): Token {
    const token = this.peek()
    if (token.type !== 'end') this.#index++
    return token
  }

  take(type: TokenType): Token | undefined {
    return this.is(type) ? this.next() : undefined
  }

  takeWord(text: string): Token | undefined {
    return this.isWord(text) ? this.next() : undefined
  }

  /** The token after the bracket that closes the one `ahead`. */
  afterGroup(ahead = 0): Token {
    const closer = this.#layout.closers.get(this.#index + ahead)
    return closer === undefined ? this.peek(ahead) : this.peek(closer + 1 - this.#index)
  }

  /** Takes the token, or says that it is missing and goes on as if it were there. */
  expect(type: TokenType, construct: Construct, opener?: Span): Token {
    const token = this.take(type)
    if (token !== undefined) return token
    this.unexpected([describe(type)], construct, opener)
    const { end } = this.previous()
    return { type, text: '', start: end, end }
  }

  name(construct: Construct, what = 'a name'): Identifier | undefined {
    const token = this.take('name')
    if (token !== undefined) return { name: token.text, span: this.span(token) }
    this.unexpected([what], construct)
    return undefined
  }

  previous(): { readonly start: number; readonly end: number } {
    return this.#index === 0 ? { start: 0, end: 0 } : (this.#layout.tokens[this.#index - 1] as Token)
  }

  span(from: { readonly start: number }, to: { readonly end: number } = this.previous()): Span {
    const start = from.start
    return { source: this.source, start, end: Math.max(start, to.end) }
  }

  unexpected(expected: readonly string[], construct: Construct, opener?: Span): void {
    const token = this.peek()
    this.fault({
      kind: 'unexpected',
      span: this.spanOfFound(token),
      found: foundOf(token),
      expected,
      construct,
      opener,
    })
  }

  /** Keeps a fault about the token ahead. */
  fault(fault: SyntaxFault): void {
    const token = this.peek()
    // The bracket that the layout put in was reported there.
    const inserted = token.text === '' && closing.has(token.type) && token.type !== 'end'
    if (!this.silent && token.type !== 'bad' && !inserted) this.report(fault)
    this.#silentUntil = this.#index
  }

  /** Says nothing about the next token either: it suffers from what was just reported. */
  silence(): void {
    this.#silentUntil = this.#index + 1
  }

  report(fault: SyntaxFault): void {
    if (this.faults.length < limits.faults) this.faults.push(fault)
  }

  /** Goes to the next token of one of these types in the group that is open, over whole groups, never out of it. */
  skipTo(...types: TokenType[]): void {
    while (!closing.has(this.peek().type) && !types.includes(this.peek().type)) {
      const closer = this.#layout.closers.get(this.#index)
      this.#index = closer === undefined ? this.#index + 1 : closer + 1
    }
  }

  /** Line ends and `;`. */
  skipSeparators(): void {
    while (this.is('newline') || this.is(';')) this.next()
  }

  /** Notes the height of a new expression, and gives an error in its stead when it is too high to be visited safely. */
  built<E extends Expression>(expression: E, ...parts: readonly (Expression | undefined)[]): E | Expression {
    let height = 0
    for (const part of parts) if (part !== undefined) height = Math.max(height, this.#heights.get(part) ?? 1)
    this.#heights.set(expression, height + 1)
    const cut = parts.some((part) => part !== undefined && this.#cut.has(part))
    if (height < limits.height && !cut) return expression
    // Said once: whatever is built on it is cut with it.
    if (!cut) this.report({ kind: 'too-high', span: expression.span, limit: limits.height })
    const error: Expression = { kind: 'error', span: expression.span }
    this.#cut.add(error)
    return error
  }

  /** Reads something that may hold itself without a bracket (`- - x`, `if a then if b then …`), to a limited depth. */
  nested<T>(read: () => T, otherwise: () => T): T {
    if (this.#depth >= 3 * limits.brackets) {
      this.fault({ kind: 'too-deep', span: this.spanOfFound(this.peek()), limit: limits.brackets })
      this.skipTo('newline', ';')
      this.#silentUntil = this.#index
      return otherwise()
    }
    this.#depth++
    const result = read()
    this.#depth--
    return result
  }

  spanOfFound(token: Token): Span {
    // A line end is best pointed at right after the last word of its line.
    if (token.type === 'newline' || token.type === 'end') {
      const { end } = this.previous()
      return { source: this.source, start: end, end }
    }
    return { source: this.source, start: token.start, end: token.end }
  }
}

export function describe(type: TokenType): string {
  switch (type) {
    case 'name':
      return 'a name'
    case 'number':
      return 'a number'
    case 'string':
      return 'a string'
    case 'newline':
      return 'a new line'
    case 'end':
      return 'the end of the file'
    default:
      return `\`${type}\``
  }
}

function foundOf(token: Token): Found {
  switch (token.type) {
    case 'name':
    case 'number':
    case 'string':
    case 'newline':
    case 'end':
      return { type: token.type, text: token.text }
    default:
      return { type: /^[a-z]/.test(token.type) ? 'keyword' : 'symbol', text: token.text }
  }
}
