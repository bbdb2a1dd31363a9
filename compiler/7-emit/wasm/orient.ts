/**
 * Which operand of a contraction runs along the lanes. `left · right` and `right · left` are one product; lanes run
 * along the columns, so neighbouring columns should lie side by side in the output, and be as many as lanes.
 */
import type { Axis, ContractKernel } from '../../ir/kernel.ts'
import { estimate, type Sizes } from '../wgsl/default-schedule.ts'
import { elements } from './context.ts'
import { microColumns } from './micro.ts'

export function orient(kernel: ContractKernel, sizes: Sizes): ContractKernel {
  const [rows, columns] = [estimate(elements(kernel.rows), sizes), estimate(elements(kernel.columns), sizes)]
  const few = Math.min(rows, columns) < microColumns
  const turn = few ? rows > columns : runsAlong(kernel, kernel.rows) && !runsAlong(kernel, kernel.columns)
  if (!turn) return kernel
  return { ...kernel, rows: kernel.columns, columns: kernel.rows, left: kernel.right, right: kernel.left }
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
