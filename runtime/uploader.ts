/**
 * Uploads. The queue copies what it is given into staging memory that is freed only after a submit, so a large upload
 * goes in parts with a submit after each: without that, a process grows by all it ever uploaded.
 */
const part = 16 << 20

export class Uploader {
  private readonly queue: GPUQueue
  private staged = 0

  constructor(queue: GPUQueue) {
    this.queue = queue
  }

  write(buffer: GPUBuffer, offset: number, bytes: Uint8Array<ArrayBuffer>): void {
    for (let at = 0; at < bytes.byteLength; at += part) {
      const length = Math.min(part, bytes.byteLength - at)
      this.queue.writeBuffer(buffer, offset + at, bytes.buffer, bytes.byteOffset + at, length)
      this.staged += length
      if (this.staged < part) continue
      this.queue.submit([])
      this.staged = 0
    }
  }

  /** Someone submitted: what was staged is on its way. */
  submitted(): void {
    this.staged = 0
  }
}
