/**
 * Uploads. The queue copies what it is given into staging memory that is freed only after a submit, so a large upload
 * goes in parts with a submit after each: without that, a process grows by all it ever uploaded.
 */
const part = 16 << 20

export interface Uploader {
  write(buffer: GPUBuffer, offset: number, bytes: Uint8Array<ArrayBuffer>): void
  /** Someone submitted: what was staged is on its way. */
  submitted(): void
}

export function uploaderOf(queue: GPUQueue): Uploader {
  let staged = 0
  return {
    write(buffer, offset, bytes) {
      for (let at = 0; at < bytes.byteLength; at += part) {
        const length = Math.min(part, bytes.byteLength - at)
        queue.writeBuffer(buffer, offset + at, bytes.buffer, bytes.byteOffset + at, length)
        staged += length
        if (staged < part) continue
        queue.submit([])
        staged = 0
      }
    },
    submitted() {
      staged = 0
    },
  }
}
