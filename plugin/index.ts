/**
 * `import { CifarNet } from './cifar.dlm'` in Vite, Rollup, Rolldown, webpack, Rspack, esbuild and Farm, without a build step
 * before: the file is compiled when the bundler asks for it, its types are written beside it as `cifar.d.dlm.ts` (for
 * `allowArbitraryExtensions`), and what is wrong in it is shown by the bundler at its line.
 *
 *     // vite.config.js
 *     import dlm from 'dlm/unplugin'
 *     export default { plugins: [dlm.vite()] }
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createUnplugin, type UnpluginInstance } from 'unplugin'
import { type Diagnostic, DiagnosticError } from '../compiler/diagnostics/diagnostic.ts'
import { render } from '../compiler/diagnostics/render.ts'
import type { AdapterClass, ModuleDevice } from '../compiler/modules.ts'
import { position } from '../grammar/source.ts'
import { changedAt, changesAfterReading, type ReadFiles } from './changes-after-reading.ts'
import { modulesOfFile } from './modules-of-file.ts'

export interface PluginOptions {
  /** What the modules run on: by default WebGPU and WebAssembly. */
  readonly devices?: readonly ModuleDevice[] | undefined
  readonly adapters?: readonly AdapterClass[] | undefined
  /** Whether to write `NAME.d.dlm.ts` beside each file; true unless given. */
  readonly declarations?: boolean | undefined
}

const file = /\.dlm(?:\?model=[a-z0-9_]+)?$/

const plugin: UnpluginInstance<PluginOptions | undefined> = createUnplugin((options: PluginOptions | undefined) => {
  let lookAgain: ((files: ReadFiles) => void) | undefined
  return {
    name: 'dlm',
    vite: {
      configureServer({ watcher }: Watched) {
        lookAgain = changesAfterReading((file) => watcher.emit('change', file))
      },
    },
    loadInclude: (id: string) => file.test(id),
    async load(id: string) {
      const [path, query] = id.split('?') as [string, string?]
      const files = new Map<string, bigint | undefined>()
      const read = (file: string) => {
        this.addWatchFile(file)
        files.set(file, changedAt(file))
      }
      read(path)
      try {
        const { parts, declarations } = await modulesOfFile(
          path,
          { devices: options?.devices, adapters: options?.adapters },
          read,
        )
        const stem = query?.slice('model='.length)
        if (stem !== undefined) return { code: parts.get(stem) ?? '', map: null }
        if (options?.declarations !== false) writeChanged(path.replace(/\.dlm$/, '.d.dlm.ts'), declarations)
        const stems = [...parts.keys()]
        return {
          code: stems.map((part) => `export * from ${JSON.stringify(`${path}?model=${part}`)}\n`).join(''),
          map: null,
        }
      } catch (error) {
        if (!(error instanceof DiagnosticError)) throw error
        return this.error(asBundlerError(error.diagnostics, path))
      } finally {
        lookAgain?.(files)
      }
    },
  }
})
export default plugin

/** What of Vite's server is used. */
interface Watched {
  readonly watcher: { emit(event: 'change', file: string): unknown }
}

function writeChanged(path: string, text: string): void {
  if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text)
}

/** The first fault with its place, for the overlay; all of them as text. */
function asBundlerError(diagnostics: readonly Diagnostic[], path: string) {
  const errors = diagnostics.filter((d) => d.severity === 'error')
  const span = errors[0]?.primary?.span
  const { line, column } = span ? position(span.source, span.start) : { line: 1, column: 1 }
  return {
    name: 'DiagnosticError',
    id: path,
    message: errors.map((d) => render(d)).join('\n\n'),
    loc: { file: span?.source.path ?? path, line, column: column - 1 },
  }
}
