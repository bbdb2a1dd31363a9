/** Every `test` block of models/ and of the standard library's known numbers holds on the float64 reference; the files are formatted. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { evaluate } from '../../compiler/reference/evaluate.ts'
import { format } from '../../grammar/format.ts'
import { checkText } from '../std/cases.ts'

const root = new URL('../../', import.meta.url)
const inside = (folder: string): string[] =>
  readdirSync(fileURLToPath(new URL(folder, root)), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.dlm'))
    .map((name) => folder + name.replaceAll('\\', '/'))
    .sort()
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')

describe.each([...inside('models/'), ...inside('test/std/')])('%s', (path) => {
  const program = checkText(read(path), path)
  it('has no faults and a test', () => {
    expect(program.diagnostics).toEqual([])
    expect(program.tests.length).toBeGreaterThan(0)
  })
  it('opens with its task, size and source', () => {
    if (path.startsWith('models/'))
      expect(read(path)).toMatch(
        /^\/\/\/ Task: (?:.*\n)(?:\/\/\/ .*\n)*\/\/\/ Size: (?:.*\n)(?:\/\/\/ .*\n)*\/\/\/ Source: /,
      )
  })
  for (const test of program.tests)
    it(test.title, () => {
      for (const { condition, span } of test.expectations) {
        const [value] = evaluate([condition], { leaf: () => expect.fail('a test is over literals') })
        expect(
          Array.from(value!.data).every((x) => x !== 0),
          span.source.text.slice(span.start, span.end),
        ).toBe(true)
      }
    })
})

it.each([...inside('models/'), ...inside('std/'), ...inside('test/std/')])('%s is formatted', (path) => {
  const text = read(path)
  expect(format({ path, text })).toBe(text)
})
