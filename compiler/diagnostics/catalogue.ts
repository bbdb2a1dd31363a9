/**
 * Every diagnostic, one row each: its code, the function that words it from facts, and the page that
 * `dlmc explain CODE` prints. A row lives in the file of its subject (syntax, names, shapes, …); this file gathers them.
 */
import type { Diagnostic, Fix, Label, Severity } from './diagnostic.ts'

/** What a row's `say` returns; the code and severity are added from the row. */
export interface Wording {
  readonly message: string
  readonly primary?: Label
  readonly secondary?: readonly Label[]
  readonly notes?: readonly string[]
  readonly help?: Fix
}

export interface DiagnosticRow<Facts> {
  readonly code: string
  readonly severity: Severity
  readonly title: string
  /** The explanation page: what it means and why it is so, in a few sentences. */
  readonly explanation: string
  readonly wrong: string
  readonly right: string
  readonly say: (facts: Facts) => Wording
}

/** Makes the diagnostic of a row from facts. */
export function report<Facts>(row: DiagnosticRow<Facts>, facts: Facts): Diagnostic {
  const { message, primary, secondary = [], notes = [], help } = row.say(facts)
  return {
    code: row.code,
    severity: row.severity,
    message,
    ...(primary && { primary }),
    secondary,
    notes,
    ...(help && { help }),
  }
}
