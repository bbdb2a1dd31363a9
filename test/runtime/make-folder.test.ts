import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { makeFolder } from '../../runtime/node/make-folder.ts'

const scratch = mkdtempSync(join(tmpdir(), 'dlm-folder-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

it('makes what is missing above a folder, and leaves one that is there', () => {
  const folder = join(scratch, 'a', 'b', 'c')
  makeFolder(folder)
  makeFolder(folder)
  makeFolder('/')
  expect(existsSync(folder)).toBe(true)
})

it('says what the system says of a file in its way, and of a link to nothing', () => {
  writeFileSync(join(scratch, 'file'), '')
  symlinkSync(join(scratch, 'nowhere'), join(scratch, 'link'))
  expect(() => makeFolder(join(scratch, 'file'))).toThrow(/EEXIST/)
  expect(() => makeFolder(join(scratch, 'file', 'below'))).toThrow(/ENOTDIR/)
  expect(() => makeFolder(join(scratch, 'link'))).toThrow(/EEXIST/)
})

it.runIf(process.platform === 'linux')('comes back from a folder in which nothing can be made', () => {
  expect(() => makeFolder('/proc/nowhere/below')).toThrow(/ENOENT/)
})
