/** The same on the test adapter, whose kernels compute in float32. */
import { afterAll, describe, expect, it } from 'vitest'
import { freshDevice } from '../runtime/open.ts'
import { checkText } from '../std/cases.ts'
import { difference } from './agreement.ts'
import { causal } from './variants.ts'

const device = await freshDevice()
afterAll(() => device.device.destroy())

// Caches, and windows: kernels take long to compile here, and all variants run on the processor (wasm.test.ts).
const kinds = ['rotary positions', 'a convolution padded on the left']
const chosen = causal.filter(({ name }) => kinds.includes(name))

describe.each(chosen.map((v) => [v.name, v] as const))('%s', (_, { text, dims }) => {
  it('batch 3, T 21, 16 at a time', { timeout: 300_000 }, async () => {
    const given = { program: checkText(text), model: 'M', dims: { batch: 3, T: 21, S: 5, ...dims } }
    expect(await difference(given, device, { prefilled: 16 })).toBeLessThan(1e-5)
  })
})
