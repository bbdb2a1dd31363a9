/**
 * How the operands of a contraction by matrices are read and staged. A block lies in workgroup memory the way its operand
 * does in storage, by rows or by columns, which loads of matrices take either way; and where four neighbours are one
 * vector in storage, a lane reads four.
 */
import type { Axis, ContractKernel, Scalar } from '../../ir/kernel.ts'
import { isContiguous } from './contract-staging.ts'
import type { Majority } from './matrix-text.ts'
import { blockDepth, strideOf, tileColumns, tileRows } from './matrix-tile.ts'
import type { MatrixSchedule } from './schedule.ts'
import type { Shader, Vectors } from './shader.ts'
import { shiftScalar } from './shift.ts'
import { components, innermost, isMultiple, loadsIn, quarter, runsAlong, vectorSlots, vectorWidth } from './vector.ts'

export interface MatrixOperand {
  readonly value: Scalar
  readonly fours?: readonly Scalar[]
  readonly axes: readonly Axis[]
  /** Rows or columns of the tile. */
  readonly width: number
  readonly majority: Majority
  readonly stride: number
  readonly length: number
  readonly place: (depth: string, x: string) => string
  readonly kept?: (value: string) => string
}

export interface MatrixOperands {
  readonly left: MatrixOperand
  readonly right: MatrixOperand
  /** Which slots are bound as vectors of four. */
  readonly vectors: Vectors
  /** Where a part of the depth must begin. */
  readonly turn: number
}

export function matrixOperands(kernel: ContractKernel, schedule: MatrixSchedule): MatrixOperands {
  const { rows, columns, left, right } = kernel
  const elsewhere = (other: Scalar) => loadsIn([other, ...kernel.stores.map((store) => store.value)])
  const leftFours = foursOf(kernel, left, rows, elsewhere(right))
  const rightFours = foursOf(kernel, right, columns, elsewhere(left))
  const along = [leftFours, rightFours].flatMap((fours) => (fours ? [fours.axis] : []))
  const slots = new Set([...(leftFours?.slots ?? []), ...(rightFours?.slots ?? [])])
  return {
    left: operand(kernel, schedule, 'left', leftFours?.axis),
    right: operand(kernel, schedule, 'right', rightFours?.axis),
    vectors: { slots, aligned: new Set(along) },
    turn: along.some((axis) => axis === innermost(kernel.depth)) ? vectorWidth : 1,
  }
}

function operand(
  kernel: ContractKernel,
  schedule: MatrixSchedule,
  part: 'left' | 'right',
  along: Axis | undefined,
): MatrixOperand {
  const value = kernel[part]
  const width = part === 'left' ? tileRows(schedule) : tileColumns(schedule)
  const deep = blockDepth(schedule)
  const alongDepth = isContiguous(value, kernel.depth)
  const stride = strideOf(schedule, alongDepth ? deep : width)
  return {
    value,
    ...(along && { fours: components.map((_, by) => shiftScalar(value, new Map([[along, by]]))) }),
    axes: part === 'left' ? kernel.rows : kernel.columns,
    width,
    // The depth runs along the rows of the left operand, and along the columns of the right one.
    majority: alongDepth === (part === 'left') ? 'row_major' : 'col_major',
    stride,
    length: stride * (alongDepth ? width : deep),
    place: (depth, x) => (alongDepth ? `${whole(x)} * ${stride}u + ${depth}` : `${whole(depth)} * ${stride}u + ${x}`),
    ...(schedule.configuration.component === 'f16' && { kept: (text: string) => `f16(${text})` }),
  }
}

const whole = (text: string): string => (/^\w+$/.test(text) ? text : `(${text})`)

/** The axis along which the operand is read in vectors of four, and the slots that are bound so; none where it is not. */
function foursOf(
  kernel: ContractKernel,
  value: Scalar,
  axes: readonly Axis[],
  elsewhere: ReturnType<typeof loadsIn>,
): { readonly axis: Axis; readonly slots: ReadonlySet<number> } | undefined {
  const axis = innermost(isContiguous(value, kernel.depth) ? kernel.depth : axes)
  if (!axis || !isMultiple(axis.extent, vectorWidth)) return undefined
  const aligned = new Set([axis])
  const loads = loadsIn([value])
  const slots = vectorSlots(kernel.slots, [value], [], aligned)
  // What reads such a slot anywhere else is not at multiples of four there.
  for (const load of elsewhere) slots.delete(load.slot)
  for (const load of loads) if (!quarter(load.index, aligned)) slots.delete(load.slot)
  return loads.some((load) => slots.has(load.slot) && runsAlong(load.index, aligned)) ? { axis, slots } : undefined
}

export function countMatrixOperand(shader: Shader, { value, fours }: MatrixOperand): void {
  for (const scalar of fours ?? [value]) shader.identities.count(scalar)
}

export const stagedArray = (
  shader: Shader,
  staged: MatrixOperand,
  { configuration }: MatrixSchedule,
): MatrixOperand & { readonly array: string } => ({
  ...staged,
  array: shader.workgroupArray(configuration.component, staged.length),
})
