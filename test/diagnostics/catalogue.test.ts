/** Every row is complete, has a code of its own, and its examples show what they claim. */
import { describe, expect, it } from 'vitest'
import { explain } from '../../compiler/diagnostics/explain.ts'
import { nearest } from '../../compiler/diagnostics/near.ts'
import { catalogue, rows } from '../../compiler/diagnostics/registry.ts'
import { syntaxDiagnostics } from '../../compiler/diagnostics/syntax.ts'
import { parse } from '../../grammar/parser.ts'

it('no two rows share a code', () => {
  const codes = rows.map((row) => row.code)
  expect(codes.filter((code, i) => codes.indexOf(code) !== i)).toEqual([])
})

it.each(rows.map((row) => [row.code, row] as const))('%s is explained', (code, row) => {
  expect(row.title.length).toBeGreaterThan(5)
  expect(row.explanation.length).toBeGreaterThan(30)
  // A headline stands alone: no full stop.
  expect(row.title).not.toMatch(/[.!]$|illegal/i)
  const page = explain(code) as string
  expect(page).toContain(code)
  expect(explain(code.toLowerCase())).toBe(page)
})

it('an unknown code has no page', () => {
  for (const code of ['DLM9999', '', '__proto__', 'toString']) expect(explain(code)).toBeUndefined()
})

describe('syntax examples', () => {
  const codesOf = (text: string) => syntaxDiagnostics(parse({ path: 'x.dlm', text }).faults).map((d) => d.code)
  /** An example is a declaration, a statement, a setting or a member; it is parsed as the one that it reads as. */
  const readings = (text: string) => [
    text,
    `module M(dim: int) {\n${text}\n}`,
    `train {\n${text}\n}`,
    `data D {\n x = ${text}\n}`,
  ]
  const parsable = [...catalogue.values()].filter((row) => /^DLM01[0-3]/.test(row.code) && row.wrong !== '')
  it.each(parsable.map((row) => [row.code, row] as const))('%s', (code, row) => {
    expect(readings(row.right.replaceAll('…', '')).some((text) => codesOf(text).length === 0)).toBe(true)
    expect(
      readings(row.wrong.replaceAll('…', '')).some(
        (text) => codesOf(text).every((c) => c === code) && codesOf(text).length > 0,
      ),
    ).toBe(true)
  })
})

it('a near name is found by few edits', () => {
  expect(nearest('modle', ['module', 'model'])).toBe('module')
  expect(nearest('trian', ['train', 'test'])).toBe('train')
  expect(nearest('LINEAR', ['Linear'])).toBe('Linear')
  expect(nearest('x', ['dim'])).toBeUndefined()
  expect(nearest('a'.repeat(100_000), ['dim'])).toBeUndefined()
})
