/**
 * ‖∂L/∂h_t‖ of each carry, step of training by step → for each position of its sequence the extremes and the geometric mean,
 * at bounded memory. Gradients vanish and explode by factors, so factors are what is averaged.
 */
import type { CompiledProgram, DimValues } from './abi.ts'
import type { Executor } from './executor.ts'
import type { TrainEvent } from './train-event.ts'

/** What precedes a carry's name in that of the tensor of its norms. */
const prefix = 'carry_gradient_norm.'

/** The norms of one run of an entry, by the name of their carry; those of a scan inside a scan in the order of time. */
export type CarryNorms = Readonly<Record<string, readonly number[]>>

export interface CarryCurve {
  readonly name: string
  /** By position; of the steps whose sequences were so long, and whose norm there was not 0. */
  readonly points: readonly CarryPoint[]
}
export interface CarryPoint {
  readonly low: number
  readonly mean: number
  readonly high: number
}

export interface CarryRecord {
  add(norms: CarryNorms): void
  /** Runs that were added. */
  readonly runs: number
  curves(): readonly CarryCurve[]
}

export function carryRecord(): CarryRecord {
  const seen = new Map<string, { low: number; high: number; logs: number; count: number }[]>()
  let runs = 0
  return {
    get runs() {
      return runs
    },
    add(norms) {
      runs += 1
      for (const [name, values] of Object.entries(norms)) {
        const points = seen.get(name) ?? []
        seen.set(name, points)
        values.forEach((value, t) => {
          points[t] ??= { low: Infinity, high: 0, logs: 0, count: 0 }
          if (!(value > 0) || value === Infinity) return
          const point = points[t]
          point.low = Math.min(point.low, value)
          point.high = Math.max(point.high, value)
          point.logs += Math.log(value)
          point.count += 1
        })
      }
    },
    curves: () =>
      [...seen].map(([name, points]) => ({
        name,
        points: points.map(({ low, high, logs, count }) => ({
          low,
          high,
          mean: count > 0 ? Math.exp(logs / count) : 0,
        })),
      })),
  }
}

const tensorsOf = (program: CompiledProgram, entry: string): readonly string[] =>
  program.entries.find(({ name }) => name === entry)?.outputs.filter((name) => name.startsWith(prefix)) ?? []

/** Whether an entry was compiled to give them. */
export const givesCarryNorms = (program: CompiledProgram, entry: string): boolean =>
  tensorsOf(program, entry).length > 0

/** Those of the last run of an entry, which is waited for. */
export async function readCarryNorms(executor: Executor, entry: string, dims?: DimValues): Promise<CarryNorms> {
  const norms: Record<string, readonly number[]> = {}
  for (const name of tensorsOf(executor.program, entry))
    norms[name.slice(prefix.length)] = Array.from(await executor.read(name, dims))
  return norms
}

/** The norms that came with a step, where they were asked for. */
export const carryNormsOf = (event: TrainEvent): CarryNorms | undefined =>
  event.kind === 'step' ? event.carries : undefined
