/** Every function and layer of the standard library, forward and gradient, on a device against the float64 reference. */
import { describe, expect, it } from 'vitest'
import { disagreements, type GraphRunOptions } from '../device/run-graph.ts'
import { caseRun, stdCases } from './cases.ts'

export function standardLibrarySuite(options: GraphRunOptions): void {
  describe('the standard library on the device', () => {
    for (const each of stdCases)
      it(each.title, async () => {
        const { graph, leaf } = caseRun(each)
        expect((await disagreements({ graph, dims: new Map(), leaf }, options)).slice(0, 3)).toEqual([])
      })
  })
}
