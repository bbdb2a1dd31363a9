/** Random programs on the test adapter. */
import type { Kernel } from '../../compiler/ir/kernel.ts'
import { testDevice } from './adapter.ts'
import { anySchedule } from './any-schedule.ts'
import { randomProgramsSuite } from './random-programs-suite.ts'

const { device } = await testDevice()
const subgroup = device.adapterInfo.subgroupMinSize

// One in three with the schedules of GPUs, one with any other.
randomProgramsSuite(200, (seed) => ({
  subgroup,
  target: seed % 3 === 0 ? 'gpu' : 'cpu-class',
  ...(seed % 3 === 1 && { schedule: (kernel: Kernel) => anySchedule(kernel, seed, subgroup) }),
}))
