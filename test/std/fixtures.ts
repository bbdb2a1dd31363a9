/** A safetensors file of test/fixtures → its tensors as plain numbers, and what its metadata says. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
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
