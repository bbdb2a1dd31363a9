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
import type { Program } from '../compiler/program.ts'
import type { CompiledProgram } from '../runtime/abi.ts'
import { loadTrusted } from './load.ts'
import { claim } from './module-files.ts'
import { type ModuleWords, moduleSettings, withHash } from './module-options.ts'

/** What the thread can begin with before it is asked for anything. */
export interface Expected {
  readonly emit: string
  /** The file, where it has several modules. */
  readonly file: string | undefined
}
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
  const { emit, file } = workerData as Expected
  parentPort!.on('message', async (order: Order) => {
    if ('close' in order) process.exit()
    const value = await done(order).catch(() => undefined)
    parentPort!.postMessage({ order: order.order, value } satisfies Answer)
  })
  if (emit === 'js') void loadTypeScript()
  // While the other thread looks for faults.
  if (file !== undefined) checked = loaded(file)
}

let checked: Program | undefined
function loaded(file: string): Program | undefined {
  try {
    return loadTrusted(file)
  } catch {
    // Told by the other thread.
    return undefined
  }
}

async function done(task: Exclude<Task, { close: true }>): Promise<unknown> {
  if ('javascript' in task) return toJavaScript(task.javascript)
  return compiled(task.share)
}

async function compiled({ file, text, words, claimed }: Share): Promise<[number, EmittedFiles][]> {
  const program = checked ?? loadTrusted(file)
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
