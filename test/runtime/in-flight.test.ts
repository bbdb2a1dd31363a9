/** How the host paces itself: naps that follow what runs take, and stay bounded where answers arrive late. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { InFlight } from '../../runtime/in-flight.ts'

/** A device that takes so long for each run, under a clock of its own; an answer arrives late by what `delay` says. */
function machine(milliseconds: number, delay: () => number = () => 0) {
  let free = 0
  const ends: number[] = []
  const until = (time: number) =>
    new Promise<undefined>((resolve) =>
      setTimeout(() => resolve(undefined), Math.max(0, time - performance.now()) + delay()),
    )
  const queue = { onSubmittedWorkDone: () => until(ends.at(-1) ?? 0) } as unknown as GPUQueue
  const fence = (): GPUBuffer => {
    let end = 0
    return { mapAsync: () => until(end), unmap: () => undefined, touch: () => (end = free) } as never
  }
  const encoder = { clearBuffer: (buffer: { touch(): void }) => buffer.touch() } as unknown as GPUCommandEncoder
  const inFlight = new InFlight([fence(), fence(), fence()], true)
  const kind = { milliseconds: 0 }
  return {
    kind,
    async run() {
      free = Math.max(free, performance.now()) + milliseconds
      ends.push(free)
      inFlight.begin(encoder, queue, kind)
      await inFlight.throttle()
    },
    read: () => inFlight.after(() => until(ends.at(-1) ?? 0)),
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** What some steps take, by the clock that the machine runs under. */
async function timeOf(steps: number, step: () => Promise<void>): Promise<number> {
  const begin = performance.now()
  let ended = false
  const all = (async () => {
    for (let i = 0; i < steps; i++) await step()
    ended = true
  })()
  while (!ended) await vi.advanceTimersByTimeAsync(1)
  await all
  return performance.now() - begin
}

describe.each([2, 20, 300])('runs of %i ms', (milliseconds) => {
  // Answers that are there arrive after 0 to 6 ms, as on a machine with other work.
  let draw = 1
  const late = () => {
    draw = (draw * 16807) % 2147483647
    return draw % 7
  }
  it('enqueued one after another take no longer than the device', async () => {
    const device = machine(milliseconds)
    expect(await timeOf(100, () => device.run())).toBeLessThan(100 * milliseconds + 3 * milliseconds + 10)
  })
  it('each read before the next: naps stay near the run', async () => {
    const device = machine(milliseconds)
    const time = await timeOf(200, async () => {
      await device.run()
      await device.read()
    })
    expect(time).toBeLessThan(200 * (1.3 * milliseconds + 3))
    expect(device.kind.milliseconds).toBeLessThan(1.5 * milliseconds + 2)
  })
  it('each read before the next, on a busy machine: naps do not grow without end', async () => {
    const device = machine(milliseconds, late)
    const step = async () => {
      await device.run()
      await device.read()
    }
    await timeOf(100, step)
    const later = (await timeOf(100, step)) / 100
    expect(later).toBeLessThan(1.5 * milliseconds + 40)
  })
})
