/** The threads' program, as it is kept, is that of its source: `npx vitest run FILE -u` writes it anew. */
import { expect, it } from 'vitest'
import { assembleConductor } from '../../runtime/wasm/conductor.ts'

it('is kept as it is assembled', async () => {
  const bytes = assembleConductor()
  expect(WebAssembly.validate(bytes)).toBe(true)
  const lines = Buffer.from(bytes).toString('hex')
  await expect(`/** The program of \`conductor.ts\`, assembled: edit there. In hexadecimal, which packs better than base64. */
export const conductorCode =
  '${lines}'
`).toMatchFileSnapshot('../../runtime/wasm/conductor.generated.ts')
})
