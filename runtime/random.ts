/**
 * (seed, name) → a stream of random words that is the same on every machine: Threefry-2x32 with 20 rounds, the
 * counter-based generator of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011). Nothing is carried
 * from one draw to the next but the counter, so a run resumed at step n draws what the undisturbed run drew.
 *
 * Integer draws and `uniform` are exact everywhere. `normal` uses Math.log, Math.cos and Math.sin in float64, which
 * ECMAScript leaves to the engine; V8, SpiderMonkey and JavaScriptCore all use the fdlibm algorithms, and the result is
 * rounded to float32, so a difference in the last bit of float64 would have to fall on a rounding boundary to be seen.
 */

const parity = 0x1bd11bda

function rotateLeft(x: number, by: number): number {
  return (x << by) | (x >>> (32 - by))
}

/** One block: two key words and two counter words in, two random words (unsigned) written to `out`. */
export function threefry2x32(key0: number, key1: number, counter0: number, counter1: number, out: Uint32Array): void {
  const key2 = parity ^ key0 ^ key1
  let x0 = (counter0 + key0) | 0
  let x1 = (counter1 + key1) | 0
  // Twenty rounds are five groups of four; after group g the key words g, g+1 (mod 3) and g itself are added.
  for (let group = 1; group <= 5; group++) {
    const odd = (group & 1) === 1
    x0 = (x0 + x1) | 0
    x1 = rotateLeft(x1, odd ? 13 : 17) ^ x0
    x0 = (x0 + x1) | 0
    x1 = rotateLeft(x1, odd ? 15 : 29) ^ x0
    x0 = (x0 + x1) | 0
    x1 = rotateLeft(x1, odd ? 26 : 16) ^ x0
    x0 = (x0 + x1) | 0
    x1 = rotateLeft(x1, odd ? 6 : 24) ^ x0
    const first = group % 3
    x0 = (x0 + (first === 0 ? key0 : first === 1 ? key1 : key2)) | 0
    x1 = (x1 + (first === 0 ? key1 : first === 1 ? key2 : key0) + group) | 0
  }
  out[0] = x0
  out[1] = x1
}

/** FNV-1a over UTF-16 code units, once from each of two starting points: 64 bits tell streams apart, 32 would not. */
function hashName(name: string, basis: number): number {
  let hash = basis
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i)
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193)
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193)
  }
  return hash >>> 0
}

/** A sequence of draws; two streams of equal seed and name are equal. */
export interface RandomStream {
  /** The next word, uniform over 0 … 2³² − 1. */
  word(): number
  /** Uniform over [0, 1): the top 24 bits of a word, so that float32 holds every value exactly. */
  uniform(): number
  /** Uniform over 0 … bound − 1, without bias (rejection). */
  below(bound: number): number
  /** Standard normal (Box–Muller, both halves used). */
  normal(): number
  /** Standard normal drawn again until it lies within two deviations. */
  truncatedNormal(): number
}

export function randomStream(seed: number, name: string): RandomStream {
  const key1 = hashName(name, 0x811c9dc5)
  const counter1 = hashName(name, 0x6b43a9b5)
  const block = new Uint32Array(2)
  let counter0 = 0
  let left = 0
  let spare: number | undefined

  const word = (): number => {
    if (left === 0) {
      threefry2x32(seed, key1, counter0, counter1, block)
      counter0 = (counter0 + 1) | 0
      left = 2
    }
    left -= 1
    return block[1 - left]!
  }
  const normal = (): number => {
    if (spare !== undefined) {
      const value = spare
      spare = undefined
      return value
    }
    // The half keeps the argument of the logarithm off 0.
    const radius = Math.sqrt(-2 * Math.log((word() + 0.5) / 2 ** 32))
    const angle = (2 * Math.PI * word()) / 2 ** 32
    spare = radius * Math.sin(angle)
    return radius * Math.cos(angle)
  }
  return {
    word,
    normal,
    uniform: () => (word() >>> 8) / 2 ** 24,
    below(bound) {
      // Words past the last whole multiple of `bound` would favour small results.
      const limit = 2 ** 32 - (2 ** 32 % bound)
      let value = word()
      while (value >= limit) value = word()
      return value % bound
    },
    truncatedNormal() {
      let value = normal()
      while (Math.abs(value) > 2) value = normal()
      return value
    },
  }
}

/** Fisher–Yates: puts the elements into a uniformly random order, in place. */
export function shuffle(values: Uint32Array, stream: RandomStream): void {
  for (let i = values.length - 1; i > 0; i--) {
    const j = stream.below(i + 1)
    const value = values[i]!
    values[i] = values[j]!
    values[j] = value
  }
}

/** The numbers 0 … count − 1 in the order that belongs to the seed and the name. */
export function permutation(count: number, seed: number, name: string): Uint32Array {
  const order = new Uint32Array(count)
  for (let i = 0; i < count; i++) order[i] = i
  shuffle(order, randomStream(seed, name))
  return order
}
