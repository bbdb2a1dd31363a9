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
    for (let at = 0; at < this.words.length; at++) for (let rest = this.words[at]!; rest !== 0; rest &= rest - 1) size++
    return size
  }
}
