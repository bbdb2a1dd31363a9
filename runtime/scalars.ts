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

export class ScalarRing {
  private readonly device: GPUDevice
  private readonly names: readonly string[]
  private readonly ring: GPUBuffer | undefined
  private readonly back: GPUBuffer | undefined
  private readonly transfer = serial()
  private next = 0
  private pending: PendingRow[] = []
  private arrived: ScalarRow[] = []

  constructor(device: GPUDevice, names: readonly string[], ring: GPUBuffer | undefined, back: GPUBuffer | undefined) {
    this.device = device
    this.names = names
    this.ring = ring
    this.back = back
  }

  /** Encodes the copies of one run. */
  record(encoder: GPUCommandEncoder, ticket: number, sources: readonly ScalarSource[]): void {
    if (!this.ring || sources.length === 0) return
    const row = this.next++ % ringRows
    for (const { buffer, offset, word } of sources)
      encoder.copyBufferToBuffer(buffer, offset, this.ring, 4 * (row * this.names.length + word), 4)
    this.pending.push({ ticket, row, sources })
  }

  /** Whether the next run would overwrite a row that was not fetched. */
  get full(): boolean {
    return this.pending.length >= ringRows
  }

  /** Brings what is pending to the host. */
  fetch(inFlight: InFlight): Promise<void> {
    return this.transfer(async () => {
      const { ring, back } = this
      if (!ring || !back || this.pending.length === 0) return
      const rows = this.pending
      this.pending = []
      const encoder = this.device.createCommandEncoder()
      encoder.copyBufferToBuffer(ring, 0, back, 0, ring.size)
      this.device.queue.submit([encoder.finish()])
      await inFlight.rest()
      await back.mapAsync(mapModeRead)
      const words = new Float32Array(back.getMappedRange())
      for (const { ticket, row, sources } of rows)
        this.arrived.push({
          ticket,
          values: Object.fromEntries(
            sources.map(({ word }) => [this.names[word]!, words[row * this.names.length + word]!]),
          ),
        })
      back.unmap()
    })
  }

  take(): readonly ScalarRow[] {
    const rows = this.arrived
    this.arrived = []
    return rows
  }
}
