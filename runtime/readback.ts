/**
 * From the device to the host, through buffers that exist since the session was opened. One transfer at a time per
 * buffer; the copies are enqueued behind the work so far, and the host waits for nothing else.
 */
import type { InFlight } from './in-flight.ts'
import { mapModeRead } from './usage.ts'

/** Runs tasks one after another. */
export function serial(): <T>(task: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  let busy = 0
  return (task) => {
    // The first task starts at once, so that what it enqueues comes before what the caller enqueues next.
    const started = busy++ === 0 ? task() : last.then(task)
    const ended = started.finally(() => busy--)
    last = ended.catch(() => undefined)
    return ended
  }
}

/** Copies a range of a buffer to the host, a part of the readback buffer's size at a time. */
export async function readRange(
  device: GPUDevice,
  source: GPUBuffer,
  offset: number,
  bytes: number,
  readback: GPUBuffer,
  inFlight: InFlight,
  into?: ArrayBufferLike,
): Promise<ArrayBufferLike> {
  const result = into?.byteLength === bytes ? into : new ArrayBuffer(bytes)
  const target = new Uint8Array(result)
  for (let at = 0; at < bytes; at += readback.size) {
    const part = Math.min(readback.size, bytes - at)
    const encoder = device.createCommandEncoder()
    encoder.copyBufferToBuffer(source, offset + at, readback, 0, part)
    device.queue.submit([encoder.finish()])
    await inFlight.after(() => readback.mapAsync(mapModeRead, 0, part))
    target.set(new Uint8Array(readback.getMappedRange(0, part)), at)
    readback.unmap()
  }
  return result
}
