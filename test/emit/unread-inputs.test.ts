/** Inputs that outputs do not read: a run does not take them, one that gives exposed values and training do; types say so. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type App, makeApp } from './app.ts'

const model = `model Weighted {
  input x: float[batch, 3]
  input scale: float[batch]
  input weight: float[batch]
  target y: float[batch]
  output guess = x |> Linear(1) |> flatten
  expose scaled = scale * 2
  loss mean(weight * sum((guess - reshape(y, [batch, 1])) ** 2, axis: 1))
}
data None {
  train { x = csv("a.csv", columns: ["a"]) }
}
train {
  model: Weighted
  optimizer: sgd(lr: 0.1)
  batch: 2
  steps: 1
}
`
let app: App
beforeAll(() => {
  app = makeApp()
  app.write('weighted.dlm', model)
  app.dlmc('compile', 'weighted.dlm', '-o', 'generated', '--emit', 'js', '--devices', 'wasm', '--quiet')
})
afterAll(() => app?.remove())

it('are taken by what reads them', () => {
  const types = readFileSync(join(app.folder, 'generated/weighted.d.ts'), 'utf8')
  const fields = (name: string) =>
    [...types.match(new RegExp(`interface Weighted${name}\\b[^{]*\\{([^}]*)\\}`))![1]!.matchAll(/readonly (\w+)/g)].map(
      (m) => m[1],
    )
  expect(fields('Inputs')).toEqual(['x'])
  expect(fields('ExposingInputs')).toEqual(['scale'])
  expect(fields('Examples')).toEqual(['weight', 'y'])
  const given = app.run<{ guess: number; scaled: number[]; loss: boolean; refused: string }>(`
    import 'dlm/node'
    import { wasmDevice } from 'dlm/runtime'
    import { Weighted } from './generated/weighted.js'
    const device = wasmDevice({ threads: 1 })
    const x = new Float32Array(6)
    const plain = await Weighted.open({ batch: 2, device })
    plain.initialize(1)
    const { guess } = await plain.run({ x })
    const refused = await plain.run({ x, weight: new Float32Array(2) }).catch((error) => error.constructor.name)
    const exposing = await Weighted.open({ batch: 2, device, expose: true })
    exposing.initialize(1)
    const { scaled } = await exposing.run({ x, scale: Float32Array.of(1, 2) })
    const trainer = await Weighted.train({ device })
    const { loss } = await trainer.step({ x, weight: Float32Array.of(1, 0), y: Float32Array.of(1, 2) })
    process.stdout.write(JSON.stringify({ guess: guess.length, scaled: [...scaled], loss: loss > 0, refused }) + '\\n', () => process.exit(0))`)
  expect(given).toEqual({ guess: 2, scaled: [2, 4], loss: true, refused: 'NameError' })
})
