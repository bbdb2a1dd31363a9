/**
 * What can be wrong with a text as such, as facts without words: the catalogue (`compiler/diagnostics/syntax.ts`)
 * finds the sentences. Also the limits that keep every later stage safe from hostile texts.
 */
import type { Span } from './source.ts'

export const limits = {
  /** UTF-16 code units of one file. */
  text: 4 * 1024 * 1024,
  /** Brackets within brackets: the parser and every visitor after it recurse at most so deep. */
  brackets: 64,
  /** Height of one expression tree; `a + a + …` is a tree as high as it has terms. */
  height: 512,
  /** Faults of one file; what comes after them is rarely worth reading. */
  faults: 100,
} as const

/** The construct that the parser was reading, so that the message can show examples of it. */
export type Construct =
  | 'file'
  | 'import'
  | 'const'
  | 'fn'
  | 'module'
  | 'model'
  | 'data'
  | 'train'
  | 'test'
  | 'forward'
  | 'parameters'
  | 'type'
  | 'result type'
  | 'block'
  | 'let'
  | 'layer'
  | 'param'
  | 'state'
  | 'input'
  | 'target'
  | 'output'
  | 'loss'
  | 'metric'
  | 'next'
  | 'yield'
  | 'expose'
  | 'require'
  | 'expect'
  | 'return'
  | 'if'
  | 'for'
  | 'scan'
  | 'expression'
  | 'conditional'
  | 'list'
  | 'tuple'
  | 'call'
  | 'index'
  | 'chain'
  | 'pipeline'
  | 'lambda'
  | 'partition'
  | 'field'
  | 'setting'
  | 'overrides'
  | 'statement'

/** What stood where something else was expected. */
export interface Found {
  readonly type: 'name' | 'keyword' | 'number' | 'string' | 'symbol' | 'newline' | 'end'
  readonly text: string
}

interface At {
  readonly span: Span
}

export type SyntaxFault =
  | (At & {
      readonly kind: 'unexpected'
      readonly found: Found
      readonly expected: readonly string[]
      readonly construct: Construct
      readonly opener: Span | undefined
    })
  | (At & { readonly kind: 'unknown-declaration'; readonly word: string; readonly known: readonly string[] })
  | (At & { readonly kind: 'unknown-statement'; readonly word: string; readonly known: readonly string[] })
  | (At & { readonly kind: 'missing-let'; readonly name: string; readonly insertAt: Span })
  | (At & { readonly kind: 'second-forward'; readonly first: Span })
  | (At & { readonly kind: 'chained-comparison'; readonly first: Span })
  | (At & { readonly kind: 'pipeline-operator'; readonly operator: string; readonly pipeline: Span })
  | (At & { readonly kind: 'unclosed'; readonly opener: string; readonly closer: string; readonly insertAt: Span })
  | (At & { readonly kind: 'unopened'; readonly closer: string })
  | (At & { readonly kind: 'mismatched'; readonly closer: string; readonly opener: Span; readonly expected: string })
  | (At & { readonly kind: 'unterminated-string' })
  | (At & { readonly kind: 'quote' })
  | (At & { readonly kind: 'escape'; readonly escape: string })
  | (At & {
      readonly kind: 'number'
      readonly text: string
      readonly reason: 'point' | 'suffix' | 'inexact' | 'overflow' | 'base'
      readonly instead: string | undefined
    })
  | (At & { readonly kind: 'character'; readonly text: string })
  | (At & { readonly kind: 'control-character'; readonly codePoint: number; readonly bidirectional: boolean })
  | (At & { readonly kind: 'surrogate' })
  | (At & { readonly kind: 'not-normalised'; readonly instead: string })
  | (At & { readonly kind: 'foreign-operator'; readonly text: string; readonly instead: string })
  | (At & { readonly kind: 'foreign-comment'; readonly text: string })
  | (At & { readonly kind: 'comment-like-division'; readonly divisor: string })
  | (At & { readonly kind: 'too-deep'; readonly limit: number })
  | (At & { readonly kind: 'too-high'; readonly limit: number })
  | (At & { readonly kind: 'too-long'; readonly limit: number; readonly length: number })
  | (At & { readonly kind: 'too-many'; readonly limit: number })
