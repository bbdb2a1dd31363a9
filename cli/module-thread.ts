/** The second thread of `dlmc compile`: compiles some modules of a file with several, and makes JavaScript of them (see `module-files.ts`). */
import { setImmediate } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import type { EmittedFiles } from '../compiler/7-emit/typescript/emit.ts'
import type { ModuleInput } from '../compiler/7-emit/typescript/input.ts'
import {
  loadTypeScript,
  type ModulePart,
  moduleFiles,
  moduleInput,
  modulePart,
  moduleParts,
  moduleUnits,
  toJavaScript,
} from '../compiler/modules.ts'
import type { CompiledProgram } from '../runtime/abi.ts'
import { loadProgram } from './load.ts'
import { claim } from './module-files.ts'
import { type ModuleWords, moduleSettings, withHash } from './module-options.ts'

export interface Share {
  readonly file: string
  /** The file as the other thread read it. */
  readonly text: string
  readonly words: ModuleWords
  /** In shared memory: 1 where a thread has taken a module or a part of one. */
  readonly claimed: Int32Array
}
export type Task = { readonly javascript: EmittedFiles } | { readonly share: Share } | { readonly close: true }
export type Order = Task & { readonly order: number }
/** A part of a module that the other thread compiles. */
export interface MadePart {
  readonly at: number
  readonly part: ModulePart
  readonly programs: readonly CompiledProgram[]
}
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
  if (workerData.emit === 'js') void loadTypeScript()
}

async function done(task: Exclude<Task, { close: true }>): Promise<unknown> {
  if ('javascript' in task) return toJavaScript(task.javascript)
  return compiled(task.share)
}

async function compiled({ file, text, words, claimed }: Share): Promise<[number, EmittedFiles][]> {
  const program = loadProgram(file)
  const options = withHash(moduleSettings(words), program)
  const units = moduleUnits(program, options)
  const inputs: [number, ModuleInput][] = []
  const made: [number, EmittedFiles][] = []
  // A file that was changed in between is the other thread's.
  if (program.text !== text || units.length * moduleParts.length !== claimed.length) return made
  // Between one and the next come files that the other thread wants as JavaScript.
  try {
    for (let at = 0; at < units.length && claim(claimed, at, 'whole'); at++) {
      inputs.push([at, await moduleInput(program, units[at]!, options)])
      await setImmediate()
    }
    for (let at = inputs.length; at < units.length; at++)
      for (const part of ['stepping', 'exposing'] as const)
        if (claim(claimed, at, part)) {
          const programs = await modulePart(program, units[at]!, options, part)
          parentPort!.postMessage({ at, part, programs } satisfies MadePart)
          await setImmediate()
        }
    // What the other thread may wait for came first.
    for (const [at, input] of inputs) made.push([at, await moduleFiles(input, options)])
  } catch {
    // The fault is found again, and told, by the other thread.
  }
  return made
}
