/** An application that imports generated modules: a folder with the package `dlm` installed, whose scripts run in Node. */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chosenDriver } from '../device/adapter.ts'

export const root = fileURLToPath(new URL('../..', import.meta.url))
const cache = join(root, 'node_modules', '.cache', 'dlm')
const sourceFolders = ['grammar', 'compiler', 'runtime', 'cli']

/** The package as it would be installed: `dist/` where it is newer than the sources, else one built for the tests. */
export function builtPackage(): string {
  const newest = (folder: string, ending: string): number =>
    Math.max(
      0,
      ...readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((e) => e.isFile() && e.name.endsWith(ending))
        .map((e) => statSync(join(e.parentPath, e.name)).mtimeMs),
    )
  const sources = Math.max(...sourceFolders.map((folder) => newest(join(root, folder), '.ts')))
  const built = join(root, 'dist', 'cli', 'main.js')
  if (existsSync(built) && statSync(built).mtimeMs > sources) return root
  const own = join(cache, `package-${process.pid}`)
  if (existsSync(own)) return own
  mkdirSync(own, { recursive: true })
  cpSync(join(root, 'package.json'), join(own, 'package.json'))
  symlinkSync(join(root, 'node_modules'), join(own, 'node_modules'))
  spawnSync(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json', '--outDir', join(own, 'dist')],
    { cwd: root },
  )
  spawnSync(process.execPath, [join(root, 'scripts/bundle.mjs'), join(own, 'dist/cli')])
  process.on('exit', () => rmSync(own, { recursive: true, force: true }))
  return own
}

export interface App {
  readonly folder: string
  write(path: string, text: string): void
  /** Runs `dlmc` as an installed command. */
  dlmc(...args: readonly string[]): string
  /** Runs a script on the adapter of the tests, and gives what it printed as JSON. */
  run<T>(script: string): T
  remove(): void
}

/** Runs `dlmc` in any folder. */
export const dlmcIn = (folder: string, ...args: readonly string[]): string =>
  execFileSync(process.execPath, [join(builtPackage(), 'dist/cli/main.js'), ...args], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })

export function makeApp(): App {
  mkdirSync(cache, { recursive: true })
  // Beside the repository's packages, so that only `dlm` must be linked.
  const folder = mkdtempSync(join(cache, 'app-'))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(builtPackage(), join(folder, 'node_modules', 'dlm'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  const driver = chosenDriver()
  const env: NodeJS.ProcessEnv = { ...process.env, DLM_DEVICE: driver.name }
  return {
    folder,
    write(path, text) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), text)
    },
    dlmc: (...args) =>
      execFileSync(process.execPath, [join(folder, 'node_modules/dlm/dist/cli/main.js'), ...args], {
        cwd: folder,
        env,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    run(script) {
      const path = join(folder, `run-${process.hrtime.bigint()}.mjs`)
      writeFileSync(path, script)
      const { status, stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', path], {
        cwd: folder,
        env,
        encoding: 'utf8',
        timeout: 280_000,
      })
      if (status !== 0) throw new Error(`the script ended with ${status}:\n${stdout}\n${stderr}`)
      return JSON.parse(stdout.trim().split('\n').at(-1)!)
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
