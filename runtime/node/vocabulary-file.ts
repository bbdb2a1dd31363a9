/** `vocabularies.json` of a run directory: a run that goes on keeps the ids it began with, whatever became of the text. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Tokenizer } from '../tokenize/tokenizer.ts'
import { decodeVocabularies } from '../tokenize/vocabularies.ts'
import { writeFileAtomically } from './atomic-file.ts'

const fileOf = (directory: string): string => join(directory, 'vocabularies.json')

export async function saveVocabularies(directory: string, vocabularies: string): Promise<void> {
  await writeFileAtomically(fileOf(directory), [new TextEncoder().encode(`${vocabularies}\n`)])
}

/** `undefined`: the run has none. */
export function savedVocabularies(directory: string): ReadonlyMap<string, Tokenizer> | undefined {
  const file = fileOf(directory)
  return existsSync(file) ? decodeVocabularies(file, readFileSync(file, 'utf8')) : undefined
}
