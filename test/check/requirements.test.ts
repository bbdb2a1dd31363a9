/** What free sizes must be: collected while checking, held by every device when a session gives them their values. */
import { describe, expect, it } from 'vitest'
import { check } from '../../compiler/1-check/index.ts'
import { compile } from '../../compiler/pipeline.ts'
import { openReference } from '../../compiler/reference/executor.ts'
import { DimError } from '../../runtime/errors.ts'
import { wasmDevice } from '../../runtime/wasm/device.ts'

const model = (body: string, input = 'float[batch, T]') => `model M {\n  input x: ${input}\n${body}\n}\n`

/** Programs, with a size that they take and the nearest that they refuse. */
const cases: Readonly<Record<string, { text: string; fits: number; fails: number; says: string }>> = {
  'a slice of a table': {
    text: model('  param w: float[8] = zeros\n  output y = x + w[:T]'),
    fits: 8,
    fails: 9,
    says: 'a slice from 0 to T must lie within an axis of 8',
  },
  'a slice of a sequence': {
    text: model('  output y = x[:, 3:]'),
    fits: 3,
    fails: 2,
    says: 'a slice from 3 to T must lie within an axis of T',
  },
  'an index': {
    text: model('  output y = x[:, 4]'),
    fits: 5,
    fails: 4,
    says: 'the index 4 must lie within an axis of T',
  },
  'an index from the end': {
    text: model('  output y = x[:, -3]'),
    fits: 3,
    fails: 2,
    says: 'the index -3 must lie within an axis of T',
  },
  'require with a limit': {
    text: model('  require T < 7, "at most six"\n  output y = x'),
    fits: 6,
    fails: 7,
    says: 'at most six',
  },
  'require with a remainder, without a message': {
    text: model('  require T % 2 == 0\n  output y = x'),
    fits: 6,
    fails: 7,
    says: 'T % 2 == 0',
  },
  'learned positions': {
    text: model('  output y = x |> Embedding(5, 2) |> LearnedPositions(9, 2)', 'int[batch, T]'),
    fits: 9,
    fails: 10,
    says: 'a sequence is longer than its table of learned positions',
  },
}

function compiled(text: string) {
  const program = check({ path: 'm.dlm', text })
  expect(program.diagnostics).toEqual([])
  return compile(program, { model: 'M', entries: ['infer'], target: 'wasm' })
}

describe.each(Object.entries(cases))('%s', (_, { text, fits, fails, says }) => {
  const { program, simplified } = compiled(text)
  const options = (T: number) => ({ dims: { batch: 2, T }, entries: ['infer'] })
  const description = { name: 'reference', kind: 'reference' as const }

  it('is held by WebAssembly', async () => {
    const device = wasmDevice({ threads: 1 })
    ;(await device.open(program, options(fits))).dispose()
    const refused = device.open(program, options(fails))
    await expect(refused).rejects.toThrow(DimError)
    await expect(refused).rejects.toThrow(`${says}: {"batch":2,"T":${fails}}`)
  })
  it('is held by the reference', async () => {
    const open = (T: number) =>
      openReference(simplified, program, { ...options(T), precision: 'float64', description: description as never })
    ;(await open(fits)).dispose()
    await expect(open(fails)).rejects.toThrow(says)
  })
})

it('nothing is required where every size is known', () => {
  expect(
    compiled('model M {\n  input x: float[batch, 4]\n  output y = x[:, 1:3]\n}\n').program.requirements,
  ).toBeUndefined()
})
