/** The vocabularies of a model's fields ↔ JSON, beside or in the file of its weights. Fields of one vocabulary share it. */
import { CheckpointError } from '../checkpoint-error.ts'
import { type Tokenizer, type TokenizerRecord, tokenizerOf } from './tokenizer.ts'

/** The key in the metadata of `model.safetensors`. */
export const vocabularyKey = 'vocabularies'

export function encodeVocabularies(
  fields: Iterable<{ readonly name: string; readonly vocabulary?: TokenizerRecord }>,
): string | undefined {
  const grouped = new Map<string, string[]>()
  for (const { name, vocabulary } of fields) {
    if (!vocabulary) continue
    const text = JSON.stringify(vocabulary)
    grouped.set(text, [...(grouped.get(text) ?? []), name])
  }
  if (grouped.size === 0) return undefined
  return JSON.stringify(
    [...grouped].map(([text, names]) => ({ fields: names, ...(JSON.parse(text) as TokenizerRecord) })),
  )
}

/** By field. What is not of this form is refused: the file may come from anywhere. */
export function decodeVocabularies(file: string, text: string): ReadonlyMap<string, Tokenizer> {
  const refuse = (cause?: unknown): never => {
    throw new CheckpointError(file, 'its vocabularies cannot be read', {
      fix: 'use the `model.safetensors` or the `vocabularies.json` of a run',
      cause,
    })
  }
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (cause) {
    refuse(cause)
  }
  if (!Array.isArray(parsed)) return refuse()
  const found = new Map<string, Tokenizer>()
  for (const each of parsed as unknown[]) {
    if (!isObject(each) || !isStrings(each['fields']) || !isRecord(each)) return refuse()
    const tokenizer = tokenizerOf(each)
    for (const field of each['fields']) found.set(field, tokenizer)
  }
  return found
}

type Fields = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null
const isStrings = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string')
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

function isRecord(value: Fields): value is Fields & TokenizerRecord {
  const { kind, size, tokens, merges } = value
  if (kind === 'bytes') return true
  if (!isCount(size)) return false
  if (kind === 'chars' || kind === 'words') return isStrings(tokens) && tokens.length + 4 <= size
  // A merge joins ids that are there before it, so that decoding ends.
  const isMerge = (merge: unknown, rank: number) =>
    Array.isArray(merge) && merge.length === 2 && merge.every((id) => isCount(id) && id >= 4 && id < 260 + rank)
  return kind === 'bpe' && Array.isArray(merges) && merges.length + 260 <= size && merges.every(isMerge)
}
