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
  moduleUnits,
  toJavaScript,
} from '../compiler/modules.ts'
import type { Program } from '../compiler/program.ts'
import type { CompiledProgram } from '../runtime/abi.ts'
import { claim, hasRoom } from './claims.ts'
import { loadTrusted } from './load.ts'
import { type ModuleWords, moduleSettings, withHash } from './module-options.ts'

/** What the thread can begin with before it is asked for anything. */
export interface Expected {
  readonly emit: string
  /** The file, where it has several modules. */
  readonly file: string | undefined
}
export interface Begin {
  readonly words: ModuleWords
  /** In shared memory: 1 where a thread has taken a module or a part of one. */
  readonly claimed: Int32Array
}
export type Task =
  | { readonly javascript: EmittedFiles }
  | { readonly begin: Begin }
  /** The file as the other thread read it. */
  | { readonly share: { readonly text: string } }
  | { readonly close: true }
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
    // While the other one prints what it made itself.
    if ('share' in order && emit !== 'js') process.exit()
  })
  if (emit === 'js') void loadTypeScript()
  // While the other thread looks for faults.
  if (file !== undefined) program = loaded(file)
}

let program: Program | undefined
function loaded(file: string): Program | undefined {
  try {
    return loadTrusted(file)
  } catch {
    // Told by the other thread.
    return undefined
  }
}

/** Whether both threads read the same text, once that is known: a file that was changed in between is the other thread's. */
let isSame: boolean | undefined
/** Parts that were made before. */
const held: MadePart[] = []
let work: Promise<[number, EmittedFiles][]> | undefined

async function done(task: Exclude<Task, { close: true }>): Promise<unknown> {
  if ('javascript' in task) return toJavaScript(task.javascript)
  if ('begin' in task) {
    work = compiled(task.begin)
    return undefined
  }
  isSame = program?.text === task.share.text
  if (!isSame) return undefined
  for (const part of held) parentPort!.postMessage(part)
  return work
}

async function compiled({ words, claimed }: Begin): Promise<[number, EmittedFiles][]> {
  const made: [number, EmittedFiles][] = []
  if (!program) return made
  const options = withHash(moduleSettings(words), program)
  const units = moduleUnits(program, options)
  if (!hasRoom(claimed, units.length)) return made
  const inputs: [number, ModuleInput][] = []
  // Between one and the next come the other thread's words.
  try {
    for (let at = 0; at < units.length && isSame !== false && claim(claimed, at, 'whole'); at++) {
      inputs.push([at, await moduleInput(program, units[at]!, options)])
      await setImmediate()
    }
    for (let at = inputs.length; at < units.length; at++)
      for (const part of ['stepping', 'exposing'] as const)
        if (isSame !== false && claim(claimed, at, part)) {
          const programs = await modulePart(program, units[at]!, options, part)
          if (isSame) parentPort!.postMessage({ at, part, programs } satisfies MadePart)
          else held.push({ at, part, programs })
          await setImmediate()
        }
    // What the other thread may wait for came first.
    for (const [at, input] of inputs) made.push([at, await moduleFiles(input, options)])
  } catch {
    // The fault is found again, and told, by the other thread.
  }
  return made
}
