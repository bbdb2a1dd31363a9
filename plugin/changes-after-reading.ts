/**
 * A watcher takes two changes of a file within a tenth of a second for one: what was read after the first would be shown until a
 * third. So files are looked at once more a little after they were read, and a change that the watcher may have kept to itself is told.
 */
import { statSync } from 'node:fs'

/** File → the time of its last change before it was read. */
export type ReadFiles = ReadonlyMap<string, bigint | undefined>

/** Milliseconds in which a watcher may drop a change, with some to spare. */
const settles = 250

/** Of several readings of a file, which make one module each, the first one counts: all must have found the same. */
export function changesAfterReading(tell: (file: string) => void): (read: ReadFiles) => void {
  const waiting = new Map<string, { readonly time: bigint | undefined; readonly timer: NodeJS.Timeout }>()
  return (read) => {
    for (const [file, now] of read) {
      const before = waiting.get(file)
      clearTimeout(before?.timer)
      const time = before ? before.time : now
      const timer = setTimeout(() => {
        waiting.delete(file)
        if (changedAt(file) !== time) tell(file)
      }, settles).unref()
      waiting.set(file, { time, timer })
    }
  }
}

/** The time of the last change in nanoseconds; a file that is gone has none. */
export const changedAt = (file: string): bigint | undefined =>
  statSync(file, { bigint: true, throwIfNoEntry: false })?.mtimeNs
