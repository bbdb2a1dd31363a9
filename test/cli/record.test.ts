/** `dlmc train --record gradients`: the norms of single parameters, held to the norm of all that clipping computes. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
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

it('records a norm for each parameter and step, and tells them at the end', () => {
  writeFileSync(join(folder, 'reader.dlm'), source)
  writeFileSync(join(folder, 'letters.txt'), 'abcd.'.repeat(40))
  const dlmc = (...more: string[]) =>
    spawnSync(process.execPath, [command, 'train', 'reader.dlm', '--device', 'wasm', ...more], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1' },
    })
  const { status, stderr, stdout } = dlmc('--record', 'gradients')
  expect(status, stderr).toBe(0)
  const steps = readFileSync(join(folder, 'runs/reader-1/metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { kind: string; values: Record<string, number> })
    .filter(({ kind }) => kind === 'step')
  expect(steps.length).toBe(7)
  for (const { values } of steps) {
    const norms = Object.entries(values).filter(([name]) => name.startsWith('gradient_norm.'))
    // The embedding, two weights and two biases of the cell, weight and bias of the head.
    expect(norms.length).toBe(7)
    const all = Math.hypot(...norms.map(([, norm]) => norm))
    expect(Math.abs(all / values['gradient_norm']! - 1)).toBeLessThan(1e-5)
  }
  expect(stdout + stderr).toMatch(/cell\.weight_hh +\d\.\d\de/)
  expect(readFileSync(join(folder, 'runs/reader-1/curves.svg'), 'utf8')).not.toContain('weight_hh')
  expect(dlmc('--record', 'activations').status).toBe(2)
})
