/** The page: one model that classifies what is drawn, one trainer that teaches it. Both come from the generated module. */

import { drawCurve } from './curve.js'
import { Convnet } from './generated/convnet.js'
import { makePad } from './pad.js'

const find = (id) => document.getElementById(id)
const [status, answer, bars, progress, curve] = ['status', 'answer', 'bars', 'progress', 'curve'].map(find)
const batch = 50
const epochs = Number(new URLSearchParams(location.search).get('epochs') ?? 2)

const rows = Array.from({ length: 10 }, (_, digit) => {
  const row = document.createElement('li')
  const [name, bar, percent] = ['span', 'span', 'span'].map((tag) => document.createElement(tag))
  name.textContent = String(digit)
  bar.className = 'bar'
  percent.className = 'percent'
  row.append(name, bar, percent)
  bars.append(row)
  return { bar, percent }
})

function showDigits(probabilities) {
  const best = probabilities?.reduce((a, p, i) => (p > probabilities[a] ? i : a), 0)
  answer.textContent = best === undefined ? '–' : String(best)
  rows.forEach(({ bar, percent }, i) => {
    const p = probabilities?.[i] ?? 0
    bar.style.setProperty('--p', String(p))
    percent.textContent = probabilities ? `${(100 * p).toFixed(0)} %` : ''
  })
}

function softmax(logits) {
  const most = Math.max(...logits)
  const powers = [...logits].map((v) => Math.exp(v - most))
  const sum = powers.reduce((a, b) => a + b, 0)
  return powers.map((p) => p / sum)
}

/** What the page runs on, for visitors: the runtime takes the best device that there is. */
const told = {
  gpu: (name) => `Running on ${name}.`,
  software: (name) => `Running on ${name}, a GPU in software: training is slow here.`,
  wasm: () => 'Running on the processor: this browser offers no GPU, and training takes a little longer.',
}

function fail(error) {
  // DLM0705: there is no device. The runtime's words are for developers, these for visitors.
  status.textContent =
    error.code === 'DLM0705'
      ? 'This page computes on your GPU through WebGPU, and this browser does not offer it here. Try a current Chrome or Edge, or switch hardware acceleration on.'
      : (error.problem ?? String(error.message ?? error))
  status.classList.add('failed')
  for (const id of ['train', 'file', 'save']) find(id).disabled = true
  if (!model) document.querySelector('.training').hidden = true
}

let model
let knows = false
let asked = false
let busy = false
// While one picture is on the device only the newest of those that came since is kept.
async function classify() {
  if (!model || !knows) return
  if (busy) {
    asked = true
    return
  }
  busy = true
  do {
    asked = false
    const image = pad.digit()
    showDigits(image && softmax((await model.run({ image })).logits))
  } while (asked)
  busy = false
}

const pad = makePad(find('pad'), () => classify().catch(fail))
find('clear').addEventListener('click', () => pad.clear())
drawCurve(curve, [], 0)

async function examples(part) {
  const bytes = async (name) => {
    const response = await fetch(`./${part}-${name}.bin`)
    if (!response.ok)
      throw new Error(`${part}-${name}.bin is missing (${response.status}): run \`npm run data\` in examples/digits`)
    return new Uint8Array(await response.arrayBuffer())
  }
  const [images, labels] = await Promise.all([bytes('images'), bytes('labels')])
  return { image: Float32Array.from(images, (v) => v / 255), label: Int32Array.from(labels) }
}

async function train() {
  find('train').disabled = true
  find('file').disabled = true
  progress.textContent = 'Loading digits and compiling the training step …'
  const [data, test] = await Promise.all([examples('train'), examples('test')])
  const trainer = await Convnet.train({ batch, seed: 42 })
  try {
    const batches = trainer.batches(data, { shuffle: true })
    const total = batches.length * epochs
    const losses = []
    let frame = 0
    for await (const step of trainer.fit(batches, { epochs })) {
      losses.push(step.loss)
      // The picture follows the screen, not the steps.
      if (performance.now() - frame < 50 && step.step < total) continue
      frame = performance.now()
      progress.textContent = `Step ${step.step} of ${total}: loss ${step.loss.toFixed(3)}`
      drawCurve(curve, losses, total)
      await new Promise(requestAnimationFrame)
    }
    const { accuracy } = await trainer.validate(trainer.batches(test))
    await model.load(await trainer.save())
    ready(
      `Trained for ${total} steps: ${(100 * accuracy).toFixed(1)} % of ${test.label.length.toLocaleString('en')} test digits are right.`,
    )
  } finally {
    trainer.dispose()
    find('train').disabled = false
    find('file').disabled = false
  }
}

function ready(text) {
  knows = true
  progress.textContent = text
  find('save').disabled = false
  return classify()
}

find('train').addEventListener('click', () => train().catch(fail))
find('file').addEventListener('change', async ({ target }) => {
  const [file] = target.files
  if (!file) return
  try {
    await model.load(file)
    await ready(`Weights of ${file.name}.`)
  } catch (error) {
    progress.textContent = error.problem ?? String(error)
  }
  target.value = ''
})
find('save').addEventListener('click', async () => {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([await model.save()]))
  link.download = 'convnet.safetensors'
  link.click()
  URL.revokeObjectURL(link.href)
})

try {
  model = await Convnet.open({ batch: 1 })
  const { kind, name } = model.device
  status.textContent = (told[kind] ?? told.gpu)(name)
  find('train').disabled = false
  find('file').disabled = false
  model.lost.then((reason) => fail(new Error(`The GPU was lost (${reason}). Reload the page.`)))
} catch (error) {
  fail(error)
}
