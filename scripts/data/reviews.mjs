// Labelled sentences of reviews (Kotzias, Denil, de Freitas and Smyth, "From group to individual labels using deep
// features", KDD 2015: a thousand each of products, films and restaurants; in npm sentiment) → train.jsonl, validation.jsonl,
// test.jsonl with text, label and source. A tenth is for testing, a tenth for validation.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { partOf } from './split.mjs'

export async function make(source) {
  const parts = { train: [], validation: [], test: [] }
  for (const origin of ['amazon', 'imdb', 'yelp'])
    for (const { text, class: positive } of JSON.parse(
      readFileSync(join(source, 'test/fixtures', `${origin}.json`), 'utf8'),
    )) {
      const row = {
        text: text.trim().replace(/\s+/g, ' '),
        label: positive === 1 ? 'positive' : 'negative',
        source: origin,
      }
      parts[partOf(row.text, { test: 10, validation: 10 })].push(`${JSON.stringify(row)}\n`)
    }
  return Object.fromEntries(Object.entries(parts).map(([name, rows]) => [`${name}.jsonl`, rows.join('')]))
}
