/**
 * Generated text → a file that is there whole or not at all for whoever reads the folder meanwhile, such as a build that watches it.
 * Nothing is flushed: what a compiler wrote before a power cut it writes again, and a flush for each of a thousand kernels takes seconds.
 * A file that already says the same is left alone, so that its time stays.
 */
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { makeFolder } from '../runtime/node/make-folder.ts'

let counter = 0

/** Whether something was written. */
export function writeTextWhereChanged(path: string, text: string): boolean {
  if (textAt(path) === text) return false
  const folder = dirname(path)
  const beside = join(folder, `.${basename(path)}.${process.pid}-${counter++}.tmp`)
  try {
    try {
      writeFileSync(beside, text, { flag: 'wx' })
    } catch (error) {
      // Nearly always the folder is there: who finds that it is not makes it.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      makeFolder(folder)
      writeFileSync(beside, text, { flag: 'wx' })
    }
    renameSync(beside, path)
  } catch (error) {
    rmSync(beside, { force: true })
    throw error
  }
  return true
}

/** The file's text; `undefined` where there is none. */
export function textAt(path: string): string | undefined {
  // An error for each of a thousand new files would take longer than to write them.
  if (!statSync(path, { throwIfNoEntry: false })) return undefined
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
