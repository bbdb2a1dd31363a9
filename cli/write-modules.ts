/** `dlmc compile FILE -o DIR`: the modules of a file, written so that a build that watches the folder sees only what changed. */
import { readdirSync, readFileSync, rmSync, watch as watchFolder } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Program } from '../compiler/program.ts'
import { exitCodes, fail, UsageError } from './failure.ts'
import { loadValidProgram } from './load.ts'
import { filesOfModules } from './module-files.ts'
import { copyFolder, type ModuleSettings, type ModuleWords, moduleSettings } from './module-options.ts'
import { SecondThread } from './second-thread.ts'
import { selectTrain } from './select.ts'
import { terminal } from './terminal.ts'
import { textAt, writeTextWhereChanged } from './text-file.ts'

export interface WriteOptions extends ModuleWords {
  readonly output: string
  readonly watch?: boolean | undefined
  readonly quiet?: boolean | undefined
}

export async function writeModules(file: string, options: WriteOptions): Promise<number> {
  const how = moduleSettings(options)
  if (options.watch) return watching(file, () => writeOnce(loadValidProgram(file), options, how))
  const second = SecondThread.start(file, options)
  const { model, train, emit, devices, adapters, standalone, tuned } = options
  second?.begin({ model, train, emit, devices, adapters, standalone, tuned })
  const status = await writeOnce(loadValidProgram(file), options, how, second)
  await second?.close()
  return status
}

async function writeOnce(
  program: Program,
  options: WriteOptions,
  how: ModuleSettings,
  second?: SecondThread,
): Promise<number> {
  if (options.model !== undefined && !program.models.includes(options.model))
    throw new UsageError(`${program.path} has no model "${options.model}"; it has ${program.models.join(', ')}`)
  if (program.models.length === 0) throw new UsageError(`${program.path} has no model`)
  const { train } = options
  if (train !== undefined) {
    const { name } = selectTrain(program, train).model
    if (options.model !== undefined && name !== options.model)
      throw new UsageError(`the train block "${train}" is of the model ${name}, not of ${options.model}`)
  }
  const modules = await filesOfModules(program, how, second)
  const say = (text: string) => {
    if (!options.quiet) terminal.error(text)
  }
  for (const { files, editable, identifier } of modules) {
    let kernels = 0
    for (const [path, text] of files) {
      const target = join(options.output, path)
      if (editable.has(path) && (textAt(target) ?? text) !== text) {
        say(`${target}: kept, since it may have been edited; delete it to have it written anew`)
        continue
      }
      writeTextWhereChanged(target, text)
      if (path.endsWith('.wgsl')) kernels += 1
      else if (!path.endsWith('.d.ts')) say(`${target}: ${identifier}`)
    }
    removeStale(options.output, files)
    say(`${options.output}: ${kernels} kernels of ${identifier}`)
  }
  if (options.standalone) copyRuntime(join(options.output, copyFolder))
  return exitCodes.done
}

/** Kernels of an earlier compilation that are no more. */
function removeStale(output: string, files: ReadonlyMap<string, string>): void {
  for (const folder of new Set([...files.keys()].filter((path) => path.endsWith('.wgsl')).map(dirname)))
    for (const name of readdirSync(join(output, folder)))
      if (/^\d+_\w+\.wgsl$/.test(name) && !files.has(`${folder}/${name}`)) rmSync(join(output, folder, name))
}

/** The runtime's modules that a generated one reaches, with their declarations. */
function copyRuntime(target: string): void {
  const from = fileURLToPath(new URL('../runtime/', import.meta.url))
  const reached = new Set<string>()
  const visit = (file: string): void => {
    if (reached.has(file)) return
    reached.add(file)
    for (const ending of ['.js', '.d.ts']) {
      const text = readFileSync(join(from, file.replace(/\.js$/, ending)), 'utf8')
      for (const [, name] of text.matchAll(/(?:from\s*|import\()["'](\.[^"']+)["']/g))
        visit(
          relative(from, join(from, dirname(file), name!))
            .replaceAll('\\', '/')
            .replace(/\.ts$/, '.js'),
        )
    }
  }
  visit('generated.js')
  for (const file of reached)
    for (const ending of ['.js', '.d.ts']) {
      const name = file.replace(/\.js$/, ending)
      const text = readFileSync(join(from, name), 'utf8').replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n')
      writeTextWhereChanged(join(target, name), text)
    }
}

/** Compiles again whenever a `.dlm` file below the file's folder changes, until it is interrupted. */
async function watching(file: string, once: () => Promise<number>): Promise<number> {
  let running = false
  let again = false
  const compile = async () => {
    if (running) {
      again = true
      return
    }
    running = true
    do {
      again = false
      try {
        await once()
      } catch (error) {
        fail(error)
      }
    } while (again)
    running = false
    terminal.error(`watching ${dirname(file)}; Ctrl-C ends`)
  }
  let timer: NodeJS.Timeout | undefined
  const watcher = watchFolder(dirname(file), { recursive: true }, (_event, name) => {
    if (name === null || !String(name).endsWith('.dlm')) return
    // Editors write a file in several steps.
    clearTimeout(timer)
    timer = setTimeout(() => void compile(), 50)
  })
  await compile()
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
  clearTimeout(timer)
  watcher.close()
  return exitCodes.done
}
