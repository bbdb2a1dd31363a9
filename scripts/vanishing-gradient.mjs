// ‖∂L/∂h_t‖ against t for the three cells of models/lessons/vanishing-gradient.dlm → vanishing-gradient.svg beside it.
//   npm run build && node scripts/vanishing-gradient.mjs [OUT.svg] [-- options of `dlmc run`, such as --device reference]
// One run of the model with its gradients, weights as they begin; the gradients at the nudges are those at the states.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const model = join(root, 'models/lessons/vanishing-gradient.dlm')
const split = process.argv.indexOf('--')
const own = process.argv.slice(2, split < 0 ? undefined : split)
const further = split < 0 ? [] : process.argv.slice(split + 1)
const out = own[0] ?? join(root, 'models/lessons/vanishing-gradient.svg')
const [batch, length, width, hidden] = [32, 64, 8, 64]
const cells = [
  { name: 'rnn', label: 'RNN', colour: '#b91c1c', dx: 14, dy: 14 },
  { name: 'gru', label: 'GRU', colour: '#0f766e', dx: 0, dy: -9 },
  { name: 'lstm', label: 'LSTM', colour: '#1d4ed8', dx: 0, dy: 21 },
]

/** The step at which the lines are named. */
const labelled = 27

const folder = mkdtempSync(join(tmpdir(), 'vanishing-'))
try {
  const norms = measure(folder)
  writeFileSync(out, picture(norms))
  for (const { name, label } of cells)
    console.log(
      `${label}: ${norms.get(name)[0].toExponential(1)} at t = 1, ${norms.get(name).at(-1).toExponential(1)} at t = ${length}`,
    )
  console.log(out)
} finally {
  rmSync(folder, { recursive: true })
}

/** For each cell, the norm at each step of the gradient of one sequence's loss, its mean over the batch. */
function measure(folder) {
  const path = (name) => join(folder, `${name}.safetensors`)
  dlmc('init', model, '--output', path('weights'), '--seed', '1', '--quiet')
  const x = Float32Array.from({ length: batch * length * width }, randomly(7))
  const first = Float32Array.from(
    { length: batch * width },
    (_, i) => x[Math.floor(i / width) * length * width + (i % width)],
  )
  const nudges = cells.map(({ name }) => [
    `nudge_${name}`,
    { shape: [batch, length, hidden], data: new Float32Array(batch * length * hidden) },
  ])
  const tensors = new Map([
    ['x', { shape: [batch, length, width], data: x }],
    ['first', { shape: [batch, width], data: first }],
    ...nudges,
  ])
  writeFileSync(path('inputs'), safetensors(tensors))
  dlmc(
    'run',
    model,
    '--weights',
    path('weights'),
    '--input',
    path('inputs'),
    '--output',
    path('results'),
    '--gradients',
    '--quiet',
    ...further,
  )
  const results = readTensors(readFileSync(path('results')))
  return new Map(
    cells.map(({ name }) => {
      const gradient = results.get(`grad.nudge_${name}`)
      const at = (t) => {
        let sum = 0
        for (let n = 0; n < batch; n++) {
          const start = (n * length + t) * hidden
          // The loss is a mean over the batch, and each sequence is asked for its own.
          sum += Math.hypot(...gradient.subarray(start, start + hidden).map((g) => g * batch))
        }
        return sum / batch
      }
      return [name, Array.from({ length }, (_, t) => at(t))]
    }),
  )
}

function dlmc(...args) {
  const { status } = spawnSync(process.execPath, [process.env.DLMC ?? join(root, 'dist/cli/main.js'), ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (status !== 0) process.exit(status ?? 1)
}

function randomly(seed) {
  let state = seed
  const uniform = () => {
    state = (state * 48271) % 2147483647
    return state / 2147483647
  }
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
}

function safetensors(tensors) {
  const header = {}
  let at = 0
  for (const [name, { shape, data }] of tensors) {
    header[name] = { dtype: 'F32', shape, data_offsets: [at, at + data.byteLength] }
    at += data.byteLength
  }
  const text = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  return Buffer.concat([length, text, ...[...tensors.values()].map(({ data }) => Buffer.from(data.buffer))])
}

function readTensors(bytes) {
  const length = Number(bytes.readBigUInt64LE(0))
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString())
  return new Map(
    Object.entries(header)
      .filter(([name]) => name !== '__metadata__')
      .map(
        ([
          name,
          {
            data_offsets: [from, to],
          },
        ]) => [name, new Float32Array(Uint8Array.from(bytes.subarray(8 + length + from, 8 + length + to)).buffer)],
      ),
  )
}

/** A panel with a logarithmic axis: straight down is exponential decay. */
function picture(norms) {
  const [w, h] = [760, 440]
  const box = { left: 78, right: w - 84, top: 62, bottom: h - 58 }
  const all = [...norms.values()].flat().filter((v) => v > 0)
  const low = Math.floor(Math.log10(Math.min(...all)))
  const high = Math.ceil(Math.log10(Math.max(...all)) + 0.6)
  const x = (t) => box.left + ((box.right - box.left) * (t - 1)) / (length - 1)
  const y = (v) => box.bottom - ((box.bottom - box.top) * (Math.log10(v) - low)) / (high - low)
  const parts = []
  const every = Math.max(1, Math.ceil((high - low) / 8))
  for (let power = high; power >= low; power -= every) {
    const at = y(10 ** power).toFixed(1)
    parts.push(`<line x1="${box.left}" y1="${at}" x2="${box.right}" y2="${at}" stroke="#e5e7eb"/>`)
    parts.push(
      `<text x="${box.left - 10}" y="${(Number(at) + 4).toFixed(1)}" text-anchor="end" fill="#6b7280">10<tspan dy="-5" font-size="9">${String(power).replace('-', '−')}</tspan></text>`,
    )
  }
  for (const t of [1, 16, 32, 48, 64])
    parts.push(`<text x="${x(t).toFixed(1)}" y="${box.bottom + 20}" text-anchor="middle" fill="#6b7280">${t}</text>`)
  parts.push(`<line x1="${box.left}" y1="${box.bottom}" x2="${box.right}" y2="${box.bottom}" stroke="#9ca3af"/>`)
  for (const { name, label, colour, dx, dy } of cells) {
    const points = norms.get(name).map((v, i) => [x(i + 1), y(v)])
    parts.push(
      `<path d="${points.map(([a, b], i) => `${i === 0 ? 'M' : 'L'}${a.toFixed(1)},${b.toFixed(1)}`).join('')}" fill="none" stroke="${colour}" stroke-width="2.5" stroke-linejoin="round"/>`,
    )
    const [labelX, labelY] = points[labelled]
    parts.push(
      `<text x="${(labelX + dx).toFixed(1)}" y="${(labelY + dy).toFixed(1)}" fill="${colour}" font-size="14" font-weight="600">${label}</text>`,
    )
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" font-family="system-ui, sans-serif" font-size="12">
<rect width="${w}" height="${h}" fill="#ffffff"/>
<text x="${box.left}" y="26" font-size="16" font-weight="600" fill="#1f2937">What the last loss says to step t</text>
<text x="${box.left}" y="46" fill="#6b7280">‖∂L/∂h(t)‖, loss after step ${length}: a plain RNN forgets exponentially, open gates do not</text>
${parts.join('\n')}
<text x="${box.right}" y="${box.bottom + 40}" text-anchor="end" fill="#6b7280">step t</text>
</svg>
`
}
