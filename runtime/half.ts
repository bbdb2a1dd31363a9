/** 16-bit floats ↔ float32: IEEE 754 binary16, and bfloat16 (the upper half of a float32). */

const word = new Uint32Array(1)
const single = new Float32Array(word.buffer)

export function floatFromBfloat16(bits: number): number {
  word[0] = bits << 16
  return single[0]!
}

export function floatFromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >>> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

/** Rounds to nearest, ties to even. */
export function halfFromFloat(value: number): number {
  single[0] = value
  const sign = (word[0]! >>> 16) & 0x8000
  const magnitude = word[0]! & 0x7fff_ffff
  if (magnitude > 0x7f80_0000) return sign | 0x7e00
  // 65520 and more round to infinity.
  if (magnitude >= 0x477f_f000) return sign | 0x7c00
  if (magnitude >= 0x3880_0000) {
    const rebiased = magnitude - 0x3800_0000
    return sign | ((rebiased + 0xfff + ((rebiased >>> 13) & 1)) >>> 13)
  }
  const units = Math.abs(single[0]!) * 2 ** 24
  const down = Math.floor(units)
  const rest = units - down
  return sign | (rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? down + 1 : down)
}
