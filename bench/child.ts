/**
 * A peer's process: one order at a time, each with its answer or the reason why there is none. Between orders it stands still:
 * a library's threads may wait for work by asking without end, on the cores that another peer is timed on.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createInterface, type Interface } from 'node:readline'
import type { BlockReply, EndReply, FirstReply, Order, ReadyReply } from './peers/serve.ts'

/** Longer than this no order may take, in milliseconds. */
const patience = 900_000

export class Child {
  readonly pid: number
  private readonly process: ChildProcessWithoutNullStreams
  private readonly lines: AsyncIterator<string>
  private readonly reader: Interface
  private complaints = ''

  constructor(command: readonly string[], environment: Readonly<Record<string, string>>) {
    this.process = spawn(command[0]!, command.slice(1), { env: { ...process.env, ...environment }, stdio: 'pipe' })
    this.pid = this.process.pid ?? 0
    this.reader = createInterface({ input: this.process.stdout })
    this.lines = this.reader[Symbol.asyncIterator]()
    this.process.stdin.on('error', () => undefined)
    this.process.stderr.on('data', (text) => {
      this.complaints = (this.complaints + String(text)).slice(-4000)
    })
  }

  ready = (): Promise<ReadyReply> => this.answer()
  first = (): Promise<FirstReply> => this.order({ do: 'first' })
  block = (runs: number): Promise<BlockReply> => this.order({ do: 'block', runs })
  end = (): Promise<EndReply> => this.order({ do: 'end' })

  kill(): void {
    this.process.kill('SIGKILL')
    this.reader.close()
  }

  private order<T>(order: Order): Promise<T> {
    this.signal('SIGCONT')
    this.process.stdin.write(`${JSON.stringify(order)}\n`)
    return this.answer()
  }

  private async answer<T>(): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${patience / 1000} s`)), patience)
    })
    try {
      const line = await Promise.race([this.lines.next(), late])
      if (line.done) throw new Error(this.lastWords())
      this.signal('SIGSTOP')
      return JSON.parse(line.value) as T
    } finally {
      clearTimeout(timer)
    }
  }

  private signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    if (process.platform !== 'win32') this.process.kill(name)
  }

  private lastWords(): string {
    const telling = this.complaints.split('\n').filter((line) => /error|exception|not|fail/i.test(line))
    return (telling.at(-1) ?? 'the process ended').trim().slice(0, 300)
  }
}
