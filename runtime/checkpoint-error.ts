/** What is wrong with a file of weights: which file, where in it, and what to do about it. */
import { RunError } from './errors.ts'

export class CheckpointError extends RunError {
  readonly file: string
  /** The operating system's code (`ENOSPC`, `EACCES`), when the fault is the disk's and not the file's. */
  readonly systemCode: string | undefined
  constructor(file: string, problem: string, more: { fix?: string; systemCode?: string; cause?: unknown } = {}) {
    super('DLM0821', `${file}: ${problem}`, more.fix ?? 'use another file, or write this one again', {
      cause: more.cause,
    })
    this.file = file
    this.systemCode = more.systemCode
  }
}
