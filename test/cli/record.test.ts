/**
 * What `--record` keeps of a run: the norms of single parameters' gradients, held to the norm of all that clipping computes, and
 * those of the carries, held to what `dlmc run` gives of the same weights and batch.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import {
  decodeTensor,
  joinChunks,
  parseSafetensors,
  safetensorsChunks,
  type Tensor,
  tensorOf,
} from '../../runtime/safetensors.ts'
import { root } from '../grammar/samples.ts'

const command = process.env.DLMC ?? join(root, 'dist/cli/main.js')
const folder = mkdtempSync(join(tmpdir(), 'dlm-record-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const source = `model Reader {
  input  text: int[batch, T]
  target next: int[batch, T]
  layer cell = GRU(6)
  output logits = cell(text |> Embedding(9, 5)).all |> Linear(9)
  loss cross_entropy(logits, next)
}
data Letters {
  train {
    text = text("letters.txt") |> tokenize(chars(9)) |> window(8)
    next = text("letters.txt") |> tokenize(chars(9)) |> window(8, ahead: 1)
  }
}
train { model: Reader; data: Letters; optimizer: adam(lr: 0.01); clip_norm: 0.1; batch: 4; steps: 7; seed: 1 }
`
/** The same over lines of two padded lengths. */
const lines = `data Letters {
  train {
    text = jsonl("lines.jsonl", "text") |> tokenize(chars(9)) |> truncate(5) |> begin |> pad([3, 6])
    next = jsonl("lines.jsonl", "text") |> tokenize(chars(9)) |> truncate(5) |> end |> pad([3, 6])
  }
}
train`

const dlmc = (...words: string[]) =>
  spawnSync(process.execPath, [command, ...words], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  })
interface Step {
  readonly kind: string
  readonly step: number
  readonly values: Record<string, number>
  readonly carries?: Record<string, number[]>
}
const stepsOf = (run: string): Step[] =>
  readFileSync(join(folder, 'runs', run, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Step)
    .filter(({ kind }) => kind === 'step')

it('records a norm for each parameter and step, and tells them at the end', () => {
  writeFileSync(join(folder, 'reader.dlm'), source)
  writeFileSync(join(folder, 'letters.txt'), 'abcd.'.repeat(40))
  const { status, stderr, stdout } = dlmc('train', 'reader.dlm', '--device', 'wasm', '--record', 'gradients')
  expect(status, stderr).toBe(0)
  const steps = stepsOf('reader-1')
  expect(steps.length).toBe(7)
  for (const { values, carries } of steps) {
    const norms = Object.entries(values).filter(([name]) => name.startsWith('gradient_norm.'))
    // The embedding, two weights and two biases of the cell, weight and bias of the head.
    expect(norms.length).toBe(7)
    const all = Math.hypot(...norms.map(([, norm]) => norm))
    expect(Math.abs(all / values['gradient_norm']! - 1)).toBeLessThan(1e-5)
    expect(carries).toBeUndefined()
  }
  expect(stdout + stderr).toMatch(/cell\.weight_hh +\d\.\d\de/)
  expect(readFileSync(join(folder, 'runs/reader-1/curves.svg'), 'utf8')).not.toContain('weight_hh')
  expect(existsSync(join(folder, 'runs/reader-1/carries.svg'))).toBe(false)
  expect(dlmc('train', 'reader.dlm', '--device', 'wasm', '--record', 'activations').status).toBe(2)
  const flat = dlmc('train', join(root, 'models/mnist/softmax.dlm'), '--record', 'carries')
  expect([flat.status, flat.stderr]).toEqual([2, expect.stringContaining('Softmax has no recurrence')])
})

it('records the norms of carries step by step, with sequences of several lengths, and goes on with them', () => {
  const block = source
    .replace(/data Letters \{[\s\S]*\n\}\ntrain/, lines)
    .replace('seed: 1', 'seed: 1; record: gradients, carries')
  writeFileSync(join(folder, 'lines.dlm'), block)
  const words = ['ab', 'abcab', 'cab', 'bacca', 'a', 'caba', 'abba', 'bb']
  const rows = Array.from({ length: 40 }, (_, i) => JSON.stringify({ text: words[i % words.length] }))
  writeFileSync(join(folder, 'lines.jsonl'), `${rows.join('\n')}\n`)
  const first = dlmc('train', 'lines.dlm', '--device', 'wasm', '--set', 'steps=5', '--out', 'runs')
  expect(first.status, first.stderr).toBe(0)
  expect(first.stdout + first.stderr).toMatch(/cell\.h +\d\.\d\de/)
  const steps = stepsOf('reader-2')
  expect(steps.length).toBe(5)
  for (const { carries, values } of steps) {
    expect(Object.keys(carries!)).toEqual(['cell.h'])
    expect([3, 6]).toContain(carries!['cell.h']!.length)
    expect(carries!['cell.h']!.every((norm) => norm > 0 && Number.isFinite(norm))).toBe(true)
    expect(values['gradient_norm.cell.weight_hh']).toBeGreaterThan(0)
  }
  expect(new Set(steps.map(({ carries }) => carries!['cell.h']!.length)).size).toBe(2)
  const picture = readFileSync(join(folder, 'runs/reader-2/carries.svg'), 'utf8')
  expect(picture).toContain('cell.h')
  expect(readFileSync(join(folder, 'runs/reader-2/curves.svg'), 'utf8')).not.toContain('cell.h')
  const further = dlmc('train', 'lines.dlm', '--device', 'wasm', '--set', 'steps=7', '--resume', 'runs/reader-2')
  expect(further.status, further.stderr).toBe(0)
  expect(stepsOf('reader-2').map(({ step, carries }) => [step, carries !== undefined])).toEqual(
    Array.from({ length: 7 }, (_, i) => [i + 1, true]),
  )
})

it('gives the norms of one run, and their picture', () => {
  const { status, stderr } = dlmc('init', 'lines.dlm', '-o', 'w.safetensors', '--seed', '3')
  expect(status, stderr).toBe(0)
  const tokens = (shift: number) => Int32Array.from({ length: 10 }, (_, i) => 3 + ((i * 5 + shift) % 4))
  const input = new Map<string, Tensor>([
    ['text', tensorOf(tokens(0), [2, 5])],
    ['next', tensorOf(tokens(1), [2, 5])],
  ])
  writeFileSync(join(folder, 'in.safetensors'), joinChunks(safetensorsChunks(input)))
  const run = (...more: string[]) =>
    dlmc(
      ...'run lines.dlm --weights w.safetensors --input in.safetensors --output out.safetensors --device wasm'.split(
        ' ',
      ),
      ...more,
    )
  const good = run('--gradients', '--record', 'gradients,carries', '--plot', 'norms.svg')
  expect(good.status, good.stderr).toBe(0)
  const { tensors } = parseSafetensors('out', readFileSync(join(folder, 'out.safetensors')))
  const numbers = (name: string) => decodeTensor('F32', tensors.get(name)!.bytes) as Float32Array
  expect(numbers('carry_gradient_norm.cell.h').length).toBe(5)
  const norm = Math.hypot(...numbers('grad.cell.weight_hh'))
  expect(Math.abs(numbers('gradient_norm.cell.weight_hh')[0]! / norm - 1)).toBeLessThan(1e-5)
  expect(readFileSync(join(folder, 'norms.svg'), 'utf8')).toMatch(/^<svg [\s\S]*cell\.h[\s\S]*<\/svg>\n$/)
  expect(run('--record', 'carries').status).toBe(2)
  expect(run('--gradients', '--plot', 'norms.svg').status).toBe(2)
})
