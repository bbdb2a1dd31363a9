/** Every function and layer of the standard library, forward and gradient, on the test adapter against the float64 reference. */
import { describe, expect, it } from 'vitest'
import { testDevice } from '../device/adapter.ts'
import { disagreements } from '../device/run-graph.ts'
import { caseRun, stdCases } from './cases.ts'

const { device } = await testDevice()
const subgroup = device.adapterInfo.subgroupMinSize

describe('the standard library on the device', () => {
  for (const each of stdCases)
    it(each.title, async () => {
      const { graph, leaf } = caseRun(each)
      expect((await disagreements({ graph, dims: new Map(), leaf }, { subgroup })).slice(0, 3)).toEqual([])
    })
})
