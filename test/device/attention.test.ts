/** Attention kernels on the test adapter, in every way of laying them over lanes. */
import { anySchedule } from './any-schedule.ts'
import { attentionSuite } from './attention-suite.ts'

attentionSuite((seed) => (seed === 0 ? {} : { schedule: (kernel) => anySchedule(kernel, seed, 8) }))
