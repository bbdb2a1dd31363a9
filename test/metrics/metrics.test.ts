/** Metrics by hand-worked examples, and BLEU by numbers that others published. */
import { describe, expect, test } from 'vitest'
import { accuracy } from '../../runtime/metrics/accuracy.ts'
import { bleu } from '../../runtime/metrics/bleu.ts'
import { editDistance, errorRate, sequenceErrorRate } from '../../runtime/metrics/edit-distance.ts'
import { bits, bitsPerCharacter, perplexity } from '../../runtime/metrics/entropy.ts'

const words = (text: string) => text.split(' ')

test('edit distance', () => {
  expect(editDistance('kitten', 'sitting')).toBe(3)
  expect(editDistance('', 'abc')).toBe(3)
  expect(editDistance('abc', '')).toBe(3)
  expect(editDistance('flaw', 'lawn')).toBe(2)
  expect(editDistance(['K', 'AE1', 'T'], ['K', 'AE1', 'T'])).toBe(0)
})

test('error rates: the nearest reference counts, edits are added up over all', () => {
  const pairs = [
    { said: words('K AE T'), references: [words('K AE T S'), words('K AA T')] },
    { said: words('D AO G'), references: [words('D AO G')] },
    { said: words('AH'), references: [words('EY'), words('AH B')] },
  ]
  // One edit of four, none of three, one of one.
  expect(errorRate(pairs)).toBeCloseTo(2 / 8, 12)
  expect(sequenceErrorRate(pairs)).toBeCloseTo(2 / 3, 12)
  expect(errorRate([])).toBe(0)
  expect(errorRate([{ said: words('a b c'), references: [words('d')] }])).toBe(3)
})

test('perplexity and bits', () => {
  expect(perplexity(Math.log(96))).toBeCloseTo(96, 10)
  expect(bits(Math.log(8))).toBeCloseTo(3, 12)
  // 100 tokens of 2 bits for 400 characters.
  expect(bitsPerCharacter(2 * Math.LN2, 100, 400)).toBeCloseTo(0.5, 12)
})

test('token and sequence accuracy, padding left out', () => {
  const wanted = [5, 6, 2, 0, 7, 8, 9, 2, 4, 2, 0, 0]
  const said = [5, 6, 2, 9, 7, 8, 1, 2, 4, 2, 5, 5]
  expect(accuracy(said, wanted, 4, 0)).toEqual({ token: 8 / 9, sequence: 2 / 3 })
  expect(accuracy(said, wanted, 4)).toEqual({ token: 8 / 12, sequence: 0 })
})

describe('BLEU', () => {
  // Papineni et al. 2002, section 2: the candidates and references of the paper.
  const references = [
    'It is a guide to action that ensures that the military will forever heed Party commands',
    'It is the guiding principle which guarantees the military forces always being under the command of the Party',
    'It is the practical guide for the army always to heed the directions of the party',
  ].map(words)
  const first = words('It is a guide to action which ensures that the military always obeys the commands of the party')
  const second = words('It is to insure the troops forever hearing the activity guidebook that party direct')

  test("the paper's modified precisions: 17/18 and 10/17 of one, 8/14 and 1/13 of the other, 2/7 of seven times `the`", () => {
    expect(bleu([{ said: first, references }]).precisions.slice(0, 2)).toEqual([
      { matched: 17, total: 18 },
      { matched: 10, total: 17 },
    ])
    expect(bleu([{ said: second, references }]).precisions.slice(0, 2)).toEqual([
      { matched: 8, total: 14 },
      { matched: 1, total: 13 },
    ])
    const the = bleu([
      {
        said: words('the the the the the the the'),
        references: ['the cat is on the mat', 'there is a cat on the mat'].map(words),
      },
    ])
    expect(the.precisions[0]).toEqual({ matched: 2, total: 7 })
    expect(the.score).toBe(0)
  })

  // In the documentation of nltk.translate.bleu_score (NLTK 3): sentence_bleu([reference1, reference2, reference3], hypothesis1).
  test('NLTK gives 0.5046 for the first', () =>
    expect(bleu([{ said: first, references }]).score).toBeCloseTo(0.5045666840058485, 12))

  // In the same place: corpus_bleu of that and of another pair gives 0.5920…
  test('NLTK gives 0.5921 for a corpus of two', () => {
    const other = {
      said: words('he read the book because he was interested in world history'),
      references: [words('he was interested in world history because he read the book')],
    }
    expect(bleu([{ said: first, references }, other]).score).toBeCloseTo(0.5920778868801042, 12)
  })

  // README of sacreBLEU 2: BLEU = 48.53 82.4/50.0/45.5/37.5 (BP = 0.943 ratio = 0.944 hyp_len = 17 ref_len = 18).
  test('sacreBLEU gives 48.53 for its own example', () => {
    const corpus = [
      ['The dog bit the man .', 'The dog bit the man .', 'The dog had bit the man .'],
      ["It wasn't surprising .", 'It was not unexpected .', 'No one was surprised .'],
      ['The man had just bitten him .', 'The man bit him first .', 'The man had bitten the dog .'],
    ].map(([said, ...others]) => ({ said: words(said!), references: others.map(words) }))
    const result = bleu(corpus)
    expect(Number((100 * result.score).toFixed(2))).toBe(48.53)
    expect(result.precisions.map((p) => ((100 * p.matched) / p.total).toFixed(1))).toEqual([
      '82.4',
      '50.0',
      '45.5',
      '37.5',
    ])
    expect([result.brevityPenalty.toFixed(3), result.saidLength, result.referenceLength]).toEqual(['0.943', 17, 18])
  })

  test('what is short is penalised: exp(1 − 6/5)', () => {
    const result = bleu([{ said: words('the cat is on the'), references: [words('the cat is on the mat')] }])
    expect(result.brevityPenalty).toBeCloseTo(Math.exp(-0.2), 12)
    expect(result.score).toBeCloseTo(Math.exp(-0.2), 12)
    expect(bleu([]).score).toBe(0)
  })
})
