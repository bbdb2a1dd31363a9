/** What one run of the benchmark found: the content of `results.json`, from which the table, the chart and RESULTS.md are made. */
import { cpus, totalmem } from 'node:os'
import type { Failure, Row } from './contest.ts'

export interface Outcome {
  readonly date: string
  readonly device: string
  readonly machine: {
    readonly processor: string
    readonly cores: number
    readonly memoryBytes: number
    readonly system: string
  }
  readonly node: string
  readonly webgpu: string
  readonly rows: readonly Row[]
  readonly failures: readonly Failure[]
}

export function outcomeOf(device: string, webgpu: string, rows: readonly Row[], failures: readonly Failure[]): Outcome {
  return {
    date: new Date().toISOString(),
    device,
    machine: {
      processor: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryBytes: totalmem(),
      system: `${process.platform} ${process.arch}`,
    },
    node: process.version,
    webgpu,
    rows,
    failures,
  }
}

/** dlm's row of a workload, which the others are compared with. */
export const ownRow = (rows: readonly Row[], workload: string): Row | undefined =>
  rows.find((row) => row.workload === workload && row.peer === 'dlm')

/** How many times as long as dlm a peer takes. */
export function ratioOf(rows: readonly Row[], row: Row): number | undefined {
  const own = ownRow(rows, row.workload)
  return own && row !== own ? row.time.median / own.time.median : undefined
}

/** GFLOP/s of a product or, by dlm's count, of any workload. */
export function rateOf(rows: readonly Row[], row: Row): number | undefined {
  const flops = ownRow(rows, row.workload)?.facts['flops']
  return typeof flops === 'number' ? flops / row.time.median / 1e6 : undefined
}
