/** Known numbers of the builtin functions, on the float64 reference. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { builtinGroups } from '../../compiler/1-check/builtins/index.ts'
import { check } from '../../compiler/1-check/index.ts'
import { evaluate } from '../../compiler/reference/evaluate.ts'

const text = readFileSync(join(import.meta.dirname, 'builtins.dlm'), 'utf8')
const program = check({ path: 'builtins.dlm', text })

describe('builtin functions', () => {
  it('check', () => expect(program.diagnostics).toEqual([]))
  for (const { condition, span } of program.tests.flatMap((t) => t.expectations))
    it(span.source.text.slice(span.start, span.end), () => {
      const [value] = evaluate([condition], { leaf: () => expect.fail('a test is over literals') })
      expect(value!.data[0]).toBe(1)
    })
  it('are documented, each once', () => {
    const rows = builtinGroups.flatMap((g) => g.rows)
    expect(new Set(rows.map((r) => r.name)).size).toBe(rows.length)
    for (const { name, signature, doc } of rows) {
      expect(signature.startsWith(`${name}(`)).toBe(true)
      expect(doc.length).toBeGreaterThan(10)
    }
  })
})
