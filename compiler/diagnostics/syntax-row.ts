/** What the rows about texts share. */
import type { SyntaxFault } from '../../grammar/fault.ts'
import type { DiagnosticRow } from './catalogue.ts'

export type Facts<K extends SyntaxFault['kind']> = Extract<SyntaxFault, { kind: K }>
export type Row<K extends SyntaxFault['kind']> = DiagnosticRow<Facts<K>>

/** A word of the text, short enough for a message. */
export const clip = (text: string, length = 40): string => (text.length > length ? `${text.slice(0, length)}…` : text)
