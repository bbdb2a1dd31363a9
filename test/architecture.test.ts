/** The rules of ARCHITECTURE.md that a program can hold: who imports whom, and what must never be in the sources. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

function sourcesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((e) => e.isFile() && e.name.endsWith('.ts'))
    .map((e) => relative(root, join(e.parentPath, e.name)))
}

const sources = ['grammar', 'compiler', 'runtime', 'cli'].flatMap(sourcesBelow)

interface Import {
  readonly file: string
  readonly target: string
  readonly typeOnly: boolean
}
function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8')
  return [
    ...text.matchAll(/^(?:import|export)\s+(type\s+)?(?:[^'"]*?\s+from\s+)?['"]([^'"]+)['"]/gms),
    ...text.matchAll(/\bimport\((?:type\s+)?()['"]([^'"]+)['"]\)/g),
  ].map((m) => ({
    file,
    typeOnly: Boolean(m[1]?.trim()),
    target: m[2]!.startsWith('.') ? relative(root, resolve(root, dirname(file), m[2]!)) : m[2]!,
  }))
}
const imports = sources.flatMap(importsOf)
const within = (folder: string) => (i: Import) => i.file.startsWith(`${folder}/`)
const show = (list: readonly Import[]) => list.map((i) => `${i.file} → ${i.target}`)

describe('imports point one way', () => {
  it('grammar imports nothing of the project but itself', () => {
    expect(
      show(imports.filter(within('grammar')).filter((i) => /^(compiler|runtime|cli|test)\//.test(i.target))),
    ).toEqual([])
  })
  it("the compiler imports only the runtime's contract", () => {
    const allowed = new Set([
      'runtime/abi.ts',
      'runtime/size.ts',
      'runtime/executor.ts',
      'runtime/errors.ts',
      'runtime/wasm/layout.ts',
    ])
    const found = imports
      .filter(within('compiler'))
      .filter(
        (i) =>
          i.target.startsWith('cli/') || (i.target.startsWith('runtime/') && !allowed.has(i.target) && !i.typeOnly),
      )
    expect(show(found)).toEqual([])
  })
  it('the runtime imports nothing of the compiler, the grammar or the command line', () => {
    expect(
      show(imports.filter(within('runtime')).filter((i) => /^(compiler|grammar|cli|std)\//.test(i.target))),
    ).toEqual([])
  })
  it('no phase imports another', () => {
    const phase = (path: string) => /^compiler\/(\d)-/.exec(path)?.[1]
    expect(
      show(imports.filter((i) => phase(i.file) && phase(i.target) && phase(i.file) !== phase(i.target) && !i.typeOnly)),
    ).toEqual([])
  })
  it('the browser-safe parts use no Node built-in', () => {
    const safe = imports.filter(
      (i) => /^(grammar|compiler|runtime)\//.test(i.file) && !i.file.startsWith('runtime/node/'),
    )
    expect(show(safe.filter((i) => i.target.startsWith('node:') || i.target === 'webgpu'))).toEqual([])
  })
})

describe('what must not be in the sources', () => {
  it('only the rule tables of the simplifier name ops', () => {
    const naming = sources
      .filter((f) => /^compiler\/[1-7]-/.test(f) && !f.startsWith('compiler/4-simplify/'))
      .filter((f) => /\.op\s*(===|!==)\s*['"]/.test(readFileSync(join(root, f), 'utf8')))
    // Memory is planned by what a leaf is: a parameter, a state, an input, literal data. These are kinds of storage.
    expect(naming.filter((f) => !f.startsWith('compiler/6-plan/'))).toEqual([])
  })
  it('nothing evaluates text as code', () => {
    const found = sources.filter((f) => /\beval\(|new Function\(/.test(readFileSync(join(root, f), 'utf8')))
    expect(found).toEqual([])
  })
})
