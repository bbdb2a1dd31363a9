/**
 * A seed and a count → numbers that are the same on every machine, so that all peers start from the same weights and see
 * the same batch. The generator is mulberry32 with its state as a counter: element i depends on the seed and i alone.
 */
export function uniform(seed: number, count: number): Float64Array {
  const numbers = new Float64Array(count)
  const start = Math.imul(seed, 0x9e3779b1)
  for (let i = 0; i < count; i++) {
    const state = (start + Math.imul(i + 1, 0x6d2b79f5)) | 0
    const mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    const again = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    numbers[i] = ((again ^ (again >>> 14)) >>> 0) / 2 ** 32
  }
  return numbers
}

/** Uniform within ±bound. */
export const symmetric = (seed: number, count: number, bound: number): Float32Array =>
  Float32Array.from(uniform(seed, count), (u) => (2 * u - 1) * bound)

/** Whole numbers below `end`. */
export const integers = (seed: number, count: number, end: number): Int32Array =>
  Int32Array.from(uniform(seed, count), (u) => Math.floor(u * end))

/**
 * Rows of tokens below 65 that leave something to learn: nine times in ten the next one follows from the last, otherwise it is
 * any. The inputs are all but the last of a row, the targets all but the first.
 */
export function tokenRows(rows: number, length: number): { x: Int32Array; y: Int32Array } {
  const vocabulary = 65
  const u = uniform(1, rows * (length + 1))
  const x = new Int32Array(rows * length)
  const y = new Int32Array(rows * length)
  for (let row = 0; row < rows; row++) {
    let token = 0
    for (let at = 0; at <= length; at++) {
      const chance = u[row * (length + 1) + at]!
      if (at === 0) token = Math.floor(chance * vocabulary)
      else token = chance < 0.1 ? Math.floor(chance * 10 * vocabulary) : (token * 7 + 3) % vocabulary
      if (at < length) x[row * length + at] = token
      if (at > 0) y[row * length + at - 1] = token
    }
  }
  return { x, y }
}
