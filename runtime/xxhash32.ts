/**
 * Bytes → the 32-bit xxHash (XXH32 of the xxHash specification, seed 0), fed in chunks: a checksum against torn and rotten
 * files that costs little beside writing them. It is no defence against someone who means to deceive.
 */
const prime1 = 0x9e3779b1
const prime2 = 0x85ebca77
const prime3 = 0xc2b2ae3d
const prime4 = 0x27d4eb2f
const prime5 = 0x165667b1

export interface Xxhash32 {
  update(bytes: Uint8Array): void
  /** Eight hexadecimal digits. */
  digest(): string
}

export function xxhash32(): Xxhash32 {
  // Four lanes take four bytes each of every sixteen.
  const lanes = Int32Array.of(prime1 + prime2, prime2, 0, -prime1)
  const pending = new Uint8Array(16)
  let held = 0
  let total = 0

  const stripe = (view: DataView, at: number) => {
    for (let lane = 0; lane < 4; lane++) {
      const sum = (lanes[lane]! + Math.imul(view.getUint32(at + 4 * lane, true), prime2)) | 0
      lanes[lane] = Math.imul((sum << 13) | (sum >>> 19), prime1)
    }
  }
  return {
    update(bytes) {
      total += bytes.length
      let at = 0
      if (held > 0) {
        at = Math.min(16 - held, bytes.length)
        pending.set(bytes.subarray(0, at), held)
        held += at
        if (held < 16) return
        stripe(new DataView(pending.buffer), 0)
        held = 0
      }
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
      for (; at + 16 <= bytes.length; at += 16) stripe(view, at)
      pending.set(bytes.subarray(at))
      held = bytes.length - at
    },
    digest() {
      const rotate = (x: number, by: number) => (x << by) | (x >>> (32 - by))
      let hash =
        total >= 16
          ? rotate(lanes[0]!, 1) + rotate(lanes[1]!, 7) + rotate(lanes[2]!, 12) + rotate(lanes[3]!, 18)
          : prime5
      // The length enters modulo 2^32, as in the specification.
      hash = (hash + (total % 2 ** 32)) | 0
      const view = new DataView(pending.buffer)
      let at = 0
      for (; at + 4 <= held; at += 4)
        hash = Math.imul(rotate((hash + Math.imul(view.getUint32(at, true), prime3)) | 0, 17), prime4)
      for (; at < held; at++) hash = Math.imul(rotate((hash + Math.imul(pending[at]!, prime5)) | 0, 11), prime1)
      hash = Math.imul(hash ^ (hash >>> 15), prime2)
      hash = Math.imul(hash ^ (hash >>> 13), prime3)
      return ((hash ^ (hash >>> 16)) >>> 0).toString(16).padStart(8, '0')
    },
  }
}
