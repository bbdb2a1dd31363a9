/** How a diagnostic looks: several labels on a line, several lines, several files, tabs, wide characters, hostile text. */
import { expect, it } from 'vitest'
import type { Diagnostic, Label } from '../../compiler/diagnostics/diagnostic.ts'
import { render, toJson } from '../../compiler/diagnostics/render.ts'
import type { Source } from '../../grammar/source.ts'

const label = (source: Source, part: string, text: string, nth = 0): Label => {
  let start = -1
  for (let i = 0; i <= nth; i++) start = source.text.indexOf(part, start + 1)
  return { span: { source, start, end: start + part.length }, text }
}
const diagnostic = (
  primary: Label | undefined,
  secondary: readonly Label[] = [],
  more: Partial<Diagnostic> = {},
): Diagnostic => ({
  code: 'DLM0312',
  severity: 'error',
  message: 'these two shapes cannot be added',
  ...(primary && { primary }),
  secondary,
  notes: [],
  ...more,
})
const encoder: Source = { path: 'encoder.dlm', text: `${'\n'.repeat(13)}    let x = norm1(x + attention(x, x))\n` }

it('is drawn as the language page draws it', () => {
  const shown = render(
    diagnostic(label(encoder, 'x', 'float[B, T, 512]', 1), [label(encoder, 'attention(x, x)', 'float[B, T, 256]')], {
      notes: ['the last dim differs: 512 comes from `dim`, 256 from `Linear(256)`'],
      help: { text: 'make `wo` a `Linear(dim)`' },
    }),
  )
  expect(shown).toBe(`error[DLM0312]: these two shapes cannot be added
   ┌─ encoder.dlm:14:19
14 │     let x = norm1(x + attention(x, x))
   │                   ┬   ─────┬───────── float[B, T, 256]
   │                   └ float[B, T, 512]
   = the last dim differs: 512 comes from \`dim\`, 256 from \`Linear(256)\`
   help: make \`wo\` a \`Linear(dim)\``)
})

it('shows three labels of one line, from right to left', () => {
  const s: Source = { path: 'a.dlm', text: 'let y = f(a, b)' }
  expect(
    render(diagnostic(label(s, 'f', 'the call'), [label(s, 'a', 'first'), label(s, 'b', 'second')])),
  ).toBe(`error[DLM0312]: these two shapes cannot be added
  ┌─ a.dlm:1:9
1 │ let y = f(a, b)
  │         ┬ ┬  ┬ second
  │         │ └ first
  │         └ the call`)
})

it('shows labels within one another', () => {
  const s: Source = { path: 'a.dlm', text: 'let y = f(a, b)' }
  expect(
    render(diagnostic(label(s, 'f(a, b)', 'float[3]'), [label(s, 'a', 'float[2]')])),
  ).toBe(`error[DLM0312]: these two shapes cannot be added
  ┌─ a.dlm:1:9
1 │ let y = f(a, b)
  │         ┬─┬────
  │         │ └ float[2]
  │         └ float[3]`)
})

it('shows spans over lines by their ends, and other files after the first', () => {
  const s: Source = {
    path: 'a.dlm',
    text: 'module A() {\n  forward(x: float[B]) {\n    let y = x\n    return y\n  }\n}\n',
  }
  const other: Source = { path: 'lib/b.dlm', text: 'const dim = 3\n' }
  expect(
    render(
      diagnostic(label(s, 'forward(x: float[B]) {\n    let y = x\n    return y\n  }', 'this forward'), [
        label(other, 'dim', 'is 3 here'),
      ]),
    ),
  ).toBe(`error[DLM0312]: these two shapes cannot be added
  ┌─ a.dlm:2:3
2 │   forward(x: float[B]) {
  │   ──────────────────────╌
  ·
5 │   }
  │   ┬ this forward
  ┌─ lib/b.dlm:1:7
1 │ const dim = 3
  │       ─┬─ is 3 here`)
})

it('keeps columns under tabs and wide characters, and never prints a control character', () => {
  const s: Source = { path: 'a\u001b[31m.dlm', text: '\tlet 名前 = "\u001b[31m\u202e" + x' }
  const shown = render(diagnostic(label(s, 'x', 'here\u0007'), [], { message: 'bad `\u001b[2J`' }))
  expect(shown).toBe(`error[DLM0312]: bad \`\\u{1b}[2J\`
  ┌─ a\\u{1b}[31m.dlm:1:22
1 │     let 名前 = "�[31m�" + x
  │                           ┬ here\\u{7}`)
})

it('cuts long lines round what is labelled', () => {
  const s: Source = { path: 'a.dlm', text: `${'a + '.repeat(200)}WRONG${' + b'.repeat(200)}` }
  const lines = render(diagnostic(label(s, 'WRONG', 'this'))).split('\n')
  expect(Math.max(...lines.map((l) => l.length))).toBeLessThanOrEqual(120)
  const at = (lines[2] as string).indexOf('WRONG')
  expect((lines[3] as string).slice(at, at + 5)).toBe('─┬───')
})

it('colours through the style it is given, and needs no place', () => {
  expect(render(diagnostic(undefined), { style: (style, text) => `<${style}>${text}</>` })).toBe(
    '<red>error[DLM0312]</><bold>: these two shapes cannot be added</>',
  )
})

it('is plain data for --json', () => {
  expect(
    toJson(
      diagnostic(label(encoder, 'x', 'float[B, T, 512]', 1), [], {
        help: { text: 'do', edit: { span: label(encoder, 'x', '', 1).span, replacement: 'y' } },
      }),
    ),
  ).toEqual({
    code: 'DLM0312',
    severity: 'error',
    message: 'these two shapes cannot be added',
    secondary: [],
    notes: [],
    primary: {
      path: 'encoder.dlm',
      start: { line: 14, column: 19, offset: 31 },
      end: { line: 14, column: 20, offset: 32 },
      text: 'float[B, T, 512]',
    },
    help: {
      text: 'do',
      edit: {
        path: 'encoder.dlm',
        start: { line: 14, column: 19, offset: 31 },
        end: { line: 14, column: 20, offset: 32 },
        replacement: 'y',
      },
    },
  })
})
