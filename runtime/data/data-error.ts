/** What is wrong with data: which file, where in it, and what to do about it. */
import { RunError } from '../errors.ts'

export interface DataFault {
  /** One sentence: lower case, no full stop. */
  readonly problem: string
  readonly fix: string
  readonly file?: string | undefined
  /** Bytes from the start of the (uncompressed) file. */
  readonly offset?: number | undefined
  /** 1-based line of a text file. */
  readonly line?: number | undefined
}

export class DataError extends RunError {
  readonly fault: DataFault
  constructor(fault: DataFault, cause?: unknown) {
    const place =
      fault.line !== undefined ? `:${fault.line}` : fault.offset !== undefined ? ` at byte ${fault.offset}` : ''
    super('DLM0822', `${fault.file === undefined ? '' : `${fault.file}${place}: `}${fault.problem}`, fault.fix, {
      cause,
    })
    this.fault = fault
  }
}
