/**
 * Generated text → a file that is there whole or not at all for whoever reads the folder meanwhile, such as a build that watches it.
 * Nothing is flushed: what a compiler wrote before a power cut it writes again, and a flush for each of a thousand kernels takes seconds.
 * A file that already says the same is left alone, so that its time stays.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { makeFolder } from '../runtime/node/make-folder.ts'

let counter = 0

/** Whether something was written. */
export function writeTextWhereChanged(path: string, text: string): boolean {
  if (textAt(path) === text) return false
  makeFolder(dirname(path))
  const beside = join(dirname(path), `.${basename(path)}.${process.pid}-${counter++}.tmp`)
  try {
    writeFileSync(beside, text, { flag: 'wx' })
    renameSync(beside, path)
  } catch (error) {
    rmSync(beside, { force: true })
    throw error
  }
  return true
}

/** The file's text; `undefined` where there is none. */
export function textAt(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
