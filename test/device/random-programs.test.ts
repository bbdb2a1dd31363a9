/** Random programs, and their gradients, through fusion and WGSL on the test adapter, against the float64 reference. */
import { describe, expect, it } from 'vitest'
import { simplify } from '../../compiler/4-simplify/simplify.ts'
import type { Kernel } from '../../compiler/ir/kernel.ts'
import { leafName, randomGraph } from '../random-graph.ts'
import { testDevice } from './adapter.ts'
import { anySchedule } from './any-schedule.ts'
import { disagreements } from './run-graph.ts'

const { device } = await testDevice()
const subgroup = device.adapterInfo.subgroupMinSize
/** `DLM_RANDOM_PROGRAMS=2000` for a longer search; `DLM_RANDOM_SEED` to begin elsewhere. */
const count = Number(process.env.DLM_RANDOM_PROGRAMS ?? 200)
const first = Number(process.env.DLM_RANDOM_SEED ?? 1)

describe('random programs on the device', () => {
  it.each(Array.from({ length: count }, (_, i) => first + i))('program %i', async (seed) => {
    const made = randomGraph(seed, { nodes: 10, gradients: seed % 2 === 0 })
    // Every other pair with the passes before fusion off.
    const graph = seed % 4 < 2 ? simplify(made.graph) : made.graph
    const run = {
      graph,
      dims: made.dims,
      leaf: (node: Parameters<typeof leafName>[0]) => made.leaves.get(leafName(node))!,
    }
    // One in three with the schedules of GPUs, one with any other.
    const schedule = seed % 3 === 1 ? (kernel: Kernel) => anySchedule(kernel, seed, subgroup) : () => undefined
    expect(
      (await disagreements(run, { subgroup, schedule, target: seed % 3 === 0 ? 'gpu' : 'cpu-class' })).slice(0, 3),
    ).toEqual([])
  })
})
