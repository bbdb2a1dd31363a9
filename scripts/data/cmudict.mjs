// The CMU pronouncing dictionary (npm cmu-pronouncing-dictionary, public domain) → train.tsv, validation.tsv, test.tsv with
// columns word, phonemes (39 of them, without stress) and stressed. Words are of a to z and the apostrophe; all
// pronunciations of a word are in one part, 10 % for testing, 2 % for validation: 117,527, 2,721 and 13,714 pairs. And
// few.tsv: 512 pairs of the training part, spread over the alphabet, one for each word, which a model must be able to learn by heart.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { partOf } from './split.mjs'

export async function make(source) {
  const { dictionary } = await import(pathToFileURL(join(source, 'index.js')))
  const parts = pairs(dictionary)
  return { ...parts, 'few.tsv': some(parts['train.tsv'], 512) }
}

/** So many of the rows, evenly spread, one for each word. */
function some(text, count) {
  const [head, ...rows] = text.trim().split('\n')
  const words = [...new Map(rows.map((row) => [row.split('\t')[0], row])).values()]
  return lines([head, ...Array.from({ length: count }, (_, i) => words[Math.floor((i * words.length) / count)])])
}

export function pairs(dictionary) {
  const parts = { train: [], validation: [], test: [] }
  for (const [entry, spoken] of Object.entries(dictionary)) {
    // `a(2)` is another way to say `a`; a remark may stand behind `#`.
    const word = entry.replace(/\(\d+\)$/, '')
    const stressed = spoken.replace(/#.*/, '').trim()
    if (!/^[a-z']+$/.test(word) || stressed === '') continue
    parts[partOf(word, { test: 10, validation: 2 })].push(`${word}\t${stressed.replace(/[0-9]/g, '')}\t${stressed}`)
  }
  return Object.fromEntries(
    Object.entries(parts).map(([name, rows]) => [`${name}.tsv`, lines(['word\tphonemes\tstressed', ...new Set(rows)])]),
  )
}

const lines = (rows) => `${rows.join('\n')}\n`
