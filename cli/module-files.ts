/**
 * The modules of a file, made by two threads where the machine has them and the file has several: the second one takes them from
 * the beginning of the file's list while this one takes them from its end: blocks are written from small sizes to great ones, and
 * this thread has a start. When no module is left, both take what else modules have (see `moduleParts`). For JavaScript the second
 * loads TypeScript first. What it cannot do is done here, so that a fault is told as if there were but one.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { EmittedFiles } from '../compiler/7-emit/typescript/emit.ts'
import {
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
import { coreCount } from '../runtime/node/threads.ts'
import { type ModuleSettings, type ModuleWords, withHash } from './module-options.ts'
import type { Answer, Expected, MadePart, Order, Share, Task } from './module-thread.ts'

export async function filesOfModules(
  program: Program,
  {
    file,
    options: { model, train, emit, devices, adapters, standalone, tuned },
  }: { file: string; options: ModuleWords },
  settings: ModuleSettings,
  second: SecondThread | undefined,
): Promise<EmittedFiles[]> {
  const how = withHash(settings, program)
  const units = moduleUnits(program, how)
  const claimed = new Int32Array(new SharedArrayBuffer(4 * moduleParts.length * units.length))
  const words = { model, train, emit, devices, adapters, standalone, tuned }
  const shared = units.length > 1 ? second?.share({ file, text: program.text, words, claimed }) : undefined
  const here = (at: number, part: ModulePart) => modulePart(program, units[at]!, how, part)
  const wholes = new Map<number, Promise<readonly CompiledProgram[]>>()
  const make = async (at: number) => {
    const input = await moduleInput(program, units[at]!, how, async (part) => {
      if (part === 'whole') return wholes.get(at) ?? here(at, part)
      if (!second || !shared || claim(claimed, at, part)) return here(at, part)
      return (await second.partOf(at, part)) ?? here(at, part)
    })
    return moduleFiles(input, how, second?.javascript)
  }
  // Wholes are the longest: other parts are for who has none left.
  for (let at = units.length - 1; at >= 0 && claim(claimed, at, 'whole'); at--) {
    wholes.set(at, ahead(here(at, 'whole')))
    if (shared) await setImmediate()
  }
  const made = new Map<number, Promise<EmittedFiles>>()
  for (const at of wholes.keys()) {
    made.set(at, ahead(make(at)))
    await setImmediate()
  }
  for (const [at, files] of (await shared) ?? []) made.set(at, Promise.resolve(files))
  for (const at of units.keys()) if (!made.has(at)) made.set(at, make(at))
  return Promise.all(units.map((_, at) => made.get(at)!))
}

/** What fails is told where it is awaited. */
function ahead<T>(made: Promise<T>): Promise<T> {
  made.catch(() => undefined)
  return made
}

/** Whether nobody had it yet: a module, which is claimed by its whole, or another part of one. */
export const claim = (claimed: Int32Array, at: number, part: ModulePart): boolean =>
  Atomics.compareExchange(claimed, at * moduleParts.length + moduleParts.indexOf(part), 0, 1) === 0

export class SecondThread {
  private readonly worker: Worker
  private readonly waiting = new Map<number, (answer: Answer) => void>()
  /** Parts of modules: those that came, and those that are waited for. */
  private readonly made = new Map<string, readonly CompiledProgram[]>()
  private readonly wanted = new Map<string, (programs: readonly CompiledProgram[] | undefined) => void>()
  private orders = 0
  private isOver = false
  private hasShared = false

  /**
   * Where it would only take turns with this one, there is none; nor where nothing was built that it could run, nor where it
   * would have nothing to do.
   */
  static start(file: string, { emit, train, model }: ModuleWords): SecondThread | undefined {
    if (coreCount() < 2 || import.meta.url.endsWith('.ts')) return undefined
    const several = train === undefined && model === undefined && hasSeveralBlocks(file)
    return emit === 'js' || several ? new SecondThread({ emit, file: several ? file : undefined }) : undefined
  }

  private constructor(workerData: Expected) {
    // The process's own options (--input-type, --inspect-brk) are not for this thread.
    this.worker = new Worker(new URL('./module-worker.js', import.meta.url), { execArgv: [], workerData })
    this.worker.on('message', (answer: Answer | MadePart) => {
      if ('programs' in answer) {
        const name = `${answer.at} ${answer.part}`
        this.made.set(name, answer.programs)
        this.wanted.get(name)?.(answer.programs)
        return
      }
      this.waiting.get(answer.order)?.(answer)
      this.waiting.delete(answer.order)
    })
    const over = () => {
      this.isOver = true
      for (const [order, tell] of this.waiting) tell({ order })
      this.waiting.clear()
      this.noMoreParts()
    }
    this.worker.on('error', over)
    this.worker.on('exit', over)
  }

  javascript = async (javascript: EmittedFiles): Promise<EmittedFiles> =>
    (await this.ask<EmittedFiles>({ javascript })) ?? toJavaScript(javascript)

  /** Those that it made, by their places in the list. */
  share = async (share: Share): Promise<[number, EmittedFiles][]> => {
    const made = await this.ask<[number, EmittedFiles][]>({ share })
    this.hasShared = true
    this.noMoreParts()
    return made ?? []
  }

  /** A part that it has claimed, when it is compiled; `undefined` if it never will be. */
  partOf(at: number, part: ModulePart): Promise<readonly CompiledProgram[] | undefined> {
    const name = `${at} ${part}`
    if (this.made.has(name) || this.isOver || this.hasShared) return Promise.resolve(this.made.get(name))
    return new Promise((resolve) => this.wanted.set(name, resolve))
  }
  private noMoreParts(): void {
    for (const [name, tell] of this.wanted) tell(this.made.get(name))
  }

  /** Ends the thread by its own word, so that it keeps what V8 made of its code. */
  async close(): Promise<void> {
    if (this.isOver) return
    const ended = once(this.worker, 'exit')
    void this.ask({ close: true })
    await ended
  }

  private ask<T>(task: Task): Promise<T | undefined> {
    if (this.isOver) return Promise.resolve(undefined)
    const order = this.orders++
    return new Promise((resolve) => {
      this.waiting.set(order, ({ value }) => resolve(value as T | undefined))
      this.worker.postMessage({ order, ...task } satisfies Order)
    })
  }
}

/** As its lines begin, before it is parsed: a second thread that finds nothing to do costs its start, and no more. */
function hasSeveralBlocks(file: string): boolean {
  const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0
  try {
    const text = readFileSync(file, 'utf8')
    return count(text, /^\s*train\b/gm) > 1 || count(text, /^\s*model\b/gm) > 1
  } catch {
    return false
  }
}
