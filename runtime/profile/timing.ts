/** What a profile is made of: each dispatch of an entry with the time of all its turns. */
import type { Dispatch } from '../abi.ts'
import type { Executor, StepValues } from '../executor.ts'

export interface TimedDispatch {
  readonly dispatch: Dispatch
  readonly milliseconds: number
}

export interface Timer {
  /** For uploads before the first run. */
  readonly executor: Executor
  /** Runs the entry once and times every dispatch, in the order of the entry. */
  time(values: StepValues): Promise<readonly TimedDispatch[]>
}
