/**
 * A kernel and schedules to try → the fastest of those whose results are right. A candidate is first run and compared with
 * the default, every element of it, and only then timed; what wins is compared with the float64 reference as well, at elements
 * spread over each tensor, before it is kept. So none can be kept that is wrong, however fast it is.
 */
import type { EmittedKernel } from '../../compiler/lowered.ts'
import type { KernelBench } from './kernel-bench.ts'

export interface Candidate<Choice> {
  readonly choice: Choice
  readonly emitted: () => EmittedKernel
}

export interface Tuned<Choice> {
  /** Absent where the default is best. */
  readonly choice: Choice | undefined
  /** Milliseconds. */
  readonly before: number
  readonly after: number
  readonly tried: number
  /** Candidates whose results were others, or whose text the device refused. */
  readonly refused: number
}

/** To be kept, a candidate must be faster by this much: clocks are not exact. */
const gain = 0.95

export async function tuneKernel<Choice>(
  bench: KernelBench,
  standard: EmittedKernel,
  candidates: readonly Candidate<Choice>[],
  tolerance: number,
  hasTime: () => boolean,
): Promise<Tuned<Choice>> {
  const expected = await bench.results(standard)
  const before = await bench.time(standard)
  let best = { choice: undefined as Choice | undefined, time: before * gain, emitted: standard }
  let [tried, refused] = [0, 0]
  for (const { choice, emitted } of candidates) {
    if (!hasTime()) break
    tried += 1
    try {
      const print = emitted()
      if (!agree(await bench.results(print), expected, tolerance)) {
        refused += 1
        continue
      }
      const time = await bench.time(print)
      if (time < best.time) best = { choice, time, emitted: print }
    } catch {
      // A text that does not compile on this adapter, or asks for more than it has.
      refused += 1
    }
  }
  if (best.choice === undefined) return { choice: undefined, before, after: before, tried, refused }
  // Once more against the default, and on the same numbers: what won by a disturbance, or gives others the second time, is dropped.
  const again = await bench.results(best.emitted)
  const [after, now] = [await bench.time(best.emitted), await bench.time(standard)]
  const isRight = agree(again, expected, tolerance) && agree(again, bench.reference(), tolerance, isSampled)
  const holds = isRight && after < now * gain
  if (!isRight) refused += 1
  return { choice: holds ? best.choice : undefined, before: now, after: holds ? after : now, tried, refused }
}

/** The reference leaves a NaN where it computed nothing. */
const isSampled = (value: number): boolean => !Number.isNaN(value)

/** Within a tolerance of the greatest value of each tensor; what is no number must be none in both. */
export function agree(
  given: readonly Float64Array[],
  expected: readonly Float64Array[],
  tolerance: number,
  counts: (wanted: number) => boolean = () => true,
): boolean {
  return expected.every((wanted, tensor) => {
    const values = given[tensor]!
    let greatest = 0
    for (const value of wanted) if (Number.isFinite(value)) greatest = Math.max(greatest, Math.abs(value))
    for (let i = 0; i < wanted.length; i++) {
      const [a, b] = [values[i]!, wanted[i]!]
      if (Object.is(a, b) || !counts(b)) continue
      if (!Number.isFinite(b)) return false
      if (!(Math.abs(a - b) <= tolerance * Math.max(greatest, 1e-30))) return false
    }
    return true
  })
}
