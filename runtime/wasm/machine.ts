/**
 * The host's side of a wasm session: what is asked for goes to the threads in the order in which it was asked. While a run
 * goes on, the next batch is written beside the one it reads, and its run enqueued; the host is never further ahead.
 */
import { type CompiledProgram, ringRows } from '../abi.ts'
import type { Device } from '../device.ts'
import type { ScalarRow } from '../executor.ts'
import type { Machine } from '../make-executor.ts'
import { stepBlock } from '../step-block.ts'
import { control } from './control.ts'
import type { Layout } from './layout.ts'
import type { WasmRun } from './session.ts'

/** Those who run the lists. */
export interface Crew extends Pick<Device, 'lost' | 'check'> {
  /** Does the k-th run here and now; absent where threads do when they see that it was enqueued. */
  readonly run: ((k: number) => void) | undefined
  /** The listener is called when a run began or ended that someone waits for, and when a thread failed. */
  onMove(listener: () => void): void
  hold(held: boolean): void
  release(): void
}

interface Waiting {
  readonly place: number
  readonly k: number
  readonly done: () => void
}

/** Where the host runs them, long runs let its other work have its turn about so often, in milliseconds. */
const slice = 12

/** Node's own way takes microseconds, a timer a millisecond. */
const othersTurn: (resume: () => void) => void =
  (globalThis as { setImmediate?: (resume: () => void) => void }).setImmediate ?? setTimeout

export function machineOf(
  program: CompiledProgram,
  memory: WebAssembly.Memory,
  /** Bytes of it that a session is said to take: command lists come after them. */
  planned: number,
  layout: Layout,
  crew: Crew,
): Machine<WasmRun> {
  let words = new Int32Array(memory.buffer)
  let floats = new Float32Array(memory.buffer)
  let bytes = new Uint8Array(memory.buffer)
  const step = stepBlock(program)
  const stepArena = program.arenas.findIndex(({ role }) => role === 'step')

  /** Runs enqueued; as the words in memory, it wraps around. */
  let published = 0
  /** What of the copies must be uploaded by the next run. */
  let dirty: [first: number, end: number] = [Number.POSITIVE_INFINITY, 0]
  let pending: { readonly k: number; readonly ticket: number; readonly row: number; readonly run: WasmRun }[] = []
  let arrived: ScalarRow[] = []
  let rows = 0
  let slept = performance.now()

  // ---------------------------------------------------------------- waiting for the threads

  const waiting = new Set<Waiting>()
  const reached = (place: number, k: number) => ((Atomics.load(words, place) - k) | 0) >= 0
  const look = () => {
    const failed = isFailed(crew)
    for (const one of waiting)
      if (failed || reached(one.place, one.k)) {
        waiting.delete(one)
        one.done()
      }
    if (waiting.size === 0) return crew.hold(false)
    Atomics.store(words, control.wanted, 1)
    // What moved before the word was set is told by nobody.
    for (const one of waiting) if (reached(one.place, one.k)) return look()
  }
  crew.onMove(look)
  const until = (place: number, k: number): Promise<void> | undefined => {
    if (reached(place, k)) return undefined
    crew.check()
    return new Promise<void>((done) => {
      waiting.add({ place, k, done })
      crew.hold(true)
      look()
    }).then(crew.check)
  }

  // ---------------------------------------------------------------- one thing after another

  let last: Promise<unknown> = Promise.resolve()
  let queued = 0
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    queued += 1
    const done = last.then(work)
    last = done.then(
      () => (queued -= 1),
      () => (queued -= 1),
    )
    return done
  }

  const isUploaded = (address: number) => address < layout.mirror
  const isIdle = () => reached(control.finished, published)
  /** Where nothing runs, the host uploads by itself and need not wait until a thread has. */
  const upload = () => {
    const [first, end] = dirty
    dirty = [Number.POSITIVE_INFINITY, 0]
    if (end > first)
      bytes.copyWithin(layout.mirror + first - layout.mirrorDistance, layout.mirror + first, layout.mirror + end)
  }
  /** Where kernels read it, or, while they do, in the copy: of a session that waits for its runs the copies take no memory. */
  const place = (address: number, data: Uint8Array) => {
    const idle = isIdle()
    if (idle) upload()
    if (idle || !isUploaded(address)) return bytes.set(data, address)
    const first = address + layout.mirrorDistance - layout.mirror
    const end = first + data.length
    // One range is uploaded: what lies between the two is in the copy only where it went by way of it.
    if (dirty[1] > 0)
      for (const [from, to] of [
        [dirty[1], first],
        [end, dirty[0]],
      ] as const)
        if (to > from)
          bytes.copyWithin(
            layout.mirror + from,
            layout.mirror + from - layout.mirrorDistance,
            layout.mirror + to - layout.mirrorDistance,
          )
    bytes.set(data, layout.mirror + first)
    dirty = [Math.min(dirty[0], first), Math.max(dirty[1], end)]
  }

  const collect = (upTo: number) => {
    let rowsTaken = 0
    for (const { k, ticket, row, run } of pending) {
      if (((upTo - k) | 0) < 0) break
      rowsTaken += 1
      arrived.push({
        ticket,
        values: Object.fromEntries(run.scalars.map(([name, word]) => [name, floats[row / 4 + word]!])),
      })
    }
    pending = pending.slice(rowsTaken)
  }

  const enqueue = async (run: WasmRun, ticket: number, block: ArrayBuffer | undefined): Promise<void> => {
    if (block && stepArena >= 0 && layout.arenas[stepArena] !== undefined)
      place(layout.arenas[stepArena], new Uint8Array(block))
    if (pending.length >= ringRows - 1) {
      await until(control.finished, published)
      collect(published)
    }
    const row = layout.ring + 4 * layout.rowWords * (rows++ % ringRows)
    const idle = isIdle()
    if (idle) upload()
    const [first, end] = dirty
    dirty = [Number.POSITIVE_INFINITY, 0]
    published = (published + 1) | 0
    const slot = control.runs + 4 * (published & 3)
    words[slot] = run.list
    words[slot + 1] = row
    words[slot + 2] = layout.mirror + first
    words[slot + 3] = end && end - first
    if (run.scalars.length > 0) pending.push({ k: published, ticket, row, run })
    Atomics.store(words, control.published, published)
    if (!crew.run) {
      Atomics.notify(words, control.published)
      if (!idle) await until(control.started, published)
      return
    }
    try {
      crew.run(published)
    } catch (failure) {
      // It is over: nobody will end it.
      Atomics.store(words, control.finished, published)
      throw failure
    }
    // Where a thread failed the host knows, and why it did will be told.
    await until(control.finished, published)
    if (performance.now() - slept < slice) return
    await new Promise<void>((resume) => othersTurn(resume))
    slept = performance.now()
  }

  return {
    bytes: planned,
    holds: (arena) => layout.arenas[arena] !== undefined,

    write(arena, offset, data) {
      const address = layout.arenas[arena]! + offset
      if (queued === 0 && (isUploaded(address) || isIdle())) return place(address, data)
      const kept = data.slice()
      void inTurn(async () => {
        if (!isUploaded(address)) await until(control.finished, published)
        place(address, kept)
      }).catch(() => undefined)
    },

    read: (arena, offset, length) =>
      inTurn(async () => {
        await until(control.finished, published)
        upload()
        const from = layout.arenas[arena]! + offset
        return bytes.slice(from, from + length).buffer as ArrayBuffer
      }),

    run: (run, ticket, values) => {
      // The values are taken now: the caller may use the record again.
      const block = step(values)
      return inTurn(() => enqueue(run, ticket, queued > 1 ? block?.slice(0) : block))
    },

    async scalars() {
      // Runs that were asked for and not enqueued yet count too; what is asked for from now on need not wait.
      await last
      const upTo = published
      await until(control.finished, upTo)
      collect(upTo)
      const values = arrived
      arrived = []
      return values
    },

    release() {
      crew.release()
      // The memory is free when nobody refers to it; those who wait find out that the session ended.
      words = new Int32Array(0)
      floats = new Float32Array(0)
      bytes = new Uint8Array(0)
      for (const { done } of waiting) done()
      waiting.clear()
    },
  }
}

function isFailed({ check }: Crew): boolean {
  try {
    check()
    return false
  } catch {
    return true
  }
}
