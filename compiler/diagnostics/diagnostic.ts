/** What the compiler has to say about a program: a value, made by the catalogue's functions and rendered elsewhere. */
import type { Span } from '../../grammar/source.ts'

export type Severity = 'error' | 'warning' | 'note'

export interface Label {
  readonly span: Span
  readonly text: string
}

export interface Fix {
  /** What to do, as shown after `help:`. */
  readonly text: string
  /** A replacement that is certain to be right, which `--fix` and an editor may apply. */
  readonly edit?: { readonly span: Span; readonly replacement: string }
}

export interface Diagnostic {
  /** `DLM0312`; the catalogue holds the page that `dlmc explain` prints. */
  readonly code: string
  readonly severity: Severity
  /** One sentence that stands alone: lower case, no full stop. */
  readonly message: string
  /** Where it is wrong; absent only for faults outside any source (a missing file, an adapter). */
  readonly primary?: Label
  /** What else contributes, each label making sense alone. */
  readonly secondary: readonly Label[]
  /** Lines after the snippet, rendered as `= …`. */
  readonly notes: readonly string[]
  readonly help?: Fix
}

/** Thrown inside a phase to leave it with what was found so far; caught at the phase's boundary, never shown raw. */
export class DiagnosticError extends Error {
  readonly diagnostics: readonly Diagnostic[]
  constructor(diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map((d) => `${d.code}: ${d.message}`).join('\n'))
    this.diagnostics = diagnostics
  }
}
