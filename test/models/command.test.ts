/**
 * The same through the command line: `dlmc init --seed 7`, then `dlmc run --gradients`, on every model of models/, agree
 * with PyTorch on outputs, loss, metrics and every gradient.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { decodeTensor, parseSafetensors } from '../../runtime/safetensors.ts'
import { chosenDriver } from '../device/adapter.ts'
import { expectAgreement, gradientNames, readFixture } from '../std/fixtures.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const command = process.env['DLMC'] ?? join(root, 'dist/cli/main.js')
const folder = mkdtempSync(join(tmpdir(), 'dlm-models-'))
afterAll(() => rmSync(folder, { recursive: true }))

function dlmc(...args: string[]): void {
  const { status, stderr } = spawnSync(process.execPath, [command, ...args], {
    cwd: root,
    encoding: 'utf8',
    timeout: 240_000,
  })
  expect(status, stderr).toBe(0)
}

describe.each(['mnist-softmax', 'mnist-convnet', 'cifar-convnet', 'horse-convnet'])(
  'dlmc run --gradients on %s',
  (name) => {
    it.each([chosenDriver().name, 'wasm'])('agrees with PyTorch on %s', { timeout: 300_000 }, (device) => {
      const fixture = readFixture(`${name}.safetensors`)
      const [weights, output] = [join(folder, `${name}.weights`), join(folder, `${name}.out`)]
      const file = fixture.metadata.get('file')!
      dlmc('init', file, '--output', weights, '--seed', fixture.metadata.get('seed')!, '--quiet')
      const input = join(root, 'test/fixtures', `${name}.safetensors`)
      dlmc(
        'run',
        file,
        '--weights',
        weights,
        '--input',
        input,
        '--output',
        output,
        '--gradients',
        '--device',
        device,
        '--quiet',
      )
      const { tensors } = parseSafetensors(output, readFileSync(output))
      expect([...tensors.keys()].filter((key) => key.startsWith('grad.')).sort()).toEqual(gradientNames(fixture).sort())
      for (const [key, { dtype, bytes }] of tensors)
        expectAgreement(fixture, key, Float64Array.from(decodeTensor(dtype, bytes) as ArrayLike<number>, Number), 2e-5)
    })
  },
)
