/** A path on the command line → a checked program. Imports stay inside the project of the file that was named. */
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { check, type Load } from '../compiler/1-check/index.ts'
import { report } from '../compiler/diagnostics/catalogue.ts'
import type { Diagnostic } from '../compiler/diagnostics/diagnostic.ts'
import { DiagnosticError } from '../compiler/diagnostics/diagnostic.ts'
import { fileNotReadable, fileTooLarge } from '../compiler/diagnostics/files.ts'
import type { Program } from '../compiler/program.ts'
import type { Source } from '../grammar/source.ts'
import { show } from './failure.ts'

/** A source file larger than this is not a model. */
const maximumBytes = 4 * 1024 * 1024

export function readSource(path: string): Source {
  try {
    const { size } = statSync(path)
    if (size > maximumBytes)
      throw new DiagnosticError([report(fileTooLarge, { path, bytes: size, maximum: maximumBytes })])
    return { path, text: readFileSync(path, 'utf8') }
  } catch (error) {
    if (error instanceof DiagnosticError) throw error
    throw new DiagnosticError([report(fileNotReadable, { path, reason: reasonOf(error) })])
  }
}

export function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code
  switch (code) {
    case 'ENOENT':
      return 'there is no such file'
    case 'EISDIR':
      return 'it is a folder'
    case 'EACCES':
    case 'EPERM':
      return 'permission was denied'
    default:
      return code ?? (error instanceof Error ? error.message : String(error))
  }
}

/** The folder that imports must stay in: the nearest one upwards with a `package.json` or `.git`, else the file's own. */
export function projectRoot(file: string): string {
  const own = dirname(realpathSync(file))
  for (let folder = own; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json')) || existsSync(join(folder, '.git'))) return folder
    if (dirname(folder) === folder) return own
  }
}

export const isInside = (root: string, path: string): boolean => {
  const way = relative(root, path)
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way))
}

/** Checks a file with all it imports; the program carries its diagnostics. `onImport` hears of each file that is imported. */
export const loadProgram = (path: string, onImport: (path: string) => void = () => undefined): Program =>
  read(path, onImport, true)

/** The program of a file that somebody else looks for faults in. */
export const loadTrusted = (path: string): Program => read(path, () => undefined, false)

function read(path: string, onImport: (path: string) => void, looking: boolean): Program {
  const source = readSource(path)
  const root = projectRoot(path)
  const load: Load = (imported, from) => {
    const target = resolve(dirname(from.path), imported)
    if (
      isAbsolute(imported) ||
      !existsSync(target) ||
      !isInside(root, realpathSync(target)) ||
      !statSync(target).isFile()
    )
      return undefined
    onImport(target)
    return readSource(relative(process.cwd(), target) || target)
  }
  return check(source, load, { looking })
}

export const errorsOf = (diagnostics: readonly Diagnostic[]): Diagnostic[] =>
  diagnostics.filter((d) => d.severity === 'error')

/** Like `loadProgram`, but errors end the verb. */
export function loadValidProgram(path: string): Program {
  const program = loadProgram(path)
  if (errorsOf(program.diagnostics).length > 0) throw new DiagnosticError(program.diagnostics)
  show(program.diagnostics)
  return program
}
