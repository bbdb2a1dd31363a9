/** A set of small whole numbers, a bit each: joining two is a pass over words, where a `Set` would take an entry each. */
export class NumberSet {
  private words: number[] = []

  has(n: number): boolean {
    const at = n >>> 5
    return at < this.words.length && (this.words[at]! & (1 << (n & 31))) !== 0
  }
  add(n: number): void {
    while (this.words.length <= n >>> 5) this.words.push(0)
    this.words[n >>> 5]! |= 1 << (n & 31)
  }
  addAll(other: NumberSet): void {
    const { words } = other
    while (this.words.length < words.length) this.words.push(0)
    for (let at = 0; at < words.length; at++) this.words[at]! |= words[at]!
  }
  get size(): number {
    let size = 0
    for (let at = 0; at < this.words.length; at++) size += bitsIn(this.words[at]!)
    return size
  }
}

/** Bits that are set, counted in pairs, then fours, then bytes, which a product adds up. */
function bitsIn(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555)
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333)
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
