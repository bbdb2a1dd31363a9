/** What the scripts make of the packages: parts that do not overlap, tags by hand, text as it is printed. */
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const load = (name: string) => import(new URL(`../../scripts/data/${name}.mjs`, import.meta.url).href)
const folder = (name: string, file: string) => dirname(fileURLToPath(import.meta.resolve(`${name}/${file}`)))

describe('Brown', async () => {
  const { sentences, universal, plain } = await load('brown')
  test('a line of the corpus', () => {
    const text =
      "\n\n\tThe/at jury/nn hasn't/hvz* said/vbn ``/`` no/at ''/'' ?/. ?/.\n\n\n\tFulton/np-tl County's/nn$-tl 1/2/cd\n"
    expect(sentences(text)).toEqual([
      {
        words: ['The', 'jury', "hasn't", 'said', '``', 'no', "''", '?', '?'],
        tags: ['DET', 'NOUN', 'VERB', 'VERB', '.', 'DET', '.', '.', '.'],
      },
      { words: ['Fulton', "County's", '1/2'], tags: ['NOUN', 'NOUN', 'NUM'] },
    ])
  })
  test('tags', () => {
    const known = {
      '*': 'ADV',
      '--': '.',
      '--hl': '.',
      'ppss+md': 'PRON',
      'md*': 'VERB',
      'fw-nn': 'X',
      bedz: 'VERB',
      pp$: 'DET',
      cs: 'ADP',
      'jj-tl': 'ADJ',
      '.-hl': '.',
      "'": '.',
    }
    for (const [tag, group] of Object.entries(known)) expect([tag, universal(tag)]).toEqual([tag, group])
  })
  test('printed', () =>
    expect(plain(['He', 'said', '``', 'no', "''", '(', 'twice', ')', '?', '?'])).toBe('He said "no" (twice)?'))
})

describe('the pronouncing dictionary', async () => {
  const { pairs } = await load('cmudict')
  test('variants are with their word, stress is a column of its own', () => {
    const parts: Record<string, string> = pairs({
      a: 'AH0',
      'a(2)': 'EY1',
      "d'or": 'D AO1 R # foreign',
      'x-ray': 'EH1 K S R EY2',
      a42: 'EY1',
    })
    const all = Object.values(parts)
      .flatMap((text) => text.trim().split('\n').slice(1))
      .filter((line) => line !== '')
      .sort()
    expect(all).toEqual(['a\tAH\tAH0', 'a\tEY\tEY1', "d'or\tD AO R\tD AO1 R"])
    expect(Object.values(parts).filter((text) => /^a\t/m.test(text))).toHaveLength(1)
  })
})

describe('reviews', async () => {
  const { make } = await load('reviews')
  test('3,000 sentences, each labelled, each in one part', async () => {
    const files: Record<string, string> = await make(folder('sentiment', 'package.json'))
    const rows = Object.entries(files).flatMap(([name, text]) =>
      text
        .trim()
        .split('\n')
        .map((line) => ({ name, ...JSON.parse(line) })),
    )
    expect(rows.length).toBeGreaterThan(2990)
    expect(new Set(rows.map((r) => r.label))).toEqual(new Set(['positive', 'negative']))
    const places = new Map<string, Set<string>>()
    for (const { text, name } of rows) places.set(text, (places.get(text) ?? new Set()).add(name))
    expect([...places.values()].every((names) => names.size === 1)).toBe(true)
  })
})
