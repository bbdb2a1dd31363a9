/** Deterministic test data. */

/** Mulberry32 (Tommy Ettinger, public domain): numbers in [0, 1). */
export function random(seed: number): () => number {
  let a = seed >>> 0
  return () => {
    a = (a + 0x6d2b79f5) >>> 0
    let t = a
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** float32 values in [-2, 2). */
export function values(count: number, seed: number): Float32Array {
  const next = random(seed)
  return Float32Array.from({ length: count }, () => next() * 4 - 2)
}

/** The largest difference relative to `scale` of each element, or to the larger of 1 and the element. */
export function worstError(actual: ArrayLike<number>, expected: ArrayLike<number>, scale?: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY
  let worst = 0
  for (let i = 0; i < actual.length; i++) {
    const error =
      Math.abs(actual[i]! - expected[i]!) / (scale ? Math.max(scale[i]!, 1e-30) : Math.max(1, Math.abs(expected[i]!)))
    if (!(error <= worst)) worst = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error
  }
  return worst
}
