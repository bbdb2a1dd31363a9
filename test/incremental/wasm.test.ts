/** The same by kernels that compute in float32, on the processor. */
import { describe, expect, it } from 'vitest'
import { enableRelaxedSimd } from '../../runtime/node/threads.ts'
import { wasmDevice } from '../../runtime/wasm/device.ts'
import { checkText } from '../std/cases.ts'
import { difference } from './agreement.ts'
import { causal } from './variants.ts'

enableRelaxedSimd()
const processor = wasmDevice({ threads: 1 })

describe.each(causal.map((v) => [v.name, v] as const))('%s', (_, { text, dims }) => {
  it('on the processor: batch 3, T 21, 16 at a time', { timeout: 120_000 }, async () => {
    const given = { program: checkText(text), model: 'M', dims: { batch: 3, T: 21, S: 5, ...dims } }
    expect(await difference(given, processor, { prefilled: 16 })).toBeLessThan(1e-5)
  })
})
