/** What is said about each faulty program, in full. `BLESS=1 npx vitest run test/grammar/golden.test.ts` writes it anew. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { render } from '../../compiler/diagnostics/render.ts'
import { syntaxDiagnostics } from '../../compiler/diagnostics/syntax.ts'
import { parse } from '../../grammar/parser.ts'
import { root } from './samples.ts'

const folder = join(root, 'test/golden/syntax')

const said = (path: string, text: string) =>
  `${syntaxDiagnostics(parse({ path, text }).faults)
    .map((d) => render(d))
    .join('\n\n')}\n`

it.each(readdirSync(folder).filter((name) => name.endsWith('.dlm')))('%s', (name) => {
  const text = readFileSync(join(folder, name), 'utf8')
  const golden = join(folder, name.replace(/\.dlm$/, '.stderr'))
  const now = said(name, text)
  if (process.env['BLESS']) writeFileSync(golden, now)
  expect(existsSync(golden)).toBe(true)
  expect(now).toBe(readFileSync(golden, 'utf8'))
  // Line ends and a byte-order mark change nothing of what is said.
  expect(said(name, `\ufeff${text}`)).toBe(now)
  expect(said(name, text.replaceAll('\n', '\r\n'))).toBe(now)
})
