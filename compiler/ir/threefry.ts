/**
 * Threefry-2x32 with 20 rounds: two 32-bit words of randomness as a pure function of a key and a counter.
 * J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw: Parallel random numbers: as easy as 1, 2, 3 (SC 2011).
 */
export function threefry(key0: number, key1: number, counter0: number, counter1: number): [number, number] {
  const keys = [key0 | 0, key1 | 0, (0x1bd11bda ^ key0 ^ key1) | 0] as const
  let x = (counter0 + keys[0]) | 0
  let y = (counter1 + keys[1]) | 0
  for (let group = 0; group < 5; group++) {
    for (const distance of group % 2 === 0 ? evenRotations : oddRotations) {
      x = (x + y) | 0
      y = ((y << distance) | (y >>> (32 - distance))) ^ x
    }
    x = (x + keys[((group + 1) % 3) as 0 | 1 | 2]) | 0
    y = (y + keys[((group + 2) % 3) as 0 | 1 | 2] + group + 1) | 0
  }
  return [x >>> 0, y >>> 0]
}

const evenRotations = [13, 15, 26, 6] as const
const oddRotations = [17, 29, 16, 24] as const
