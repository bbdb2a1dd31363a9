/**
 * Losses and metrics: each run leaves its own in a row of a ring on the device, and many rows come back in one transfer.
 */
import { ringRows } from './abi.ts'
import type { ScalarRow } from './executor.ts'
import type { InFlight } from './in-flight.ts'
import { serial } from './readback.ts'
import { mapModeRead } from './usage.ts'

/** Where a run leaves a scalar: copied from there to its word of the row. */
export interface ScalarSource {
  readonly buffer: GPUBuffer
  readonly offset: number
  readonly word: number
}

interface PendingRow {
  readonly ticket: number
  readonly row: number
  readonly sources: readonly ScalarSource[]
}

export interface ScalarRing {
  /** Encodes the copies of one run. */
  record(encoder: GPUCommandEncoder, ticket: number, sources: readonly ScalarSource[]): void
  /** Whether the next run would overwrite a row that was not fetched. */
  full(): boolean
  /** Brings what is pending to the host. */
  fetch(inFlight: InFlight): Promise<void>
  /** What was brought since the last time. */
  take(): readonly ScalarRow[]
}

/** Without scalars there is no ring. */
export function scalarRing(
  device: GPUDevice,
  names: readonly string[],
  ring: GPUBuffer | undefined,
  back: GPUBuffer | undefined,
): ScalarRing {
  const transfer = serial()
  let next = 0
  let pending: PendingRow[] = []
  let arrived: ScalarRow[] = []
  return {
    record(encoder, ticket, sources) {
      if (!ring || sources.length === 0) return
      const row = next++ % ringRows
      for (const { buffer, offset, word } of sources)
        encoder.copyBufferToBuffer(buffer, offset, ring, 4 * (row * names.length + word), 4)
      pending.push({ ticket, row, sources })
    },
    full: () => pending.length >= ringRows,
    fetch: (inFlight) =>
      transfer(async () => {
        if (!ring || !back || pending.length === 0) return
        const rows = pending
        pending = []
        const encoder = device.createCommandEncoder()
        encoder.copyBufferToBuffer(ring, 0, back, 0, ring.size)
        device.queue.submit([encoder.finish()])
        await inFlight.after(() => back.mapAsync(mapModeRead))
        const words = new Float32Array(back.getMappedRange())
        for (const { ticket, row, sources } of rows)
          arrived.push({
            ticket,
            values: Object.fromEntries(sources.map(({ word }) => [names[word]!, words[row * names.length + word]!])),
          })
        back.unmap()
      }),
    take() {
      const rows = arrived
      arrived = []
      return rows
    },
  }
}
