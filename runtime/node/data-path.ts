/**
 * A path that a program's text names → the file it may mean. The text of a program may come from anywhere, so its paths are
 * relative, and stay, symbolic links resolved, inside the project that holds the program; what the person at the
 * command line names with `--data NAME=PATH` may lie anywhere.
 */
import { existsSync, realpathSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { DataError } from '../data/data-error.ts'

export interface DataPlace {
  /** The directory of the program's file. */
  readonly directory: string
  /** Overrides by name: of a data block (a directory), or of a field, `Digits.train.image` (a file). */
  readonly overrides: ReadonlyMap<string, string>
}

export function dataPath(path: string, block: string, field: string, place: DataPlace): string {
  const file = place.overrides.get(field)
  if (file !== undefined) return existsSync(file) ? realpathSync(file) : resolve(file)
  const directory = place.overrides.get(block)
  const refuse = (problem: string): never => {
    throw new DataError({
      problem: `field \`${field}\`: the path ${JSON.stringify(path)} ${problem}`,
      fix: `write a path relative to the program, or pass --data ${field}=PATH`,
    })
  }
  if (path.includes('\0')) refuse('holds a zero byte')
  if (isAbsolute(path) || /^(?:[A-Za-z]:|[\\/~])/.test(path)) refuse('is not relative to the program')
  const base = directory === undefined ? place.directory : resolve(directory)
  const root = directory === undefined ? projectRoot(place.directory) : base
  const full = directory === undefined ? resolve(base, path) : below(base, path)
  if (!isInside(resolve(root), full)) refuse('leads out of the project')
  if (!existsSync(full)) return full
  const real = realpathSync(full)
  if (!isInside(realpathSync(root), real)) refuse('leads out of the project by a symbolic link')
  return real
}

/** A file of a block whose directory was named: under the path's own folders where it is there, else right in it. */
function below(directory: string, path: string): string {
  const parts = path.split(/[\\/]/).filter((part) => part !== '..' && part !== '.')
  const nested = join(directory, ...parts)
  return existsSync(nested) ? nested : join(directory, basename(path))
}

/** The nearest directory above that holds a `package.json` or a repository; otherwise the program's own. */
export function projectRoot(directory: string): string {
  for (let at = resolve(directory); ; at = dirname(at)) {
    if (existsSync(join(at, 'package.json')) || existsSync(join(at, '.git'))) return at
    if (dirname(at) === at) return resolve(directory)
  }
}

function isInside(root: string, path: string): boolean {
  const way = relative(root, path)
  return way === '' || (!isAbsolute(way) && way.split(/[\\/]/)[0] !== '..')
}
