/** The second thread of `dlmc compile`: prints modules, and compiles some of a file with several (see `module-files.ts`). */
import { setImmediate } from 'node:timers/promises'
import { parentPort } from 'node:worker_threads'
import type { EmittedFiles } from '../compiler/7-emit/typescript/emit.ts'
import { morph, type Printer, printer } from '../compiler/7-emit/typescript/printing.ts'
import { moduleFiles, moduleInput, moduleUnits } from '../compiler/modules.ts'
import { loadProgram } from './load.ts'
import { claim } from './module-files.ts'
import { type ModuleWords, moduleSettings, withHash } from './module-options.ts'

export interface Share {
  readonly file: string
  /** The file as the other thread read it. */
  readonly text: string
  readonly words: ModuleWords
  /** In shared memory: 1 where a thread has taken the module. */
  readonly claimed: Int32Array
}
export type Task =
  | { readonly print: Parameters<Printer['print']> }
  | { readonly javascript: EmittedFiles }
  | { readonly share: Share }
  | { readonly close: true }
export type Order = Task & { readonly order: number }
/** Without a value it could not be done. */
export interface Answer {
  readonly order: number
  readonly value?: unknown
}

export function serveModules(): void {
  parentPort!.on('message', async (order: Order) => {
    if ('close' in order) process.exit()
    const value = await done(order).catch(() => undefined)
    parentPort!.postMessage({ order: order.order, value } satisfies Answer)
  })
  void morph()
}

async function done(task: Exclude<Task, { close: true }>): Promise<unknown> {
  if ('print' in task) return printer.print(...task.print)
  if ('javascript' in task) return printer.javascript(task.javascript)
  return compiled(task.share)
}

async function compiled({ file, text, words, claimed }: Share): Promise<[number, EmittedFiles][]> {
  const program = loadProgram(file)
  const options = withHash(moduleSettings(words), program)
  const units = moduleUnits(program, options)
  const made: [number, EmittedFiles][] = []
  // A file that was changed in between is the other thread's.
  if (program.text !== text || units.length !== claimed.length) return made
  for (let at = 0; at < units.length && claim(claimed, at); at++) {
    try {
      made.push([at, await moduleFiles(await moduleInput(program, units[at]!, options), options)])
    } catch {
      // Its fault is found again, and told, by the other thread.
      break
    }
    // Files that the other thread wants printed.
    await setImmediate()
  }
  return made
}
