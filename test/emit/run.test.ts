/** A generated module in Node: training steps, weights in and out, and what it says to wrong use. */
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type App, makeApp, root } from './app.ts'

let app: App
beforeAll(() => {
  app = makeApp()
  for (const name of ['convnet', 'softmax']) {
    cpSync(join(root, `models/mnist/${name}.dlm`), join(app.folder, `${name}.dlm`))
    app.dlmc(
      'compile',
      `${name}.dlm`,
      '-o',
      'generated',
      '--emit',
      'js',
      '--adapters',
      'gpu,software,software4,software8',
      '--quiet',
    )
    app.dlmc('init', `${name}.dlm`, '-o', `${name}.safetensors`, '--quiet')
  }
})
afterAll(() => app.remove())

const prelude = `
  import 'dlm/node'
  import * as node from 'dlm/node'
  import * as dlm from 'dlm/runtime'
  import { Convnet } from './generated/convnet.js'
  import { Softmax } from './generated/softmax.js'
  import fs from 'node:fs'
  const noise = (count, from = 0) => Float32Array.from({ length: count }, (_, i) => ((i * 7919 + from * 104729) % 997) / 997)
  const batch = (n, from) => ({ image: noise(n * 784, from), label: Int32Array.from({ length: n }, (_, i) => (i + from) % 10) })
  const bits = (values) => Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('hex')
  const print = (value) => process.stdout.write(JSON.stringify(value) + '\\n', () => process.exit(0))
  const caught = async (action) => { try { await action() } catch (error) { return { name: error.constructor.name, code: error.code, message: error.message } } }
`

describe('inference', () => {
  it('runs ten thousand times in the same memory, calls at the same time too', () => {
    const { own, rss, values } = app.run<{ own: number; rss: number; values: number }>(`${prelude}
      const model = await Softmax.open({ batch: 1 })
      model.initialize(1)
      const image = noise(784)
      const some = async (count) => { for (let i = 0; i < count; i += 10) await Promise.all(Array.from({ length: 10 }, () => model.run({ image }))) }
      await some(2000)
      const memory = () => { global.gc(); const { heapUsed, external, rss } = process.memoryUsage(); return { own: heapUsed + external, rss } }
      const before = memory()
      await some(8000)
      const after = memory()
      const [a, b] = [await model.run({ image }), await model.run({ image })]
      print({ own: after.own - before.own, rss: after.rss - before.rss, values: a.logits.filter((v, i) => v === b.logits[i]).length })`)
    expect(values).toBe(10)
    expect(own).toBeLessThan(2 ** 20)
    expect(rss).toBeLessThan(48 * 2 ** 20)
  })
})

describe('training', () => {
  it('takes the steps that `dlmc train` takes, evaluates, and goes on from what it saved', () => {
    const result = app.run<{
      losses: number[]
      fitted: number[]
      direct: number[]
      resumed: string
      whole: string
      evaluated: number
      steps: number
    }>(`${prelude}
      const trainer = await Convnet.train({ batch: 4, seed: 7 })
      const batches = [0, 1, 2, 3, 4, 5].map((i) => batch(4, i))
      const losses = []
      for (const one of batches.slice(0, 3)) losses.push((await trainer.step(one)).loss)
      const saved = await trainer.save('half.safetensors')
      const fitted = []
      for await (const step of trainer.fit(batches.slice(3))) fitted.push(step.loss)
      const whole = bits(await trainer.read('conv2d_1.weight'))
      const evaluated = (await trainer.evaluate(batches[0])).loss
      const other = await Convnet.train({ batch: 4, seed: 7 })
      await other.load('half.safetensors')
      const steps = other.steps
      for await (const _ of other.fit(batches.slice(3))) ;
      const resumed = bits(await other.read('conv2d_1.weight'))
      const direct = []
      const third = await Convnet.train({ batch: 4, seed: 7 })
      for await (const step of third.fit(batches)) direct.push(step.loss)
      for (const one of [trainer, other, third]) one.dispose()
      print({ losses, fitted, direct, resumed, whole, evaluated, steps })`)
    expect(result.direct).toEqual([...result.losses, ...result.fitted])
    expect(result.resumed).toBe(result.whole)
    expect(result.steps).toBe(3)
    expect(result.evaluated).toBeLessThan(result.losses[0]!)
  })

  it('runs its generated loop: a learnable task is learned, and it ends on request', () => {
    const { accuracy, checkpoints, steps, stopped } = app.run<{
      accuracy: number
      checkpoints: number
      steps: number
      stopped: number
    }>(`${prelude}
      import { settings, trainSoftmax } from './generated/softmax.train.js'
      Object.assign(settings, { batch: 16, epochs: 6 })
      const examples = (count, from) => {
        const data = { image: new Float32Array(count * 784), label: new Int32Array(count) }
        for (let i = 0; i < count; i++) {
          data.label[i] = (i + from) % 10
          for (let k = 0; k < 78; k++) data.image[i * 784 + data.label[i] * 78 + k] = ((i * 31 + k) % 7) / 6
        }
        return data
      }
      let checkpoints = 0
      const trainer = await trainSoftmax({ train: examples(320, 0), validation: examples(64, 3) }, { onCheckpoint: () => { checkpoints += 1 } })
      const { accuracy } = await trainer.validate(trainer.batches(examples(64, 5)))
      const stop = new AbortController()
      const second = await trainSoftmax({ train: examples(320, 0) }, { signal: stop.signal, onStep: ({ step }) => { if (step === 5) stop.abort() } })
      print({ accuracy, checkpoints, steps: trainer.steps, stopped: second.steps })`)
    expect(accuracy).toBe(1)
    expect(checkpoints).toBe(6)
    expect(steps).toBe(120)
    expect(stopped).toBeLessThan(60)
  })
})

describe('weights', () => {
  it('come from bytes, a Blob, a URL that streams, and with other names', () => {
    const all = app.run<string[]>(`${prelude}
      import http from 'node:http'
      const bytes = fs.readFileSync('softmax.safetensors')
      const server = http.createServer((request, response) => { response.setHeader('content-length', bytes.length); response.end(bytes) }).listen(0)
      await new Promise((resolve) => server.once('listening', resolve))
      const model = await Softmax.open()
      const found = []
      const load = async (source, options) => { model.initialize(99); await model.load(source, options); found.push(bits(await model.read('linear_1.weight'))) }
      await load('softmax.safetensors')
      await load(new URL('./softmax.safetensors', import.meta.url))
      await load(new Uint8Array(bytes))
      await load(new Blob([bytes]))
      await load('http://localhost:' + server.address().port + '/w.safetensors')
      const { tensors } = dlm.parseSafetensors('w', new Uint8Array(bytes))
      const torch = Buffer.concat(dlm.safetensorsChunks(new Map([['fc.weight', tensors.get('linear_1.weight')], ['fc.bias', tensors.get('linear_1.bias')], ['more', dlm.tensorOf(new Float32Array(3), [3])]])))
      await load(new Uint8Array(torch), { names: { 'linear_1.weight': 'fc.weight', 'linear_1.bias': 'fc.bias' } })
      print(found)`)
    expect(all.length).toBe(6)
    expect(new Set(all).size).toBe(1)
  })

  it('are checked before anything is replaced, and say where they come from', () => {
    const { errors, same, metadata } = app.run<{
      errors: { name: string; message: string }[]
      same: boolean
      metadata: Record<string, string>
    }>(`${prelude}
      const model = await Softmax.open()
      model.initialize(3)
      const before = bits(await model.read('linear_1.bias'))
      const bias = dlm.tensorOf(new Float32Array(10), [10])
      const file = (entries) => new Uint8Array(Buffer.concat(dlm.safetensorsChunks(new Map(entries))))
      const errors = []
      for (const bad of [
        file([['linear_1.bias', bias]]),
        file([['linear_1.bias', bias], ['linear_1.weight', dlm.tensorOf(new Float32Array(7840), [784, 10])]]),
        file([['linear_1.bias', bias], ['linear_1.weight', dlm.tensorOf(new Int32Array(7840), [10, 784])]]),
        new Uint8Array(20),
        'nowhere.safetensors',
        'http://localhost:1/x',
      ]) errors.push(await caught(() => model.load(bad)))
      errors.push(await caught(() => model.load(file([]), { names: { wrong: 'x' } })))
      const saved = await model.save()
      print({ errors, same: before === bits(await model.read('linear_1.bias')), metadata: Object.fromEntries(await model.load(saved)) })`)
    expect(errors.map((e) => e.name)).toEqual([...Array(6).fill('CheckpointError'), 'NameError'])
    expect(errors[1]!.message).toContain('[784, 10]')
    expect(errors[2]!.message).toContain('I32')
    expect(same).toBe(true)
    const text = readFileSync(join(app.folder, 'softmax.dlm'), 'utf8')
    expect(metadata).toMatchObject({ model: 'Softmax', source: 'softmax.dlm', source_text: text })
    expect(metadata['compiler']).toMatch(/^dlm \d+\.\d+\.\d+$/)
    expect(metadata['source_hash']).toMatch(/^[0-9a-f]{16}$/)
  })
})

describe('wrong use', () => {
  it('is told with what was expected and what was given', () => {
    const errors = app.run<{ name: string; code: string; message: string }[]>(`${prelude}
      const model = await Softmax.open({ batch: 2 })
      const errors = [await caught(() => model.run({ image: noise(2 * 784) }))]
      model.initialize()
      errors.push(await caught(() => model.run({ image: noise(784) })))
      errors.push(await caught(() => model.run({ image: new Float64Array(2 * 784) })))
      errors.push(await caught(() => model.run({})))
      errors.push(await caught(() => model.run({ image: noise(2 * 784), images: noise(1) })))
      errors.push(await caught(() => Softmax.open({ batch: 1.5 })))
      model.dispose()
      errors.push(await caught(() => model.run({ image: noise(2 * 784) })))
      const device = await node.openDefaultDevice()
      const lost = await Softmax.open({ device })
      lost.initialize()
      device.device.destroy()
      await lost.lost
      errors.push(await caught(() => lost.run({ image: noise(784) })))
      print(errors)`)
    expect(errors.map((e) => e.name)).toEqual([
      'CheckpointError',
      'ShapeError',
      'ShapeError',
      'ShapeError',
      'NameError',
      'DimError',
      'DisposedError',
      'DeviceLostError',
    ])
    expect(errors[1]!.message).toContain('1568')
    expect(errors[1]!.message).toContain('784')
    for (const { code } of errors) expect(code).toMatch(/^DLM\d{4}$/)
  })
})
