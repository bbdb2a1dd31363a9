/** No function or layer of the standard library is without a case or a test of its own, and the embedded text is fresh. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { stdSources } from '../../compiler/std.generated.ts'
import { attentionCases, recurrentCases, stdCases } from './cases.ts'
import { readFixture } from './fixtures.ts'

/** Used by other functions of the library, and tested through them. */
const inner = new Set([
  'per_axis',
  'windows2d',
  'one_minus_power',
  'over_heads',
  'position_turns',
  'frequency_parts',
  'sinusoidal_waves',
])

it('every function and module is used by a case', () => {
  const declared = [...stdSources.values()].flatMap((text) =>
    [...text.matchAll(/^(?:fn|module) (\w+)/gm)].map((m) => m[1]!),
  )
  const optimizers = JSON.parse(readFixture('optimizers.safetensors').metadata.get('optimizers')!) as string[]
  const programs = [...[...stdCases, ...recurrentCases, ...attentionCases].map((c) => c.program), ...optimizers].join(
    '\n',
  )
  const unused = declared.filter((name) => !inner.has(name) && !new RegExp(`\\b${name}\\(`).test(programs))
  // conv1d is what Conv1d calls.
  expect(unused).toEqual(['conv1d'])
})

it('everything has a documentation comment', () => {
  for (const [path, text] of stdSources)
    for (const match of text.matchAll(/^(?:fn|module) (\w+)/gm))
      expect(text.slice(0, match.index).trimEnd().split('\n').at(-1), `${match[1]} of ${path}`).toMatch(/^\/\/\//)
})

it('the embedded library is what std/ holds', () => {
  execFileSync(process.execPath, [fileURLToPath(new URL('../../scripts/embed-std.mjs', import.meta.url)), '--check'])
})
