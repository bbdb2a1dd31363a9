/**
 * Attention, positions and transformer blocks, forward and every gradient, against the float64 reference within each op's
 * bounds and against PyTorch to 1e-4: all of them as WebAssembly, and on the test adapter, where each kernel takes a while to
 * compile, one of each kind. In float64 all are compared in torch.test.ts.
 */
import { describe, expect, it } from 'vitest'
import { simplify } from '../../compiler/4-simplify/simplify.ts'
import { testDevice } from '../device/adapter.ts'
import { disagreements, type GraphRunOptions, runGraph } from '../device/run-graph.ts'
import { attentionCases, caseRun, tensorOf } from './cases.ts'
import { difference } from './fixtures.ts'

const { device } = await testDevice()
const subgroup = device.adapterInfo.subgroupMinSize
const caseOf = (title: string) => attentionCases.find((each) => each.title === title)!

const all = attentionCases.map(({ title }) => title)
/** Over two whole stacks the bounds of all ops together grow until they say nothing; PyTorch does. */
const deep = 'Encoder and Decoder'

const bounded = [
  'attend, causal, on plain sequences',
  'AdditiveAttention, padded',
  'sinusoidal_positions far out',
  'LearnedPositions',
  'rotary',
  'sin_turns',
  'masked_mean over some',
  'MultiHeadAttention, causal and padded',
]
const compared = [
  'MultiHeadAttention 2x7x15, 3 heads',
  'MultiHeadAttention with rotary positions',
  'EncoderBlock with gelu, padded, pre-norm',
  'DecoderBlock over a padded memory, post-norm',
]

describe.each([
  ['the test adapter', { subgroup }, bounded, compared],
  ['WebAssembly', { target: 'wasm' }, all.filter((title) => title !== deep), all],
] as readonly (readonly [string, GraphRunOptions, readonly string[], readonly string[]])[])(
  'on %s',
  (_, options, bounded, compared) => {
    it.each(bounded)('%s is within the bounds of each op', { timeout: 60_000 }, async (title) => {
      const { graph, leaf } = caseRun(caseOf(title))
      expect((await disagreements({ graph, dims: new Map(), leaf }, options)).slice(0, 3)).toEqual([])
    })

    it.each(compared)('%s is as PyTorch to 1e-4', { timeout: 60_000 }, async (title) => {
      const { graph, leaf } = caseRun(caseOf(title))
      const simple = simplify(graph)
      const values = await runGraph({ graph: simple, dims: new Map(), leaf }, options)
      for (const [i, { name }] of simple.results.entries()) {
        // A bias of all keys shifts all scores alike, which softmax does not see: its gradient is 0 but for rounding.
        const invisible = name.endsWith('.wk.bias') && Math.max(...tensorOf(title, name)!.data.map(Math.abs)) < 1e-9
        const scale = invisible
          ? Math.max(...tensorOf(title, name.replace(/bias$/, 'weight'))!.data.map(Math.abs))
          : undefined
        const expected = tensorOf(title, name)!.data
        if (scale === undefined) expect(difference(values[i]!, expected), name).toBeLessThan(1e-4)
        else expect(Math.max(...Array.from(values[i]!, Math.abs)), name).toBeLessThanOrEqual(scale * 1e-5)
      }
    })
  },
)
