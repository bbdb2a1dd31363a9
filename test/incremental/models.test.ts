/**
 * Every model of models/ that says sequences, with the arguments it is trained with: both forms agree in float32 on the
 * processor and on the test adapter, up to the full context, or the model is told that it looks ahead.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { check } from '../../compiler/1-check/index.ts'
import { incrementalModel } from '../../compiler/2-lower/incremental.ts'
import { simplify } from '../../compiler/4-simplify/simplify.ts'
import { tokenSequencesOf } from '../../compiler/sequences.ts'
import { providePlatform } from '../../runtime/node/platform.ts'
import { wasmDevice } from '../../runtime/wasm/device.ts'
import { root } from '../grammar/samples.ts'
import { freshDevice } from '../runtime/open.ts'
import { difference } from './agreement.ts'

providePlatform()
const adapter = await freshDevice()
afterAll(() => adapter.device.destroy())
const folder = join(root, 'models')
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.dlm'))

/** Models whose outputs need what comes later. */
const looksAhead = new Set(['masked.dlm Masked', 'bilstm.dlm Tagger'])
/** How many positions there are: all that `gpt.dlm` was made for. Sources are shorter. */
const context = 64

const found = files.sort().flatMap((name) => {
  const path = join(folder, name)
  const load = (from: string) => {
    const file = resolve(dirname(path), from)
    return { path: relative(root, file), text: readFileSync(file, 'utf8') }
  }
  const program = check({ path: name, text: readFileSync(path, 'utf8') }, load as never)
  return program.models.flatMap((model) => {
    const args = program.trains.find((t) => t.model.name === model)?.model.arguments
    const graph = program.model(model, { training: false, ...(args && { arguments: args }) })
    const tokens = tokenSequencesOf(graph)
    return tokens ? [{ title: `${name.split(/[\\/]/).at(-1)} ${model}`, program, model, args, graph, tokens }] : []
  })
})

describe.each(found.map((each) => [each.title, each] as const))('%s', (title, { program, model, args, graph }) => {
  const made = incrementalModel(graph, simplify)
  if (looksAhead.has(title)) {
    it('looks ahead', () => expect('fault' in made && made.fault.code).toBe('DLM0691'))
    return
  }
  it.each([
    [1, 1, 0, 1],
    [3, context, 48, 2],
  ])(
    'batch %i, %i positions, %i of them several at a time, by threads: %i',
    {
      timeout: 300_000,
    },
    async (batch, T, prefilled, threads) => {
      const given = { program, model, ...(args && { arguments: args }), dims: { batch, T, S: 7 } }
      expect(await difference(given, wasmDevice({ threads }), { prefilled })).toBeLessThan(1e-5)
    },
  )
  it('on the test adapter', { timeout: 600_000 }, async () => {
    const given = { program, model, ...(args && { arguments: args }), dims: { batch: 3, T: context, S: 7 } }
    expect(await difference(given, adapter, { prefilled: 48 })).toBeLessThan(1e-5)
  })
})

it('the causal models are among them', () => {
  const titles = found.map(({ title }) => title)
  for (const file of ['gpt.dlm', 'char-lstm.dlm', 'bigram.dlm', 'transformer.dlm', 'seq2seq.dlm'])
    expect(titles.some((title) => title.startsWith(file))).toBe(true)
})
