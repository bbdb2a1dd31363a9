/** Bytes one after another, in one array that grows. */
export class Bytes {
  private held = new Uint8Array(1024)
  length = 0

  byte(value: number): void {
    if (this.length === this.held.length) this.grow(1)
    this.held[this.length++] = value
  }
  add(bytes: ArrayLike<number>): void {
    if (this.length + bytes.length > this.held.length) this.grow(bytes.length)
    this.held.set(bytes, this.length)
    this.length += bytes.length
  }
  /** A number without a sign, in as few bytes as it takes (LEB128). */
  unsigned(value: number): void {
    let rest = value
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.byte((rest % 128) | 0x80)
    this.byte(rest)
  }
  /** In place of the byte at `at`. */
  setByte(at: number, value: number): void {
    this.held[at] = value
  }
  /** A number without a sign in five bytes, in place of those at `at`. */
  replace(at: number, value: number): void {
    for (let i = 0; i < 5; i++) this.held[at + i] = ((value >> (7 * i)) & 0x7f) | (i < 4 ? 0x80 : 0)
  }
  /** The bytes so far, as a copy. */
  copy(): Uint8Array<ArrayBuffer> {
    return this.held.slice(0, this.length)
  }
  /** The bytes so far, for as long as nothing is written. */
  view(): Uint8Array<ArrayBuffer> {
    return this.held.subarray(0, this.length)
  }
  clear(): void {
    this.length = 0
  }

  private grow(by: number): void {
    const held = new Uint8Array(Math.max(2 * this.held.length, this.length + by))
    held.set(this.held)
    this.held = held
  }
}
