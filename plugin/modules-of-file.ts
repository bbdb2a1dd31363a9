/**
 * A `.dlm` file → one JavaScript module of all its models, with its declarations: each model's module is a part of its own
 * (`file.dlm?model=STEM`), for their constants have the same names.
 */
import { createHash } from 'node:crypto'
import { errorsOf, loadProgram } from '../cli/load.ts'
import { version } from '../cli/version.ts'
import { DiagnosticError } from '../compiler/diagnostics/diagnostic.ts'
import { compileModules } from '../compiler/modules.ts'
import type { PluginOptions } from './index.ts'

export interface FileModules {
  /** Stem → text. */
  readonly parts: ReadonlyMap<string, string>
  readonly declarations: string
}

export async function modulesOfFile(
  path: string,
  { devices, adapters }: Pick<PluginOptions, 'devices' | 'adapters'>,
  onImport: (path: string) => void,
): Promise<FileModules> {
  const program = loadProgram(path, onImport)
  if (errorsOf(program.diagnostics).length > 0) throw new DiagnosticError(program.diagnostics)
  const modules = await compileModules(program, {
    version,
    hash: createHash('sha256').update(program.text).digest('hex').slice(0, 16),
    emit: 'js',
    ...(devices && { devices }),
    ...(adapters && { adapters }),
  })
  const parts = new Map<string, string>()
  const declarations: string[] = []
  const imported = new Set<string>()
  for (const { files } of modules)
    for (const [name, text] of files) {
      if (/^[a-z0-9_]+\.js$/.test(name)) parts.set(name.slice(0, -'.js'.length), text)
      // Two models of a file import the same types: one import for all.
      if (/^[a-z0-9_]+\.d\.ts$/.test(name))
        declarations.push(
          text.replace(/^import (?:type )?\{([^}]*)\} from ["']dlm\/runtime["'];?\n/m, (_, names: string) => {
            for (const each of names.split(',')) if (each.trim() !== '') imported.add(each.trim().replace(/^type /, ''))
            return ''
          }),
        )
    }
  const head = `import type { ${[...imported].sort().join(', ')} } from 'dlm/runtime'\n`
  return { parts, declarations: head + declarations.join('\n') }
}
