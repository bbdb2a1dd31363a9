/** Every function and layer of the standard library, forward and gradient, on odd shapes, against PyTorch in float64. */
import { describe, expect, it } from 'vitest'
import { evaluate } from '../../compiler/reference/evaluate.ts'
import { attentionCases, caseRun, namesOf, recurrentCases, stdCases, tensorOf } from './cases.ts'
import { difference } from './fixtures.ts'

describe('the standard library agrees with PyTorch', () => {
  for (const each of [...stdCases, ...recurrentCases, ...attentionCases])
    it(each.title, () => {
      const { graph, leaf, model } = caseRun(each)
      const values = evaluate(
        graph.results.map((r) => r.node),
        { leaf },
      )
      const found = new Map(graph.results.map((result, i) => [result.name, values[i]!]))
      expect(model.parameters.map((p) => p.path).sort()).toEqual([...each.parameters].sort())
      expect(model.states.map((s) => s.path).sort()).toEqual([...each.states].sort())
      for (const prefix of ['out.', 'grad.'])
        for (const name of namesOf(each.title, prefix)) {
          const expected = tensorOf(each.title, prefix + name)!
          const actual = found.get(prefix + name)
          expect(actual, `${prefix}${name} is given`).toBeDefined()
          expect(actual!.shape, `shape of ${prefix}${name}`).toEqual(expected.shape)
          expect(difference(actual!.data, expected.data), `${prefix}${name}`).toBeLessThan(1e-9)
        }
    })
})
