/** Modules of the runtime as JavaScript, for child processes and worker threads: Node 20 runs no TypeScript. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Compiles modules with all that they import; `url` gives what to import, `remove` cleans up. */
export function buildModules(...modules: readonly string[]): { url: (module: string) => string; remove: () => void } {
  const cache = join(root, 'node_modules', '.cache', 'dlm')
  mkdirSync(cache, { recursive: true })
  // Inside the repository, so that packages are found, and under a package.json that says ESM.
  const out = mkdtempSync(join(cache, 'modules-'))
  const options =
    '--ignoreConfig --noCheck --module nodenext --target es2023 --rewriteRelativeImportExtensions --skipLibCheck --types node'
  execFileSync(process.execPath, [
    join(root, 'node_modules', 'typescript', 'bin', 'tsc'),
    ...options.split(' '),
    '--rootDir',
    root,
    '--outDir',
    out,
    ...modules.map((module) => join(root, module)),
  ])
  return {
    url: (module) => new URL(`file://${join(out, module.replace(/\.ts$/, '.js'))}`).href,
    remove: () => rmSync(out, { recursive: true, force: true }),
  }
}
