/**
 * What `dlmc check` says about each wrong program, in full, and that a wrong file, folder or text ends in a diagnostic.
 * `BLESS=1 npx vitest run test/cli/wrong-input.test.ts` writes the goldens anew.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { errorsOf, loadProgram } from '../../cli/load.ts'
import { type Diagnostic, DiagnosticError } from '../../compiler/diagnostics/diagnostic.ts'
import { catalogue } from '../../compiler/diagnostics/registry.ts'
import { render } from '../../compiler/diagnostics/render.ts'
import { programs, root } from '../grammar/samples.ts'

const folder = join(root, 'test/golden/wrong')

/** A program is checked as far as check goes: its models, data, training and tests. */
function diagnose(path: string): readonly Diagnostic[] {
  try {
    return loadProgram(path).diagnostics
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics
    throw error
  }
}
const said = (diagnostics: readonly Diagnostic[]) => `${diagnostics.map((d) => render(d)).join('\n\n')}\n`

describe('wrong programs', () => {
  it.each(readdirSync(folder).filter((name) => name.endsWith('.dlm')))('%s', (name) => {
    const path = join(folder, name)
    const diagnostics = diagnose(relative(process.cwd(), path))
    const now = said(diagnostics)
    const golden = path.replace(/\.dlm$/, '.stderr')
    if (process.env['BLESS']) writeFileSync(golden, now)
    expect(errorsOf(diagnostics).length).toBeGreaterThan(0)
    for (const d of diagnostics) expect([...catalogue.keys()]).toContain(d.code)
    expect(diagnostics.map((d) => d.code)).not.toContain('DLM0999')
    expect(now).toBe(existsSync(golden) ? readFileSync(golden, 'utf8') : 'no golden')
  })
})

it('right programs have no faults', () => {
  for (const { path } of programs.filter((p) => p.path.startsWith('models/') || p.path.startsWith('examples/')))
    expect(said(diagnose(join(root, path)))).toBe('\n')
})

describe('wrong files', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'dlm-wrong-'))
  afterAll(() => rmSync(scratch, { recursive: true, force: true }))
  const file = (name: string, content: string | Uint8Array) => {
    writeFileSync(join(scratch, name), content)
    return join(scratch, name)
  }
  const noise = (size: number) =>
    Uint8Array.from({ length: size }, (_, i) => (Math.imul(i + 1, 0x9e3779b1) >>> 13) & 255)
  it.each([
    ['a file that is not there', () => join(scratch, 'nowhere.dlm')],
    ['a folder', () => scratch],
    ['a path through a file', () => join(file('a.dlm', 'model M { }'), 'b.dlm')],
    ['a mebibyte of noise', () => file('noise.dlm', noise(1 << 20))],
    ['more than four mebibytes', () => file('large.dlm', ' '.repeat((1 << 22) + 1))],
    ['a zip file', () => file('zip.dlm', Uint8Array.of(0x50, 0x4b, 3, 4, 20, 0, 0, 0, 8, 0))],
    ['UTF-16', () => file('utf16.dlm', Buffer.from('\ufeffmodel M { }', 'utf16le'))],
    ['a million brackets', () => file('deep.dlm', `const a = ${'('.repeat(1_000_000)}`)],
    ['a hundred thousand terms', () => file('terms.dlm', `const a = 1${' + 1'.repeat(100_000)}`)],
  ])('%s', (_, make) => {
    const diagnostics = diagnose(make())
    expect(errorsOf(diagnostics).length).toBeGreaterThan(0)
    expect(diagnostics.map((d) => d.code)).not.toContain('DLM0999')
    expect(said(diagnostics)).not.toMatch(/\n\s+at .*:\d+:\d+/)
  })
})
