/** `--record gradients,carries` → what is recorded; what was recorded of carries → a table for the terminal. */
import { type ModelGraph, type Recordable, recordables } from '../compiler/program.ts'
import type { CarryCurve } from '../runtime/carry-norms.ts'
import { UsageError } from './failure.ts'

export const recordOption = [
  '--record <what>',
  'norms of gradients: of each parameter (gradients), of each carry after every step of its recurrence (carries), or both (gradients,carries)',
] as const

export function parseRecord(text: string): readonly Recordable[] {
  return text.split(',').map((word) => {
    const known = recordables.find((each) => each === word.trim())
    if (known === undefined)
      throw new UsageError(`--record takes ${recordables.join(', ')}, or both with a comma; this is "${text}"`)
    return known
  })
}

/** A model without recurrences has nothing to record of them: better said before a training than found after it. */
export function checkRecordable({ name, carries }: ModelGraph, record: readonly Recordable[]): void {
  if (record.includes('carries') && carries.length === 0)
    throw new UsageError(
      `${name} has no recurrence, so there is no carry to record; --record gradients is for every model`,
    )
}

/** Of each carry the norm at the first and the last position, and by what factor it grew or shrank on its way back. */
export function carryTable(curves: readonly CarryCurve[]): string[] {
  if (curves.length === 0) return []
  const width = Math.max(...curves.map(({ name }) => name.length), '‖∂L/∂h_t‖'.length)
  const row = (name: string, ...cells: readonly string[]) =>
    `${name.padEnd(width)}  ${cells.map((cell) => cell.padStart(9)).join('  ')}`
  return [
    row('‖∂L/∂h_t‖', 'first t', 'last t', 'factor'),
    ...curves.map(({ name, points }) => {
      const [first, last] = [points[0]?.mean ?? 0, points.at(-1)?.mean ?? 0]
      return row(name, ...[first, last, last > 0 ? first / last : Number.NaN].map((value) => value.toExponential(2)))
    }),
  ]
}
