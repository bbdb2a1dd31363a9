/** How a contraction is cut into tiles, and how much work space a tile takes. */
import type { Dim } from '../../ir/dim.ts'
import type { ContractKernel } from '../../ir/kernel.ts'
import { estimate, type Sizes } from '../wgsl/default-schedule.ts'
import { elements } from './context.ts'
import type { Pitches } from './micro.ts'

export interface ContractSchedule {
  /** Rows, columns and depths of the packed blocks that stay in a core's cache. */
  readonly rows: number
  readonly columns: number
  readonly depth: number
  /** Parts into which the depth is cut, each summed by groups of its own; 1 for none. */
  readonly split: number
}

const mostRows = 128
const mostColumns = 128
const mostDepth = 256

/**
 * Between packed rows, in bytes. Odd multiples of a cache line's 64 bytes, so that neighbours do not compete for one set
 * of the first-level cache.
 */
export const pitches: Pitches = { left: 4 * mostDepth + 64, right: 4 * mostColumns + 64, sums: 4 * mostColumns }

/** Where the blocks lie in a thread's work space, and its size. Blocks of the inner kernel may pass the end by some rows. */
const spareRows = 8
export const leftBlock = 0
export const rightBlock = leftBlock + (mostRows + spareRows) * pitches.left
export const sumBlock = rightBlock + mostDepth * pitches.right
export const workspaceBytes = sumBlock + (mostRows + spareRows) * pitches.sums

/** So many groups at least, where there is work for them, so that a few threads are evenly busy. */
const enoughGroups = 8

export function contractSchedule(kernel: ContractKernel, sizes: Sizes): ContractSchedule {
  const count = (d: Dim) => Math.max(1, estimate(d, sizes))
  const [rows, columns, depth] = [kernel.rows, kernel.columns, kernel.depth].map((axes) => count(elements(axes)))
  const batch = count(elements(kernel.batch))
  let tile = { rows: mostRows, columns: mostColumns }
  const groups = () => batch * Math.ceil(rows! / tile.rows) * Math.ceil(columns! / tile.columns)
  // Narrower before lower: what a tile's rows share was packed for them.
  if (groups() < enoughGroups && columns! > 64) tile = { ...tile, columns: 64 }
  if (groups() < enoughGroups && rows! > 32) tile = { ...tile, rows: 32 }
  const split = groups() >= enoughGroups || depth! < 1024 ? 1 : Math.min(enoughGroups, Math.floor(depth! / 512))
  return { ...tile, depth: mostDepth, split: Math.max(1, split) }
}
