/**
 * Which operand of a contraction runs along the lanes. `left · right` and `right · left` are one product; lanes run
 * along the columns, so columns should be many, and neighbouring columns should lie side by side in the output.
 */
import type { Axis, ContractKernel } from '../../ir/kernel.ts'
import { estimate, type Sizes } from './default-schedule.ts'
import { elements } from './shader.ts'

export function orient(kernel: ContractKernel, sizes: Sizes): ContractKernel {
  return isBetterTurned(kernel, sizes) ? turned(kernel) : kernel
}

const turned = (kernel: ContractKernel): ContractKernel => ({
  ...kernel,
  rows: kernel.columns,
  columns: kernel.rows,
  left: kernel.right,
  right: kernel.left,
})

/** Fewer columns than this leave lanes without work. */
const enoughColumns = 8

function isBetterTurned(kernel: ContractKernel, sizes: Sizes): boolean {
  const [rows, columns] = [estimate(elements(kernel.rows), sizes), estimate(elements(kernel.columns), sizes)]
  if (Math.min(rows, columns) < enoughColumns) return rows > columns
  return runsAlong(kernel, kernel.rows) && !runsAlong(kernel, kernel.columns)
}

/** Whether the innermost of the axes steps through the output one element at a time. */
function runsAlong(kernel: ContractKernel, axes: readonly Axis[]): boolean {
  const innermost = axes.findLast((axis) => axis.extent.constant !== 1)
  const index = kernel.stores[0]?.index
  if (!innermost || !index) return false
  if (index.kind === 'axis') return index.axis === innermost
  return (
    index.kind === 'sum' &&
    index.terms.some((t) => t.factor.constant === 1 && t.index.kind === 'axis' && t.index.axis === innermost)
  )
}
