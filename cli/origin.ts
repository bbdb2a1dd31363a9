/** Where weights come from, as their file says: the program's file and text, its hash, the compiler's version. */
import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import type { Program } from '../compiler/program.ts'
import { version } from './version.ts'

/** Identifies a program's text in checkpoints and weights. */
export const sourceHash = ({ text }: Program): string => createHash('sha256').update(text).digest('hex').slice(0, 16)

export const originOf = (program: Program): (readonly [string, string])[] => [
  ['source', basename(program.path)],
  ['source_hash', sourceHash(program)],
  ['source_text', program.text],
  ['compiler', `dlm ${version}`],
]
