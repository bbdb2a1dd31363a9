/** The checksum against published values, and fed in pieces. */
import { expect, test } from 'vitest'
import { xxhash32 } from '../../runtime/xxhash32.ts'

const digest = (...pieces: Uint8Array[]) => {
  const hash = xxhash32()
  for (const piece of pieces) hash.update(piece)
  return hash.digest()
}

test.each([
  ['', '02cc5d05'],
  ['a', '550d7456'],
  ['abc', '32d153ff'],
  ['Nobody inspects the spammish repetition', 'e2293b2f'],
])('XXH32 of %j', (text, expected) => expect(digest(new TextEncoder().encode(text))).toBe(expected))

test('pieces of any size give the digest of the whole', () => {
  const bytes = Uint8Array.from({ length: 100 }, (_, i) => (i * 37) & 255)
  const whole = digest(bytes)
  for (let size = 1; size <= 40; size++) {
    const pieces: Uint8Array[] = []
    for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size))
    expect(digest(...pieces)).toBe(whole)
  }
})
