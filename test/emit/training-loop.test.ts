/** The generated training loop against `dlmc train`: the same bits at the end, the same validations, going on after an interruption. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chosenDriver } from '../device/adapter.ts'
import { type App, makeApp } from './app.ts'

const source = `model Small(rate: float = 0.2) {
  input x: float[batch, 3]
  target label: int[batch]
  let hidden = x |> Linear(8) |> tanh |> dropout(rate)
  output logits = hidden |> Linear(2)
  loss cross_entropy(logits, label)
  metric accuracy = accuracy(logits, label)
}
data Points {
  train {
    x = csv("train.csv", columns: ["a", "b", "c"])
    label = csv("train.csv", columns: ["label"])
  }
  validation {
    x = csv("validation.csv", columns: ["a", "b", "c"])
    label = csv("validation.csv", columns: ["label"])
  }
}
data Unjudged {
  train {
    x = csv("train.csv", columns: ["a", "b", "c"])
    label = csv("train.csv", columns: ["label"])
  }
}
train Averaged {
  model: Small
  data: Points
  optimizer: adam(lr: cosine(5e-2, steps: 60, warmup: 5))
  clip_norm: 0.5
  batch: 8
  steps: 45
  validate: every(7)
  checkpoint: every(5)
  average_last: 4
  seed: 3
}
train Patient {
  model: Small
  data: Points
  optimizer: sgd(lr: 0.3)
  batch: 8
  epochs: 30
  patience: 2
  monitor: max("accuracy")
  seed: 4
}
train Plain {
  model: Small
  data: Unjudged
  optimizer: adamw(lr: 1e-2)
  batch: 8
  epochs: 3
  average_last: 2
  seed: 5
}
`

let app: App
const number = (i: number, k: number) => ((((i * 7919 + k * 104729) % 997) / 997) * 2 - 1).toFixed(4)
const rows = (count: number, from: number) =>
  Array.from({ length: count }, (_, n) => {
    const x = [0, 1, 2].map((k) => number(n + from, k))
    return [...x, Number(x[0]) + Number(x[1]) * Number(x[2]) > 0 ? 1 : 0]
  })

beforeAll(() => {
  app = makeApp()
  app.write('small.dlm', source)
  for (const [name, data] of [
    ['train', rows(83, 0)],
    ['validation', rows(21, 500)],
  ] as const)
    app.write(`${name}.csv`, `a,b,c,label\n${data.map((row) => row.join(',')).join('\n')}\n`)
  // The plan that is made for the very adapter.
  const adapters = { lavapipe: 'software8', swiftshader: 'software4', gpu: 'gpu' }[chosenDriver().name]
  app.dlmc('compile', 'small.dlm', '-o', 'generated', '--emit', 'js', '--adapters', adapters, '--quiet')
})
afterAll(() => app.remove())

const prelude = `
  import 'dlm/node'
  import fs from 'node:fs'
  import * as dlm from 'dlm/runtime'
  import { trainSmall } from './generated/small.train.js'
  import { trainSmallPatient } from './generated/small_patient.train.js'
  import { trainSmallPlain } from './generated/small_plain.train.js'
  const part = (name) => {
    const lines = fs.readFileSync(name + '.csv', 'utf8').trim().split('\\n').slice(1).map((line) => line.split(',').map(Number))
    return { x: Float32Array.from(lines.flatMap((row) => row.slice(0, 3))), label: Int32Array.from(lines, (row) => row[3]) }
  }
  const data = { train: part('train'), validation: part('validation') }
  const hex = (bytes) => {
    const { tensors } = dlm.parseSafetensors('w', bytes)
    return Object.fromEntries([...tensors].filter(([name]) => !name.includes('/')).map(([name, t]) => [name, Buffer.from(t.bytes).toString('hex')]))
  }
  const told = []
  const onCheckpoint = ({ step, metrics, best }) => { told.push({ step, loss: metrics?.loss, best }) }
  const print = (value) => process.stdout.write(JSON.stringify(value) + '\\n', () => process.exit(0))
`
interface Ended {
  weights: Record<string, string>
  told: { step: number; loss?: number; best: boolean }[]
  steps: number
}
const ended = (run: string, device = ''): Ended =>
  app.run<Ended>(
    `${prelude}\nif ('${device}') process.env.DLM_DEVICE = '${device}'\nconst trainer = await ${run}\nprint({ weights: hex(await trainer.save()), told, steps: trainer.steps })`,
  )

interface Event {
  kind: string
  step: number
  values?: Record<string, number>
  best: boolean
  averaged?: boolean
}

/** The block as `dlmc train` runs it. */
function trained(block: string, device: string): Ended {
  const out = `runs-${block}-${device}`
  app.dlmc('train', 'small.dlm', block, '--device', device, '--quiet', '--out', out)
  const run = join(app.folder, out, readdirSync(join(app.folder, out))[0]!)
  const events = readFileSync(join(run, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Event)
  const weights = app.run<Record<string, string>>(
    `${prelude}\nprint(hex(new Uint8Array(fs.readFileSync(${JSON.stringify(join(run, 'model.safetensors'))}))))`,
  )
  // Where there is nothing to validate on, epochs are judged by their training.
  const validations = events.filter((e) => e.kind === 'validation' && !e.averaged)
  const judging = validations.length > 0 ? validations : events.filter((e) => e.kind === 'epoch')
  const judged = new Map(judging.map((e) => [e.step, e]))
  const told = events
    .filter((e) => e.kind === 'checkpoint')
    .map(({ step, best }) => {
      const loss = judged.get(step)?.values?.['loss']
      return { step, ...(loss === undefined ? {} : { loss }), best }
    })
  return { weights, told, steps: events.at(-1)!.step }
}

describe.each([chosenDriver().name, 'wasm'])('on %s', (device) => {
  it.each([
    ['Averaged', 'trainSmall(data, { onCheckpoint })'],
    ['Patient', 'trainSmallPatient(data, { onCheckpoint })'],
    ['Plain', 'trainSmallPlain({ train: data.train }, { onCheckpoint })'],
  ])('%s ends with the bits of `dlmc train`, and judges alike on the way', (block, run) => {
    const expected = trained(block, device)
    const given = ended(run, device)
    expect(Object.keys(given.weights).length).toBe(4)
    expect(given).toEqual(expected)
    expect(given.told.length).toBeGreaterThan(2)
  })
})

it('goes on after an interruption as if there had been none', () => {
  const whole = ended('trainSmall(data, { onCheckpoint })')
  const resumed = ended(`(async () => {
    const stop = new AbortController()
    const kept = []
    const options = { signal: stop.signal, onStep: ({ step }) => { if (step === 17) stop.abort() }, onCheckpoint: ({ bytes }) => { kept.unshift(bytes) } }
    const half = await trainSmall(data, options)
    if (half.steps >= 45) throw new Error('it was not interrupted')
    half.dispose()
    return trainSmall(data, { resume: kept })
  })()`)
  expect(resumed.weights).toEqual(whole.weights)
  expect(resumed.steps).toBe(whole.steps)
})
