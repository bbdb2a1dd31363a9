// Which part an example belongs to, by a hash of its key alone: the same on every machine, whatever else is in the set.

/** FNV-1a of the UTF-8 bytes, with a last mix so that near keys fall far apart. */
export function hash(key) {
  let h = 0x811c9dc5
  for (const byte of Buffer.from(key)) h = Math.imul(h ^ byte, 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d)
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b)
  return (h ^ (h >>> 16)) >>> 0
}

/** Of each hundred keys, so many are for testing and for validation. */
export function partOf(key, { test, validation }) {
  const place = hash(key) % 100
  return place < test ? 'test' : place < test + validation ? 'validation' : 'train'
}
