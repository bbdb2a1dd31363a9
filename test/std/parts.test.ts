/** The library is read declaration by declaration: what comes of it is what reading whole files gives. */
import { describe, expect, it } from 'vitest'
import { declaredParts } from '../../compiler/1-check/prelude.ts'
import { stdSources } from '../../compiler/std.generated.ts'
import { parse } from '../../grammar/parser.ts'

describe('a file of the library', () => {
  it.each([...stdSources])('%s: in parts is as whole', (path, text) => {
    const source = { path, text }
    const parts = declaredParts(text).map((part) => parse(source, part))
    expect(parts.flatMap(({ faults }) => faults)).toEqual([])
    expect(parts.flatMap(({ file }) => file.declarations)).toEqual(parse(source).file.declarations)
  })
})
