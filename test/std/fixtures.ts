/** A safetensors file of test/fixtures → its tensors as plain numbers, and what its metadata says. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { decodeTensor, parseSafetensors } from '../../runtime/safetensors.ts'

export interface Numbers {
  readonly shape: readonly number[]
  readonly data: Float64Array
}
export interface Fixture {
  readonly tensors: ReadonlyMap<string, Numbers>
  readonly metadata: ReadonlyMap<string, string>
}

export function readFixture(name: string): Fixture {
  const path = fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))
  const { tensors, metadata } = parseSafetensors(name, readFileSync(path))
  const numbers = [...tensors].map(([key, { dtype, shape, bytes }]): [string, Numbers] => {
    return [key, { shape, data: Float64Array.from(decodeTensor(dtype, bytes) as ArrayLike<number>, Number) }]
  })
  return { tensors: new Map(numbers), metadata: new Map(metadata) }
}

/** The greatest difference, relative to the greatest magnitude of what is expected (at least 1e-3). */
export function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity
  let [most, scale] = [0, 1e-3]
  for (let i = 0; i < expected.length; i++) {
    const gap = Math.abs(actual[i]! - expected[i]!)
    most = gap >= 0 ? Math.max(most, gap) : Infinity
    scale = Math.max(scale, Math.abs(expected[i]!))
  }
  return most / scale
}

/** Compares what is stored: whole tensors, or samples with the norm and the sum of all. */
export function expectAgreement(fixture: Fixture, name: string, data: ArrayLike<number>, tolerance: number): void {
  const whole = fixture.tensors.get(name)
  if (whole) {
    expect(difference(data, whole.data), name).toBeLessThan(tolerance)
    return
  }
  const stored = (part: string): Numbers => fixture.tensors.get(`${name}.${part}`)!
  const every = stored('every').data[0]!
  const sampled = Array.from({ length: stored('sampled').data.length }, (_, i) => data[i * every]!)
  const all = Float64Array.from(data)
  const norm = stored('norm').data[0]!
  expect(difference(sampled, stored('sampled').data), name).toBeLessThan(tolerance)
  expect(Math.abs(Math.hypot(...chunks(all)) - norm) / norm, `norm of ${name}`).toBeLessThan(tolerance)
  expect(Math.abs(all.reduce((a, b) => a + b, 0) - stored('sum').data[0]!) / norm, `sum of ${name}`).toBeLessThan(
    tolerance * 30,
  )
}
const chunks = (values: Float64Array): number[] => {
  const norms: number[] = []
  for (let i = 0; i < values.length; i += 4096)
    norms.push(Math.sqrt(values.slice(i, i + 4096).reduce((sum, v) => sum + v * v, 0)))
  return norms
}

/** `grad.…` of what a fixture has gradients of, stored whole or sampled. */
export const gradientNames = (fixture: Fixture): string[] => [
  ...new Set(
    [...fixture.tensors.keys()]
      .filter((key) => key.startsWith('grad.'))
      .map((key) => key.replace(/\.(sampled|every|norm|sum)$/, '')),
  ),
]
