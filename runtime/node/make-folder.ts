/**
 * A folder with all that are above it. Node's own recursive `mkdir` (20.20) goes round for ever where a folder that exists answers "there
 * is no such file" to whoever would make one in it, as `/proc` does.
 */
import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** Throws what the system says of the first folder that cannot be made. */
export function makeFolder(path: string, mode?: number): void {
  try {
    mkdirSync(path, mode)
  } catch (error) {
    if (isFolder(path)) return
    const above = dirname(path)
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || above === path || isFolder(above)) throw error
    makeFolder(above, mode)
    makeFolder(path, mode)
  }
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
