/** What a second `dlmc compile` does: nothing is written that is there already, and no code is compiled that was. */
import { spawnSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { nodeBinary, nodeVersions } from '../emit/node-versions.ts'
import { root } from '../grammar/samples.ts'

const command = process.env['DLMC'] ?? join(root, 'dist/cli/main.js')
const keepsCode = Number(process.versions.node.split('.')[0]) < 22
let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dlm-again-'))
  writeFileSync(join(folder, 'm.dlm'), 'model M {\n  input x: float[batch, 3]\n  output y = x |> Linear(2)\n}\n')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function compile(cache = 'cache'): string {
  const env = { ...process.env, XDG_CACHE_HOME: join(folder, cache), NODE_DISABLE_COMPILE_CACHE: '' }
  const { status, stderr } = spawnSync(process.execPath, [command, 'compile', 'm.dlm', '-o', 'out', '--quiet'], {
    cwd: folder,
    env,
    encoding: 'utf8',
  })
  expect(stderr).toBe('')
  expect(status).toBe(0)
  return readFileSync(join(folder, 'out/m.ts'), 'utf8')
}

/** Every file below, with what changes when it is written anew. */
const state = (below: string): string[] =>
  readdirSync(join(folder, below), { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile())
    .map((e) => join(e.parentPath, e.name))
    .map((path) => `${path} ${statSync(path).ino} ${statSync(path).mtimeMs}`)
    .sort()

it('writes nothing that is there already, and compiles no code that was', () => {
  const first = compile()
  const [files, code] = [state('out'), keepsCode ? state('cache') : []]
  expect(files.length).toBeGreaterThan(1)
  if (keepsCode) expect(code.length).toBeGreaterThan(2)
  expect(compile()).toBe(first)
  expect(state('out')).toEqual(files)
  if (keepsCode) expect(state('cache')).toEqual(code)
  expect(files.some((path) => path.includes('.tmp'))).toBe(false)
})

it.runIf(keepsCode)('damaged code counts as none, and is made anew', () => {
  const first = compile()
  const entries = readdirSync(join(folder, 'cache/dlm/code')).map((name) => join(folder, 'cache/dlm/code', name))
  const whole = entries.map((path) => readFileSync(path))
  for (const [i, path] of entries.entries()) {
    const damaged = Buffer.from(whole[i]!)
    damaged[damaged.length - 40 - i] = damaged[damaged.length - 40 - i]! ^ 0xff
    writeFileSync(path, i % 3 === 0 ? damaged.subarray(0, 30 * i) : damaged)
  }
  expect(compile()).toBe(first)
  for (const path of entries) expect(readFileSync(path).length).toBeGreaterThan(40)
})

it.runIf(keepsCode)('takes 64 MiB at most, the newest', () => {
  const place = join(folder, 'full/dlm/code')
  mkdirSync(place, { recursive: true })
  const old = Array.from({ length: 5 }, (_, i) => join(place, `old${i}`))
  for (const [i, path] of old.entries()) {
    writeFileSync(path, '')
    truncateSync(path, 16 * 2 ** 20)
    utimesSync(path, 1000 + i, 1000 + i)
  }
  compile('full')
  const names = readdirSync(place)
  expect(names.reduce((sum, name) => sum + statSync(join(place, name)).size, 0)).toBeLessThanOrEqual(64 * 2 ** 20)
  expect(names.filter((name) => name.startsWith('old'))).toEqual(['old2', 'old3', 'old4'])
  expect(names.length).toBeGreaterThan(5)
})

it.runIf(keepsCode)('goes without where the cache cannot be written', () => {
  writeFileSync(join(folder, 'file'), '')
  expect(compile('file')).toContain('M')
})

it.each(nodeVersions)(
  'says nothing of its own on Node %s, the first time and the second',
  (version) => {
    for (let i = 0; i < 2; i++) {
      const env = {
        ...process.env,
        XDG_CACHE_HOME: join(folder, 'versions'),
        TMPDIR: folder,
        NODE_DISABLE_COMPILE_CACHE: '',
      }
      const done = spawnSync(nodeBinary(version), [command, 'check', '--quiet', 'm.dlm'], {
        cwd: folder,
        env,
        encoding: 'utf8',
      })
      expect(done.stderr + done.stdout).toBe('')
      expect(done.status).toBe(0)
    }
  },
  120_000,
)
