/** Times of runs → what is said about them. */
import { readFileSync } from 'node:fs'

export interface Spread {
  readonly median: number
  readonly least: number
  readonly most: number
  readonly count: number
}

export function spreadOf(times: readonly number[]): Spread {
  const sorted = [...times].sort((a, b) => a - b)
  return {
    median: middle(sorted),
    least: sorted[0] ?? Number.NaN,
    most: sorted.at(-1) ?? Number.NaN,
    count: sorted.length,
  }
}

function middle(sorted: readonly number[]): number {
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half]! : ((sorted[half - 1] ?? Number.NaN) + (sorted[half] ?? Number.NaN)) / 2
}

/** Cores that other processes kept busy since an earlier reading; nothing is known of it but on Linux. */
export function busyCores(): () => number {
  const read = () => {
    const [, user, nice, system, , , irq, soft] = firstLine().map(Number)
    return 10 * ((user ?? 0) + (nice ?? 0) + (system ?? 0) + (irq ?? 0) + (soft ?? 0))
  }
  const before = read()
  return () => read() - before
}

function firstLine(): string[] {
  try {
    return readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]!.trim().split(/\s+/)
  } catch {
    return []
  }
}
