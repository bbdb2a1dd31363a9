/** `dlmc compile` with one thread and with two: the same files, and the same words about them. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StructureKind, VariableDeclarationKind } from 'ts-morph'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { declaration, kind } from '../../compiler/7-emit/typescript/kinds.ts'
import { root } from '../grammar/samples.ts'

const command = process.env['DLMC'] ?? join(root, 'dist/cli/main.js')
let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dlm-threads-'))
  const block = (name: string, dim: number) => `train ${name} {
  model: M(dim: ${dim})
  optimizer: sgd(lr: 0.1)
  batch: 4
  steps: 2
}
`
  writeFileSync(
    join(folder, 'm.dlm'),
    `model M(dim: int = 3) {
  input x: float[batch, 3]
  target y: float[batch, 2]
  output z = x |> Linear(dim) |> relu |> Linear(2)
  loss mse(z, y)
}
model Other {
  input x: float[batch, T, 3]
  let (all, last) = x |> GRU(5)
  output y = last
}
${[3, 5, 7].map((dim) => block(`Size${dim}`, dim)).join('\n')}`,
  )
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function compile(threads: number, ...more: readonly string[]) {
  const output = `out-${threads}-${more.join('')}`
  const { status, stderr } = spawnSync(process.execPath, [command, 'compile', 'm.dlm', '-o', output, ...more], {
    cwd: folder,
    env: { ...process.env, DLM_THREADS: String(threads) },
    encoding: 'utf8',
  })
  expect(status, stderr).toBe(0)
  const files = readdirSync(join(folder, output), { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile())
    .map((e) => join(e.parentPath, e.name))
    .map((path) => [path.slice(join(folder, output).length), readFileSync(path, 'utf8')])
    .sort()
  return { said: stderr.replaceAll(output, 'out'), files }
}

it.each([[['--emit', 'ts']], [['--emit', 'js']], [['--train', 'Size5']]])('%s', (more) => {
  const one = compile(1, ...more)
  expect(one.said).toContain('kernels of M')
  expect(compile(2, ...more)).toEqual(one)
})

it('structures are called what ts-morph calls them', () => {
  for (const [name, value] of Object.entries(kind)) expect(value).toBe(StructureKind[name as keyof typeof kind])
  for (const [name, value] of Object.entries(declaration))
    expect(value).toBe(VariableDeclarationKind[name as keyof typeof declaration])
})
