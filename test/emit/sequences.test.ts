/**
 * Modules of causal models in Node: a stepper and whole runs agree, generation is the same from the same seed, beams and
 * sources work, wrong use is said, and nothing of it is in the modules of other models.
 */
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type App, makeApp, root } from './app.ts'
import { sequenceModels } from './sequence-models.ts'

let app: App
beforeAll(() => {
  app = makeApp()
  writeFileSync(join(app.folder, 'models.dlm'), sequenceModels)
  app.dlmc('compile', 'models.dlm', '-o', 'generated', '--emit', 'js', '--devices', 'wasm', '--quiet')
}, 120_000)
afterAll(() => app.remove())

const prelude = `
  import 'dlm/node'
  import { wasmDevice } from 'dlm/runtime'
  import { Gpt } from './generated/gpt.js'
  import { Cell } from './generated/cell.js'
  import { Pairs } from './generated/pairs.js'
  const device = wasmDevice({ threads: 1 })
  const print = (value) => process.stdout.write(JSON.stringify(value) + '\\n', () => process.exit(0))
  const caught = async (action) => { try { await action() } catch (error) { return error.constructor.name + ': ' + error.message } }
  const all = async (tokens) => { const list = []; for await (const token of tokens) list.push(token); return list }
`

describe('a stepper', () => {
  it('gives what whole runs give, row by row', () => {
    const worst = app.run<number[]>(`${prelude}
      const worst = []
      {
        {
          const model = await Gpt.open({ batch: 2, T: 9, device })
          model.initialize(3)
          const text = Int32Array.from({ length: 18 }, (_, i) => (i * 5) % 7)
          const { logits } = await model.run({ text })
          const stepper = await model.stepper({ rows: 2 })
          let most = 0
          for (let t = 0; t < 9; t++) {
            const now = await stepper.step({ text: Int32Array.of(text[t], text[9 + t]) })
            for (let row = 0; row < 2; row++) for (let v = 0; v < 7; v++)
              most = Math.max(most, Math.abs(now.logits[row * 7 + v] - logits[(row * 9 + t) * 7 + v]))
          }
          worst.push(most, stepper.position)
          model.dispose()
        }
      }
      const model = await Cell.open({ batch: 1, T: 4, device })
      model.initialize(3)
      const x = Float32Array.from({ length: 12 }, (_, i) => Math.sin(i))
      const { level } = await model.run({ x })
      const stepper = await model.stepper()
      let most = 0
      for (let t = 0; t < 4; t++) {
        const now = await stepper.step({ x: x.slice(3 * t, 3 * t + 3) })
        for (let v = 0; v < 2; v++) most = Math.max(most, Math.abs(now.level[v] - level[2 * t + v]))
      }
      // A recurrence does not outgrow anything.
      for (let t = 0; t < 40; t++) await stepper.step({ x: x.slice(0, 3) })
      worst.push(most, stepper.position, stepper.context === Infinity ? 1 : 0)
      print(worst)`)
    expect(worst[0]).toBeLessThan(1e-5)
    expect(worst.slice(1, 2)).toEqual([9])
    expect(worst[2]).toBeLessThan(1e-5)
    expect(worst.slice(3)).toEqual([44, 1])
  })
  it('says wrong use', () => {
    const said = app.run<string[]>(`${prelude}
      const model = await Gpt.open({ T: 3, device })
      const said = [await caught(() => model.stepper())]
      model.initialize(1)
      const stepper = await model.stepper({ context: 2 })
      said.push(await caught(() => stepper.step({ texts: Int32Array.of(1) })))
      said.push(await caught(() => stepper.step({ text: Int32Array.of(1, 2) })))
      await stepper.step({ text: Int32Array.of(1) })
      await stepper.step({ text: Int32Array.of(1) })
      said.push(await caught(() => stepper.step({ text: Int32Array.of(1) })))
      model.dispose()
      said.push(await caught(() => stepper.begin()))
      const pairs = await Pairs.open({ S: 3, T: 4, device })
      pairs.initialize(1)
      said.push(await caught(async () => (await pairs.stepper()).step({ said: Int32Array.of(1) })))
      print(said)`)
    expect(said[0]).toMatch(/^CheckpointError.*no values yet/)
    expect(said[1]).toMatch(/^NameError.*texts/)
    expect(said[2]).toMatch(/^ShapeError.*Int32Array of 1/)
    expect(said[3]).toMatch(/^ShapeError.*at most 2 positions/)
    expect(said[4]).toMatch(/^DisposedError/)
    expect(said[5]).toMatch(/^ShapeError.*word/)
  })
})

describe('generation', () => {
  it('is the same from the same seed, goes on past the context, and follows new weights', () => {
    const [a, b, c, d, greedy, beams] = app.run<number[][]>(`${prelude}
      const model = await Gpt.open({ T: 12, device })
      model.initialize(5)
      const prompt = [1, 2, 3]
      const draw = (seed) => all(model.generate(prompt, { length: 30, temperature: 1, seed }))
      const results = [await draw(1), await draw(1), await draw(2)]
      const greedy = await all(model.generate(prompt, { length: 5, temperature: 0 }))
      const beams = await all(model.generate(prompt, { length: 5, beams: 3 }))
      model.initialize(6)
      results.push(await draw(1), greedy, beams)
      print(results)`)
    expect(a).toHaveLength(30)
    expect(a).toEqual(b)
    expect(a).not.toEqual(c)
    expect(a).not.toEqual(d)
    expect(greedy).toHaveLength(5)
    expect(beams).toHaveLength(5)
  })
  it('answers a source, with one beam as greed does', () => {
    const [one, beam, other] = app.run<number[][]>(`${prelude}
      const model = await Pairs.open({ S: 4, T: 8, device })
      model.initialize(5)
      const say = (word, more) => all(model.generate([1], { length: 6, source: { word: Int32Array.from(word) }, ...more }))
      print([await say([1, 2, 3, 4], { temperature: 0 }), await say([1, 2, 3, 4], { beams: 1 }), await say([5, 5, 0, 0], { beams: 4 })])`)
    expect(beam).toEqual(one)
    expect(other).toHaveLength(6)
  })
})

it('a model that looks ahead has neither', () => {
  const text = readFileSync(join(app.folder, 'generated/reader.js'), 'utf8')
  expect(text).toContain('openModel')
  expect(text).not.toMatch(/stepping|openTokenModel|openSequenceModel/)
  cpSync(join(root, 'models/mnist/softmax.dlm'), join(app.folder, 'softmax.dlm'))
  app.dlmc('compile', 'softmax.dlm', '-o', 'generated', '--emit', 'js', '--devices', 'wasm', '--quiet')
  expect(readFileSync(join(app.folder, 'generated/softmax.js'), 'utf8')).not.toMatch(/stepping|openTokenModel/)
})
