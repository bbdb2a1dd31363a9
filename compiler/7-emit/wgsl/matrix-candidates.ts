/**
 * A contraction and what an adapter's subgroups multiply → schedules by matrices worth a try: every configuration that is
 * exact for the operands, in some tiles. Only the tuner asks for them; no default is one of them.
 */
import type { Storage } from '../../../runtime/abi.ts'
import type { Kernel, Scalar } from '../../ir/kernel.ts'
import { lanesOfMatrices, matrixBytes } from './matrix-tile.ts'
import type { Matrices, MatrixSchedule, Schedule } from './schedule.ts'

export function matrixCandidates(
  kernel: Kernel,
  storages: readonly Storage[],
  chosen: Schedule,
  matrices: Matrices | undefined,
): MatrixSchedule[] {
  if (!matrices || kernel.kind !== 'contract') return []
  const areHalves = [kernel.left, kernel.right].every((operand) => isHalf(operand, storages))
  const split = chosen.kind === 'contract' ? chosen.split : 1
  const configurations = matrices.configurations.filter(({ component }) => component === 'f32' || areHalves)
  const all = configurations.flatMap((configuration) =>
    usualSubgroups
      .filter((size) => matrices.subgroups.includes(size))
      .flatMap((subgroup) =>
        tiles.flatMap(([rows, columns, rowGroups, columnGroups]) =>
          blockBytes.map(
            (bytes): MatrixSchedule => ({
              kind: 'contract',
              by: 'matrix',
              configuration,
              rows: rows / rowGroups / configuration.M,
              columns: columns / columnGroups / configuration.N,
              rowGroups,
              columnGroups,
              subgroup,
              block: Math.max(1, bytes / (configuration.component === 'f16' ? 2 : 4) / configuration.K),
              split,
              guards: 'branch',
            }),
          ),
        ),
      ),
  )
  const seen = new Set<string>()
  return all.filter((schedule) => {
    const key = JSON.stringify(schedule)
    return fits(schedule, matrices) && !seen.has(key) && seen.add(key)
  })
}

/** Most GPUs have 32 lanes, or run 32 of those that they could. */
const usualSubgroups = [32, 64, 16, 8]
/** Bytes of a row of a staged block along the depth. */
const blockBytes = [64, 32]

/** Rows and columns of a workgroup's tile, and its subgroups along them: the usual ones of such kernels first. */
const tiles = [
  [64, 64, 2, 2],
  [128, 64, 2, 2],
  [64, 128, 2, 2],
  [128, 128, 2, 2],
  [128, 128, 4, 2],
  [32, 64, 1, 2],
  [32, 32, 2, 2],
  [32, 32, 1, 1],
] as const

/** Whether a device with these products runs what was found on one like it. */
export const runs = (schedule: Schedule, matrices: Matrices | undefined): boolean =>
  schedule.kind !== 'contract' ||
  schedule.by !== 'matrix' ||
  (matrices !== undefined &&
    fits(schedule, matrices) &&
    matrices.configurations.some((c) => JSON.stringify(c) === JSON.stringify(schedule.configuration)))

/** A subgroup keeps its result matrices in registers: 64 × 64 results are 128 of them for 32 lanes. */
const mostResults = 64 * 64

function fits(schedule: MatrixSchedule, { subgroups, workgroupInvocations, workgroupBytes }: Matrices): boolean {
  const { rows, columns, block, configuration } = schedule
  const { M, N } = configuration
  const lanes = lanesOfMatrices(schedule)
  return (
    [rows, columns, block].every((count) => Number.isInteger(count) && count > 0) &&
    rows * columns * M * N <= mostResults &&
    lanes <= workgroupInvocations &&
    lanes % Math.max(...subgroups) === 0 &&
    matrixBytes(schedule) <= workgroupBytes
  )
}

/**
 * Whether every value is a 16-bit float already, so that nothing is lost by staging it as one: what lies in storage so, a
 * small whole number, or either of two such.
 */
function isHalf(scalar: Scalar, storages: readonly Storage[]): boolean {
  switch (scalar.kind) {
    case 'load':
      return storages[scalar.slot] === 'f16'
    case 'number':
      return Number.isInteger(scalar.value) && Math.abs(scalar.value) <= 2048
    case 'guarded':
      return isHalf(scalar.value, storages) && isHalf(scalar.otherwise, storages)
    case 'apply':
    case 'position':
    case 'reduce':
    case 'stage':
    case 'accumulator':
      return false
    default:
      return scalar satisfies never
  }
}
