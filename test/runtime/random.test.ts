/** The generator against the published vectors, and what is built on it: bounds, moments, independence, permutations. */
import { describe, expect, test } from 'vitest'
import { permutation, randomStream, threefry2x32 } from '../../runtime/random.ts'

function block(key: readonly [number, number], counter: readonly [number, number]): number[] {
  const out = new Uint32Array(2)
  threefry2x32(key[0], key[1], counter[0], counter[1], out)
  return [...out]
}

describe('Threefry-2x32-20', () => {
  // `kat_vectors` of the Random123 distribution, lines `threefry2x32 20`.
  test.each([
    [
      [0, 0],
      [0, 0],
      [0x6b200159, 0x99ba4efe],
    ],
    [
      [0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x1cb996fc, 0xbb002be7],
    ],
    [
      [0x13198a2e, 0x03707344],
      [0x243f6a88, 0x85a308d3],
      [0xc4923a9c, 0x483df7a0],
    ],
  ] as const)('key %j, counter %j', (key, counter, expected) => {
    expect(block(key, counter)).toEqual([...expected])
  })
})

describe('streams', () => {
  test('depend on seed and name, and on nothing else', () => {
    const first = (seed: number, name: string) => Array.from({ length: 8 }, randomStream(seed, name).word)
    expect(first(1, 'a.weight')).toEqual(first(1, 'a.weight'))
    expect(first(1, 'a.weight')).not.toEqual(first(2, 'a.weight'))
    expect(first(1, 'a.weight')).not.toEqual(first(1, 'b.weight'))
  })
  test('uniform lies in [0, 1) and float32 holds it exactly', () => {
    const stream = randomStream(3, 'uniform')
    let sum = 0
    for (let i = 0; i < 50_000; i++) {
      const value = stream.uniform()
      expect(value >= 0 && value < 1 && Math.fround(value) === value).toBe(true)
      sum += value
    }
    expect(sum / 50_000).toBeCloseTo(0.5, 2)
  })
  test('normal has mean 0, variance 1, and finite tails; truncated normal stays within 2', () => {
    const stream = randomStream(4, 'normal')
    let sum = 0
    let squares = 0
    for (let i = 0; i < 100_000; i++) {
      const value = stream.normal()
      expect(Number.isFinite(value)).toBe(true)
      sum += value
      squares += value * value
    }
    expect(sum / 100_000).toBeCloseTo(0, 1.5)
    expect(squares / 100_000).toBeCloseTo(1, 1.5)
    const truncated = randomStream(4, 'truncated')
    for (let i = 0; i < 10_000; i++) expect(Math.abs(truncated.truncatedNormal())).toBeLessThanOrEqual(2)
  })
  test('below is unbiased over a bound that divides nothing', () => {
    const stream = randomStream(5, 'below')
    const counts = new Array<number>(7).fill(0)
    for (let i = 0; i < 70_000; i++) counts[stream.below(7)]! += 1
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(400)
  })
})

test('a permutation has every number once and its own order for each seed and name', () => {
  const order = permutation(1000, 42, 'shuffle/train/0')
  expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i))
  expect(permutation(1000, 42, 'shuffle/train/0')).toEqual(order)
  expect(permutation(1000, 42, 'shuffle/train/1')).not.toEqual(order)
  expect(permutation(0, 42, 'x')).toHaveLength(0)
})
