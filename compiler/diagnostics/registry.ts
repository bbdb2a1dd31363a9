/** All rows of all subjects, by code. A new row appears here by being exported from its subject's file. */

import * as calls from './calls.ts'
import type { DiagnosticRow } from './catalogue.ts'
import * as checkpoint from './checkpoint.ts'
import * as data from './data.ts'
import * as device from './device.ts'
import * as files from './files.ts'
import * as names from './names.ts'
import * as scan from './scan.ts'
import * as sequences from './sequences.ts'
import * as shapes from './shapes.ts'
import * as statics from './static.ts'
import * as syntax from './syntax.ts'
import * as syntaxText from './syntax-text.ts'
import * as tests from './tests.ts'
import * as training from './training.ts'

/** What is known of a row without knowing its facts. */
export type AnyRow = Omit<DiagnosticRow<never>, 'say'>

function isRow(value: unknown): value is AnyRow {
  return typeof value === 'object' && value !== null && /^DLM\d{4}$/.test((value as { code?: string }).code ?? '')
}

const subjects: readonly object[] = [
  syntax,
  syntaxText,
  names,
  calls,
  shapes,
  statics,
  scan,
  data,
  training,
  sequences,
  tests,
  device,
  checkpoint,
  files,
]

export const rows: readonly AnyRow[] = subjects.flatMap((subject) => Object.values(subject).filter(isRow))

export const catalogue: ReadonlyMap<string, AnyRow> = new Map(
  rows.map((row) => [row.code, row] as const).sort(([a], [b]) => (a < b ? -1 : 1)),
)
