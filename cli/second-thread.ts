/**
 * The second thread of `dlmc compile`, as the first one sees it. It is started before the rest of the command is loaded, and begins with the file
 * while the first one still looks for faults; what it made counts once both have read the same text.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import type { EmittedFiles } from '../compiler/7-emit/typescript/emit.ts'
import type { ModulePart } from '../compiler/modules.ts'
import type { CompiledProgram } from '../runtime/abi.ts'
import { coreCount } from '../runtime/node/threads.ts'
import { moduleParts } from './claims.ts'
import type { ModuleWords } from './module-options.ts'
import type { Answer, Expected, MadePart, Order, Task } from './module-thread.ts'

let ahead: SecondThread | undefined

/** Started from the words of the command alone, where these leave no doubt that it will be needed. */
export function expectSecondThread(words: readonly string[]): void {
  const [verb, ...rest] = words
  const emit = /^(ts|js)$/.exec(rest[rest.indexOf('--emit') + 1] ?? '')?.[0]
  if (verb !== 'compile' || (rest.includes('--emit') && emit === undefined)) return
  if (rest.some((word) => !plain.has(word) && word.startsWith('-'))) return
  const file = rest.find((word, at) => word.endsWith('.dlm') && !rest[at - 1]?.startsWith('-'))
  if (file !== undefined) ahead = SecondThread.start(file, { emit: emit ?? 'ts' })
}
const plain: ReadonlySet<string> = new Set(['-o', '--output', '--emit', '--devices', '--quiet', '--standalone'])

export class SecondThread {
  private readonly worker: Worker
  private readonly expected: Expected
  /** In shared memory: which parts of the file's modules some thread has taken. */
  readonly claimed: Int32Array
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
  static start(
    file: string,
    { emit, train, model }: Pick<ModuleWords, 'emit' | 'train' | 'model'>,
  ): SecondThread | undefined {
    if (ahead?.expected.file === file && ahead.expected.emit === emit) return ahead
    if (coreCount() < 2 || import.meta.url.endsWith('.ts')) return undefined
    const blocks = train === undefined && model === undefined ? countBlocks(file) : 0
    if (emit !== 'js' && blocks < 2) return undefined
    return new SecondThread({ emit, file: blocks > 1 ? file : undefined }, blocks)
  }

  private constructor(expected: Expected, blocks: number) {
    this.expected = expected
    this.claimed = new Int32Array(new SharedArrayBuffer(4 * moduleParts.length * blocks))
    // The process's own options (--input-type, --inspect-brk) are not for this thread.
    this.worker = new Worker(new URL('./module-worker.js', import.meta.url), { execArgv: [], workerData: expected })
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

  /** Lets it take modules of the file, by the words of the command. */
  begin(words: ModuleWords): void {
    if (this.expected.file !== undefined) void this.ask({ begin: { words, claimed: this.claimed } })
  }

  javascript = async (javascript: EmittedFiles): Promise<EmittedFiles | undefined> =>
    this.ask<EmittedFiles>({ javascript })

  /** The modules that it made, by their places in the list, if it read the same text. */
  share = async (text: string): Promise<[number, EmittedFiles][]> => {
    const made = await this.ask<[number, EmittedFiles][]>({ share: { text } })
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

/** Of which modules are made, as the file's lines begin, before it is parsed: a second thread that finds nothing to do costs its start, and no more. */
function countBlocks(file: string): number {
  const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0
  try {
    const text = readFileSync(file, 'utf8')
    const [trains, models] = [count(text, /^\s*train\b/gm), count(text, /^\s*model\b/gm)]
    return trains > 1 || models > 1 ? trains + models : 0
  } catch {
    return 0
  }
}
