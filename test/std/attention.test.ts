/**
 * Attention, positions and transformer blocks on the test adapter: forward and every gradient against the float64 reference
 * within each op's bounds, and against PyTorch to 1e-4. Each kernel takes a while to compile there, so one case stands for
 * its kind; all of them are compared in float64 in torch.test.ts.
 */
import { describe, expect, it } from 'vitest'
import { simplify } from '../../compiler/4-simplify/simplify.ts'
import { testDevice } from '../device/adapter.ts'
import { disagreements, runGraph } from '../device/run-graph.ts'
import { attentionCases, caseRun, tensorOf } from './cases.ts'
import { difference } from './fixtures.ts'

const { device } = await testDevice()
const subgroup = device.adapterInfo.subgroupMinSize
const caseOf = (title: string) => attentionCases.find((each) => each.title === title)!

describe('within the bounds of each op', () => {
  it.each([
    'attend, causal, on plain sequences',
    'AdditiveAttention, padded',
    'sinusoidal_positions far out',
    'LearnedPositions',
    'rotary',
    'sin_turns',
    'masked_mean over some',
    'MultiHeadAttention, causal and padded',
  ])('%s', { timeout: 60_000 }, async (title) => {
    const { graph, leaf } = caseRun(caseOf(title))
    expect((await disagreements({ graph, dims: new Map(), leaf }, { subgroup })).slice(0, 3)).toEqual([])
  })
})

describe('as PyTorch to 1e-4', () => {
  it.each([
    'MultiHeadAttention 2x7x15, 3 heads',
    'MultiHeadAttention with rotary positions',
    'EncoderBlock with gelu, padded, pre-norm',
    'DecoderBlock over a padded memory, post-norm',
  ])('%s', { timeout: 60_000 }, async (title) => {
    const { graph, leaf } = caseRun(caseOf(title))
    const simple = simplify(graph)
    const values = await runGraph({ graph: simple, dims: new Map(), leaf }, { subgroup })
    for (const [i, { name }] of simple.results.entries()) {
      // A bias of all keys shifts all scores alike, which softmax does not see: its gradient is 0 but for rounding.
      const invisible = name.endsWith('.wk.bias') && Math.max(...tensorOf(title, name)!.data.map(Math.abs)) < 1e-9
      const scale = invisible
        ? Math.max(...tensorOf(title, name.replace(/bias$/, 'weight'))!.data.map(Math.abs))
        : undefined
      const expected = tensorOf(title, name)!.data
      if (scale === undefined) expect(difference(values[i]!, expected), name).toBeLessThan(1e-4)
      else expect(Math.max(...Array.from(values[i]!, Math.abs)), name).toBeLessThan(scale * 1e-5)
    }
  })
})
