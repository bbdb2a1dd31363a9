/** Weights as PyTorch has them (other names, gates i f g o, [out, in]) in a model that has them otherwise: by module and by `dlmc`. */
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type App, makeApp, root } from './app.ts'

let app: App
beforeAll(() => {
  app = makeApp()
  cpSync(join(root, 'models/lessons/lstm-step.dlm'), join(app.folder, 'step.dlm'))
  app.dlmc('compile', 'step.dlm', '-o', 'generated', '--emit', 'js', '--adapters', 'gpu,software', '--quiet')
})
afterAll(() => app.remove())

const names = {
  wx: { from: 'cell.weight_ih', of: 4, parts: [0, 1, 3, 2], transpose: true },
  wh: { from: 'cell.weight_hh', of: 4, parts: [0, 1, 3, 2], transpose: true },
  b: { from: 'cell.bias', of: 4, parts: [0, 1, 3, 2] },
}

/** The step in float64 with PyTorch's own layout, and both ways to it. */
const script = `
  import 'dlm/node'
  import fs from 'node:fs'
  import * as dlm from 'dlm/runtime'
  import { LSTMStep } from './generated/lstm_step.js'
  const names = ${JSON.stringify(names)}
  const some = (count, from) => Float32Array.from({ length: count }, (_, i) => (((i * 7919 + from * 104729) % 997) / 997) * 2 - 1)
  const [H, D] = [4, 5]
  const [wi, wh, b, x, h, c] = [some(16 * D, 1), some(16 * H, 2), some(16, 3), some(D, 4), some(H, 5), some(H, 6)]
  const file = Buffer.concat(dlm.safetensorsChunks(new Map([
    ['cell.weight_ih', dlm.tensorOf(wi, [16, D])], ['cell.weight_hh', dlm.tensorOf(wh, [16, H])], ['cell.bias', dlm.tensorOf(b, [16])],
  ])))
  fs.writeFileSync('torch.safetensors', file)
  fs.writeFileSync('names.json', JSON.stringify(names))
  fs.writeFileSync('input.safetensors', Buffer.concat(dlm.safetensorsChunks(new Map([
    ['x', dlm.tensorOf(x, [1, D])], ['h', dlm.tensorOf(h, [1, H])], ['c', dlm.tensorOf(c, [1, H])],
  ]))))
  const gate = (k, j) => {
    const row = k * H + j
    let sum = b[row]
    for (let d = 0; d < D; d++) sum += wi[row * D + d] * x[d]
    for (let d = 0; d < H; d++) sum += wh[row * H + d] * h[d]
    return sum
  }
  const sigmoid = (v) => 1 / (1 + Math.exp(-v))
  const cell = Array.from({ length: H }, (_, j) => sigmoid(gate(1, j)) * c[j] + sigmoid(gate(0, j)) * Math.tanh(gate(2, j)))
  const expected = cell.map((v, j) => sigmoid(gate(3, j)) * Math.tanh(v))
  const model = await LSTMStep.open({ batch: 1 })
  const stored = Object.fromEntries(Object.entries(names).map(([path, { from, ...how }]) => [path, dlm.storedAs(from, how)]))
  await model.load(new Uint8Array(file), { names: stored })
  const { next_h } = await model.run({ x, h, c })
  const faults = []
  for (const wrong of [{ of: 3 }, { transpose: true }, {}])
    await model.load(new Uint8Array(file), { names: { ...stored, wx: dlm.storedAs('cell.weight_ih', { ...wrong, parts: wrong.of ? [0] : undefined }) } }).catch((error) => faults.push(error.message), () => faults.push(''))
  const after = (await model.run({ x, h, c })).next_h
  process.stdout.write(JSON.stringify({ expected, given: [...next_h], after: [...after], faults }) + '\\n', () => process.exit(0))
`

it('computes what the other program computes', () => {
  const { expected, given, after, faults } = app.run<{
    expected: number[]
    given: number[]
    after: number[]
    faults: string[]
  }>(script)
  for (const [i, value] of expected.entries()) expect(given[i]).toBeCloseTo(value, 5)
  // Of the wrong maps only the transpose alone fits the shape, and then it is another matrix.
  expect(faults[0]).toContain('cell.weight_ih')
  expect(faults.filter((fault) => fault !== '')).toHaveLength(2)
  expect(after).not.toEqual(given)

  const run = (...more: string[]) =>
    app.dlmc(
      'run',
      'step.dlm',
      '--weights',
      'torch.safetensors',
      '--input',
      'input.safetensors',
      '--output',
      'out.safetensors',
      '--device',
      'reference',
      '--quiet',
      ...more,
    )
  expect(() => run()).toThrow(/no tensor/)
  run('--names', 'names.json')
  const values = app.run<number[]>(`
    import fs from 'node:fs'
    import * as dlm from 'dlm/runtime'
    const { tensors } = dlm.parseSafetensors('o', new Uint8Array(fs.readFileSync('out.safetensors')))
    console.log(JSON.stringify([...dlm.decodeTensor('F32', tensors.get('next_h').bytes)]))`)
  for (const [i, value] of expected.entries()) expect(values[i]).toBeCloseTo(value, 6)
  app.write('wrong.json', '{"wx": {"from": "cell.weight_ih", "parts": [4], "of": 4}}')
  expect(() => run('--names', 'wrong.json')).toThrow(/numbers from 0 to 3/)
})
