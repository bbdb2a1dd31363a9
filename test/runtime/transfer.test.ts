import { describe, expect, it } from 'vitest'
import type { TensorSlot } from '../../runtime/abi.ts'
import { firstNotFinite } from '../../runtime/finite.ts'
import { floatFromHalf, halfFromFloat } from '../../runtime/half.ts'
import { decode, encode, storedBytes } from '../../runtime/transfer.ts'

const slot: TensorSlot = {
  name: 'h',
  role: 'input',
  arena: 0,
  offset: 0,
  shape: [{ terms: [[1, 'n']] }],
  dtype: 'float',
  storage: 'f16',
}

describe('half precision', () => {
  it('keeps every half through float and back', () => {
    for (let bits = 0; bits < 65_536; bits++) {
      const value = floatFromHalf(bits)
      if (Number.isNaN(value)) expect(halfFromFloat(value) & 0x7fff).toBeGreaterThan(0x7c00)
      else if (halfFromFloat(value) !== bits && !(value === 0))
        throw new Error(`half ${bits} became ${halfFromFloat(value)}`)
    }
  })
  it.each([
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [65_519, 0x7bff],
    [65_520, 0x7c00],
    [-1e9, 0xfc00],
    [2 ** -25, 0],
    [2 ** -25 * 1.01, 1],
    [2 ** -14 - 2 ** -25, 0x400],
    [-0.25, 0xb400],
  ])('rounds %d to the nearest even', (value, bits) => {
    expect(halfFromFloat(value)).toBe(bits)
  })
  it('is stored in whole words', () => {
    const data = new Float32Array([1, -2, 0.5])
    const bytes = encode(slot, data, { n: 3 })
    expect(bytes.byteLength).toBe(8)
    expect(storedBytes(slot, { n: 3 })).toBe(8)
    expect(decode(slot, bytes.buffer, { n: 3 })).toEqual(data)
  })
})

describe('a value that is no number', () => {
  it.each([
    [[1, 2, 3], -1],
    [[1, Number.NaN, 3], 1],
    [[1, 2, Number.NEGATIVE_INFINITY], 2],
    [[3.4e38, -1e-45], -1],
    [[], -1],
  ])('is found in %j at %i', (values, at) => {
    expect(firstNotFinite(new Float32Array(values))).toBe(at)
  })
})
