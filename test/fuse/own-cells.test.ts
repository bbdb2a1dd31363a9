/** A user's own recurrences, written in the language: one dispatch where rows keep apart, else a loop with its reason. */
import { describe, expect, it } from 'vitest'
import { loadProgram } from '../../cli/load.ts'
import { inspect } from '../../compiler/inspect.ts'
import { compile } from '../../compiler/pipeline.ts'

const program = loadProgram('test/fixtures/own-cells.dlm')
const dims = { batch: 5, T: 7 }

function recurrencesOf(name: string, target: 'gpu' | 'cpu-class') {
  const train = program.trains.find((t) => t.model.name === name)!
  const { program: compiled } = compile(program, {
    model: name,
    entries: ['infer', 'step'],
    train,
    target,
    subgroup: 8,
    verify: true,
  })
  const model = program.model(name, { training: false })
  for (const { dispatches } of compiled.entries)
    for (const { bindings } of dispatches) expect(bindings.length).toBeLessThanOrEqual(8)
  return Object.fromEntries(inspect(model, compiled, dims).entries.map((e) => [e.name, e.recurrences]))
}

describe.each(['gpu', 'cpu-class'] as const)('for %s', (target) => {
  it.each(['Unit', 'Normalised'])('%s is one dispatch, and so is its gradient', (name) => {
    const { infer, step } = recurrencesOf(name, target)
    const facts = (rows: typeof infer) => rows!.map(({ turns, dispatches, stop }) => ({ turns, dispatches, stop }))
    const whole = { turns: 7, dispatches: 1, stop: undefined }
    expect(facts(infer)).toEqual([whole])
    expect(facts(step)).toEqual([whole, whole])
  })

  it('Coupled is a loop, because its rows are', () => {
    const [row] = recurrencesOf('Coupled', target).infer!
    expect(row!.stop).toMatch(/^a step mixes rows of batch: reduce_sum/)
    expect(row!.dispatches).toBe(7 * row!.kernels)
  })
})
