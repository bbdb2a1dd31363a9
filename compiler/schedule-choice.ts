/** How a compilation takes other schedules than the default ones: it asks for every kernel that it prints as WGSL. */
import type { Storage } from '../runtime/abi.ts'
import type { Sizes } from './7-emit/wgsl/default-schedule.ts'
import type { Limits, Schedule, Target } from './7-emit/wgsl/schedule.ts'
import type { Kernel } from './ir/kernel.ts'
import type { EmittedKernel } from './lowered.ts'

export type ScheduleChoice = (request: ScheduleRequest) => Schedule | undefined

export interface ScheduleRequest {
  /** As it is scheduled: of a product, turned so that its columns run along the lanes. */
  readonly kernel: Kernel
  /** Prints it; without a schedule as it would be printed without a choice. */
  readonly emit: (schedule?: Schedule) => EmittedKernel
  readonly storages: readonly Storage[]
  readonly target: Target
  readonly limits: Limits
  readonly sizes: Sizes
}
