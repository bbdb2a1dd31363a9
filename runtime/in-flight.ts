/**
 * At most two runs are enqueued and not finished: the host prepares the next batch while the device works, and no
 * further ahead.
 *
 * Each run ends by touching a small buffer, its fence, which can be mapped when the run is done. Where waiting keeps the
 * processor busy (two thirds of a core was measured under Dawn in Node, taken from a driver that computes on the same
 * cores), the host first sleeps for as long as such a run is known to take. Oversleeping is harmless: another run is
 * enqueued behind it.
 */
import { mapModeRead } from './usage.ts'

const most = 2

/** Shorter naps than this are not worth a timer, which may come that much later than it was set for, in milliseconds. */
const shortest = 4
const timerError = 1

/** What kind of run it is, with the time it takes, as learned so far. */
export interface Paced {
  milliseconds: number
}

interface Running {
  readonly kind: Paced
  readonly ended: () => Promise<unknown>
  /** When it should be done; 0 once something behind it is done. */
  expected: number
}

export class InFlight {
  private readonly free: GPUBuffer[]
  private readonly polls: boolean
  private readonly running: Running[] = []

  constructor(fences: readonly GPUBuffer[], polls: boolean) {
    this.free = [...fences]
    this.polls = polls
  }

  /** To be called before the run's commands are finished and submitted. */
  begin(encoder: GPUCommandEncoder, queue: GPUQueue, kind: Paced): void {
    const expected = Math.max(this.running.at(-1)?.expected ?? 0, performance.now()) + kind.milliseconds
    const fence = this.free.pop()
    if (fence) encoder.clearBuffer(fence)
    this.running.push({
      kind,
      expected,
      ended: fence ? () => this.mapped(fence) : () => queue.onSubmittedWorkDone(),
    })
  }

  /** Waits until no more runs are in flight than may be. */
  async throttle(): Promise<void> {
    if (this.running.length <= most) return
    const run = this.running.shift()!
    await this.timed(run, run.ended)
  }

  /** Waits for what was enqueued behind the last run: then all runs so far are over. */
  async after(enqueued: () => Promise<unknown>): Promise<void> {
    const runs = [...this.running]
    const last = this.running.at(-1)
    await (last ? this.timed(last, enqueued) : enqueued())
    for (const run of runs) run.expected = 0
  }

  /**
   * Sleeps through what the device should still have to do, then waits for the rest, and learns. Who had to wait should have
   * slept that much longer; one slow run says little (the machine did something else), so that what is known grows by steps
   * only. Who did not may sleep less. On a busy machine also an answer that is there takes a while to arrive: a wait that is
   * short beside the run is none, or naps would grow without end.
   */
  private async timed(timed: Running, ended: () => Promise<unknown>): Promise<void> {
    const { kind, expected } = timed
    const left = expected - performance.now()
    const slept = this.polls && left >= shortest ? left : 0
    if (slept > 0) await new Promise((resolve) => setTimeout(resolve, left - timerError))
    const asked = performance.now()
    await ended()
    if (!expected) return
    const end = performance.now()
    const known = kind.milliseconds
    const waited = end - asked
    const isLate = waited > known / 5 + 0.5
    const error = isLate ? Math.min(end - expected, waited, known / 2 + 1) : -Math.max(known, slept) / 10
    kind.milliseconds = Math.max(0, known + error)
    // Who was waited for ended just now, so the next one began just now.
    let next = end
    if (isLate)
      for (const run of this.running.slice(this.running.indexOf(timed) + 1))
        run.expected = next += run.kind.milliseconds
  }

  private async mapped(fence: GPUBuffer): Promise<void> {
    await fence.mapAsync(mapModeRead)
    fence.unmap()
    this.free.push(fence)
  }
}
