/** Rows of a run → cells of text: the same columns on the terminal and in RESULTS.md. */
import type { Column } from '../../cli/table.ts'
import type { Row } from '../contest.ts'
import { rateOf, ratioOf } from '../outcome.ts'

export const columns: readonly Column[] = [
  { title: 'workload', align: 'left' },
  { title: 'peer', align: 'left' },
  { title: 'ms', align: 'right' },
  { title: 'least – most', align: 'right' },
  { title: '× dlm', align: 'right' },
  { title: 'GFLOP/s', align: 'right' },
  { title: 'first s', align: 'right' },
  { title: 'peak MiB', align: 'right' },
  { title: 'dispatches', align: 'right' },
  { title: 'new buffers', align: 'right' },
]

export function cells(rows: readonly Row[], row: Row): string[] {
  const ratio = ratioOf(rows, row)
  const rate = rateOf(rows, row)
  return [
    row.workload,
    `${row.peer} ${row.version}`,
    digits(row.time.median),
    `${digits(row.time.least)} – ${digits(row.time.most)}`,
    ratio === undefined ? '' : digits(ratio),
    rate === undefined ? '' : digits(rate),
    digits(row.first / 1000),
    String(Math.round(row.peakBytes / 2 ** 20)),
    row.dispatches > 0 ? String(round(row.dispatches)) : '',
    row.dispatches > 0 ? String(round(row.buffers)) : '',
  ]
}

/** Three significant digits, without an exponent. */
export const digits = (value: number): string =>
  Number.isFinite(value) ? Number(value.toPrecision(3)).toLocaleString('en-US', { maximumFractionDigits: 6 }) : '–'

const round = (value: number): number => Number(value.toFixed(1))

/** A machine that others use while one measures gives figures that say little. */
export function disturbance(rows: readonly Row[]): string | undefined {
  const most = rows.reduce((busiest, row) => Math.max(busiest, row.othersCores), 0)
  return most > 0.15
    ? `other processes kept up to ${most.toFixed(1)} cores busy meanwhile: read ratios, not milliseconds`
    : undefined
}
