/** Times of dispatches → what a person asks for: times by kernel and by source line, each with its rates and its share of the bound. */
import type { CompiledProgram, DimValues, Dispatch } from '../../runtime/abi.ts'
import type { TimedDispatch } from '../../runtime/profile/timing.ts'
import { evaluate } from '../../runtime/size.ts'
import { boundOf, type Roofline } from './roofline.ts'

export interface Time {
  /** The kernel, or the source line. Kernels of the same name are told apart while they are added up. */
  readonly name: string
  readonly origins: readonly string[]
  /** Dispatches that count here, those in loops once for each turn. */
  readonly runs: number
  readonly milliseconds: number
  readonly share: number
  readonly flops: number
  readonly bytes: number
  readonly gflopsPerSecond: number
  readonly gigabytesPerSecond: number
  /** The least time that the roofline allows, as a part of the time taken. */
  readonly ofBound: number
}

interface Sum {
  readonly name: string
  readonly origins: Set<string>
  runs: number
  milliseconds: number
  flops: number
  bytes: number
  bound: number
}

/** Dispatches of one kernel (a stack's layers share theirs) are one row; what is no kernel of the program has its own name. */
export function byKernel(
  times: readonly TimedDispatch[],
  { pipelines, entries }: CompiledProgram,
  dims: DimValues,
  roofline: Roofline,
): Time[] {
  const own = new Set(entries.flatMap(({ dispatches }) => dispatches))
  const nameOf = (dispatch: Dispatch) =>
    own.has(dispatch) ? `${pipelines[dispatch.pipeline]!.name}\0${dispatch.pipeline}` : dispatch.label
  return summed(times, dims, roofline, ({ dispatch }) => [nameOf(dispatch)])
}

/** A kernel that several lines made counts for each of them in equal parts. */
export const byLine = (times: readonly TimedDispatch[], dims: DimValues, roofline: Roofline): Time[] =>
  summed(times, dims, roofline, ({ dispatch }) => (dispatch.origins.length > 0 ? dispatch.origins : ['(no line)']))

function summed(
  times: readonly TimedDispatch[],
  dims: DimValues,
  roofline: Roofline,
  keysOf: (time: TimedDispatch) => readonly string[],
): Time[] {
  const total = times.reduce((sum, t) => sum + t.milliseconds, 0)
  const sums = new Map<string, Sum>()
  for (const time of times) {
    const { dispatch } = time
    const [flops, bytes] = [evaluate(dispatch.flops, dims), evaluate(dispatch.bytes, dims)]
    const keys = keysOf(time)
    for (const key of keys) {
      const sum = sums.get(key) ?? {
        name: key.split('\0')[0]!,
        origins: new Set(),
        runs: 0,
        milliseconds: 0,
        flops: 0,
        bytes: 0,
        bound: 0,
      }
      sums.set(key, sum)
      for (const origin of dispatch.origins) sum.origins.add(origin)
      sum.runs += dispatch.repeats === undefined ? 1 : evaluate(dispatch.repeats, dims)
      sum.milliseconds += time.milliseconds / keys.length
      sum.flops += flops / keys.length
      sum.bytes += bytes / keys.length
      sum.bound += boundOf(roofline, flops, bytes) / keys.length
    }
  }
  return [...sums.values()]
    .sort((a, b) => b.milliseconds - a.milliseconds)
    .map(({ bound, origins, ...sum }) => ({
      ...sum,
      origins: [...origins],
      share: total > 0 ? sum.milliseconds / total : 0,
      gflopsPerSecond: sum.flops / sum.milliseconds / 1e6,
      gigabytesPerSecond: sum.bytes / sum.milliseconds / 1e6,
      ofBound: bound / sum.milliseconds,
    }))
}
