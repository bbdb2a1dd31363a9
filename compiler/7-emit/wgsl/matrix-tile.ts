/** Sizes that follow from a matrix schedule: of a workgroup's tile, of a staged block, and of the workgroup's memory. */
import type { MatrixSchedule } from './schedule.ts'

export const tileRows = ({ configuration, rows, rowGroups }: MatrixSchedule): number =>
  configuration.M * rows * rowGroups
export const tileColumns = ({ configuration, columns, columnGroups }: MatrixSchedule): number =>
  configuration.N * columns * columnGroups
/** Depth of a staged block. */
export const blockDepth = ({ configuration, block }: MatrixSchedule): number => configuration.K * block
/** Subgroups that have work. */
export const workers = ({ rowGroups, columnGroups }: MatrixSchedule): number => rowGroups * columnGroups
export const lanesOfMatrices = (schedule: MatrixSchedule): number => workers(schedule) * schedule.subgroup

const bytesOf = { f16: 2, f32: 4 } as const

/**
 * Elements from one row of a staged block to the next. Loads of matrices begin at multiples of 16 bytes, and 16 more keep
 * rows that are a power of two apart from falling on the same banks of the memory.
 */
export const strideOf = ({ configuration }: MatrixSchedule, length: number): number =>
  length + 16 / bytesOf[configuration.component]

/** Of workgroup memory: both operands' blocks, whichever way they lie, and a result matrix for each subgroup. */
export function matrixBytes(schedule: MatrixSchedule): number {
  const { configuration } = schedule
  const deep = blockDepth(schedule)
  const block = (width: number) => Math.max(deep * strideOf(schedule, width), width * strideOf(schedule, deep))
  return (
    bytesOf[configuration.component] * (block(tileRows(schedule)) + block(tileColumns(schedule))) +
    4 * workers(schedule) * configuration.M * configuration.N
  )
}
