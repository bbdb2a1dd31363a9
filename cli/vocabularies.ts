/** The vocabularies that weights were trained with: in their metadata, or beside them in the directory of the run. */
import { dirname } from 'node:path'
import { savedVocabularies } from '../runtime/node/vocabulary-file.ts'
import type { Tokenizer } from '../runtime/tokenize/tokenizer.ts'
import { decodeVocabularies, vocabularyKey } from '../runtime/tokenize/vocabularies.ts'
import type { TensorFile } from './tensors.ts'

export function vocabulariesOf(path: string, { metadata }: TensorFile): ReadonlyMap<string, Tokenizer> | undefined {
  const text = metadata.get(vocabularyKey)
  return text === undefined ? savedVocabularies(dirname(path)) : decodeVocabularies(path, text)
}
