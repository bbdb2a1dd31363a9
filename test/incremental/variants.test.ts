/** Both forms of causal models as people write them agree; models that look ahead are told so, and where. */
import { describe, expect, it } from 'vitest'
import { incrementalModel } from '../../compiler/2-lower/incremental.ts'
import { simplify } from '../../compiler/4-simplify/simplify.ts'
import { checkText } from '../std/cases.ts'
import { difference } from './agreement.ts'
import { ahead, causal } from './variants.ts'

const checked = (text: string) => {
  const program = checkText(text)
  expect(program.diagnostics.map((d) => `${d.code} ${d.message}`)).toEqual([])
  return program
}

describe.each(causal.map((v) => [v.name, v] as const))('%s', (_, { text, dims }) => {
  it.each([
    [3, 21, 16],
    [1, 7, 0],
  ])('batch %i, T %i, %i at a time', async (batch, T, prefilled) => {
    const given = { program: checked(text), model: 'M', dims: { batch, T, S: 5, ...dims } }
    expect(await difference(given, 'reference', { prefilled })).toBeLessThan(1e-6)
  })
})

describe.each(ahead.map((v) => [v.name, v] as const))('%s', (_, { text, says }) => {
  it('is told', () => {
    const made = incrementalModel(checked(text).model('M', { training: false }), simplify)
    expect('fault' in made && made.fault.code).toBe('DLM0691')
    expect('fault' in made && made.fault.primary?.text).toMatch(says)
  })
})
