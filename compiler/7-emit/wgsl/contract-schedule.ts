/**
 * How a contraction is laid over lanes, by the class of adapter. What counts is how many products there are for each
 * element that is loaded, that loads are of neighbouring elements, that enough workgroups are busy, and, on CPU-class
 * adapters, that the text stays short. Figures: bench/NOTES.md.
 */

import type { ContractKernel } from '../../ir/kernel.ts'
import { countTensors } from '../../ir/kernel-slots.ts'
import { type Count, countLoads, enoughGroups, powerOfTwo } from './default-schedule.ts'
import type { ContractSchedule, Limits, Target } from './schedule.ts'
import { elements } from './shader.ts'
import { innermost, isMultiple, loadsIn, runsAlong, vectorWidth } from './vector.ts'

export function contractSchedule(
  kernel: ContractKernel,
  target: Target,
  limits: Limits,
  count: Count,
): ContractSchedule {
  return target === 'gpu' ? onGpu(kernel, limits, count) : inSoftware(kernel, limits, count)
}

const plain = {
  kind: 'contract',
  rowLanes: 1,
  vector: 1,
  unroll: 1,
  block: 0,
  subgroup: 0,
  panels: false,
  guards: 'branch',
  stores: 'text',
} as const

/** A kernel's extents as numbers. */
function sizesOf(kernel: ContractKernel, count: Count) {
  const [rows, columns] = [count(elements(kernel.rows)), count(elements(kernel.columns))]
  const batches = count(elements(kernel.batch))
  const tiles = (r: number, c: number) => Math.ceil(rows / r) * Math.ceil(columns / c) * batches
  return { rows, columns, depth: count(elements(kernel.depth)), tiles }
}

/** Parts of the depth, so that there are enough workgroups. */
function split(kernel: ContractKernel, limits: Limits, count: Count, groups: number, enough: number): number {
  const [outermost] = kernel.depth
  // The second dispatch binds the parts beside what the stores read and write.
  if (countTensors(kernel.slots) + 1 > limits.storageBuffers) return 1
  if (!outermost || groups >= enough || count(elements(kernel.depth)) < 2048) return 1
  return Math.max(1, Math.min(count(outermost.extent), Math.ceil(enough / groups)))
}

function onGpu(kernel: ContractKernel, limits: Limits, count: Count): ContractSchedule {
  const { rows, columns, tiles } = sizesOf(kernel, count)
  if (rows >= 32 && columns >= 32 && limits.workgroupInvocations >= 256) {
    const side = tiles(64, 64) >= 128 ? 4 : 2
    const groups = tiles(16 * side, 16 * side)
    return {
      ...plain,
      by: 'workgroup',
      rows: side,
      columns: side,
      lanes: 16,
      rowLanes: 16,
      block: 16,
      split: split(kernel, limits, count, groups, 64),
    }
  }
  const tall = columns < 4 ? 1 : Math.min(4, powerOfTwo(rows))
  return {
    ...plain,
    by: 'registers',
    rows: tall,
    columns: columns >= 256 ? 2 : 1,
    lanes: 64,
    split: split(kernel, limits, count, tiles(tall, 64), 64),
  }
}

/**
 * In software a load is a gather, whose cost a tall tile shares among many products, and a broadcast within the subgroup
 * costs next to nothing. Taller and wider tiles are faster still, but take seconds to compile: they are for products large
 * in every direction.
 */
function inSoftware(kernel: ContractKernel, limits: Limits, count: Count): ContractSchedule {
  const { rows, columns, depth, tiles } = sizesOf(kernel, count)
  const lanes = limits.subgroup ?? 8
  const { vector, unroll } = strides(kernel)
  const units = Math.ceil(columns / vector / lanes)
  const isLarge = Math.min(rows, columns, depth) >= 256 && rows * columns * depth >= 2 ** 27
  if (limits.subgroup !== undefined && limits.subgroup <= 32 && rows >= limits.subgroup) {
    const most = isLarge && vector > 1 ? 32 : 16
    // All rows in one tile where that is a little more than the usual height; else tiles of equal height.
    const even = rows <= 1.5 * most ? rows : Math.ceil(rows / Math.ceil(rows / most))
    const height = isLarge ? Math.ceil(even / vectorWidth) * vectorWidth : even
    const width = Math.max(1, Math.min(vector === 1 ? 4 : isLarge ? 2 : 1, units))
    const parts = split(kernel, limits, count, tiles(height, lanes * width * vector), enoughGroups)
    // The panels take a binding, and a dispatch that only many columns repay.
    const panels = isLarge && vector > 1 && countTensors(kernel.slots) + (parts > 1 ? 2 : 1) <= limits.storageBuffers
    return {
      ...plain,
      by: 'subgroup',
      rows: height,
      columns: width,
      vector,
      unroll: panels || (vector > 1 && unroll === 1) ? 2 : unroll,
      panels,
      lanes,
      subgroup: limits.subgroup,
      guards: 'free',
      stores: 'loop',
      split: parts,
    }
  }
  const loads = { left: Math.max(1, countLoads(kernel.left)), right: Math.max(1, countLoads(kernel.right)) }
  const width = Math.max(1, Math.min(vector === 1 ? 4 : 1, units, Math.floor(16 / loads.right)))
  const height = Math.max(1, Math.min(8, powerOfTwo(rows), Math.floor(24 / loads.left)))
  return {
    ...plain,
    by: 'registers',
    rows: height,
    columns: width,
    vector,
    unroll,
    lanes,
    stores: 'loop',
    split: split(kernel, limits, count, tiles(height, lanes * width * vector), enoughGroups),
  }
}

/** Vectors of columns, and indices of the depth that are taken at once, by how the operands lie in memory. */
function strides(kernel: ContractKernel): { vector: 1 | 4; unroll: number } {
  const [column, depth] = [innermost(kernel.columns), innermost(kernel.depth)]
  if (!column || !isMultiple(column.extent, vectorWidth)) return { vector: 1, unroll: 1 }
  const right = loadsIn([kernel.right])
  const alongColumns = right.some((load) => runsAlong(load.index, new Set([column])))
  if (alongColumns || !depth) return { vector: 4, unroll: 1 }
  const extent = depth.extent.constant
  // Windows: the elements of neighbouring columns overlap, and vectors of them serve all of a window's width.
  if (extent !== undefined && extent <= 5 && right.some((load) => runsAlong(load.index, new Set([column, depth]))))
    return { vector: 4, unroll: extent }
  if (isMultiple(depth.extent, vectorWidth) && right.some((load) => runsAlong(load.index, new Set([depth]))))
    return { vector: 4, unroll: 4 }
  return { vector: 4, unroll: 1 }
}
