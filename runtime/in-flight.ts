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
  /** When it should be done. */
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
    const before = this.running.at(-1)?.expected ?? 0
    const expected = Math.max(before, performance.now()) + kind.milliseconds
    const fence = this.free.pop()
    if (fence) {
      encoder.clearBuffer(fence)
      this.running.push({ kind, expected, ended: () => this.mapped(fence) })
    } else this.running.push({ kind, expected, ended: () => queue.onSubmittedWorkDone() })
  }

  /** Waits until no more runs are in flight than may be. */
  async throttle(): Promise<void> {
    if (this.running.length <= most) return
    const run = this.running.shift()!
    const slept = await this.napUntil(run.expected)
    const asked = performance.now()
    await run.ended()
    this.learn(run, slept, asked, performance.now())
  }

  /** Sleeps through what the device still has to do, so that a wait after it is short. */
  async rest(): Promise<void> {
    const last = this.running.at(-1)
    if (last) await this.napUntil(last.expected)
  }

  /** Returns how long it slept. */
  private async napUntil(time: number): Promise<number> {
    const left = time - performance.now()
    if (!this.polls || left < shortest) return 0
    await new Promise((resolve) => setTimeout(resolve, left - timerError))
    return left
  }

  private async mapped(fence: GPUBuffer): Promise<void> {
    await fence.mapAsync(mapModeRead)
    fence.unmap()
    this.free.push(fence)
  }

  /**
   * A run that was over when the nap ended may take less; one that was waited for took that much more. One slow run says
   * little (the machine did something else), so that what is known grows by steps only.
   */
  private learn({ kind, expected }: Running, slept: number, asked: number, ended: number): void {
    const known = kind.milliseconds
    const seen = ended - expected
    const error = ended - asked > 0.5 ? Math.min(seen, 0.5 * known + 1) : Math.min(seen, -0.1 * Math.max(known, slept))
    kind.milliseconds = Math.max(0, known + error)
    for (const run of this.running) run.expected += error
  }
}
