/** What type rules have in common: the checks of operands, each giving facts in the language's words. */
import { type Dim, printDims } from '../ir/dim.ts'
import type { DType } from '../ir/graph.ts'
import { ShapeFault, type TensorType } from './op.ts'

export function fault(kind: string, reason: string, operand?: number): never {
  throw new ShapeFault({ kind, reason, ...(operand !== undefined && { operand }) })
}

export const printType = (type: TensorType): string => `${type.dtype}${printDims(type.shape)}`

export const requireDtype = (
  operands: readonly TensorType[],
  index: number,
  ...allowed: readonly DType[]
): TensorType => requireOneOf(operands, index, allowed)

export function requireOneOf(operands: readonly TensorType[], index: number, allowed: readonly DType[]): TensorType {
  const type = operands[index]!
  if (!allowed.includes(type.dtype))
    fault('dtype', `${place(operands, index)} is ${type.dtype}, where ${allowed.join(' or ')} is needed`, index)
  return type
}

export function requireSameDtype(operands: readonly TensorType[], indices: readonly number[]): DType {
  const first = operands[indices[0]!]!.dtype
  for (let at = 1; at < indices.length; at++) {
    const index = indices[at]!
    if (operands[index]!.dtype !== first)
      fault(
        'dtypes-differ',
        `${place(operands, indices[0]!)} is ${first} and ${place(operands, index)} is ${operands[index]!.dtype}`,
        index,
      )
  }
  return first
}

export function requireSameShape(operands: readonly TensorType[], indices: readonly number[]): readonly Dim[] {
  const first = operands[indices[0]!]!.shape
  for (let at = 1; at < indices.length; at++) {
    const index = indices[at]!
    const shape = operands[index]!.shape
    if (shape === first) continue
    if (shape.length !== first.length)
      fault(
        'rank',
        `${place(operands, indices[0]!)} has ${axes(first.length)} and ${place(operands, index)} has ${axes(shape.length)}`,
        index,
      )
    for (let axis = 0; axis < first.length; axis++)
      if (shape[axis] !== first[axis])
        fault(
          'dims-differ',
          `axis ${axis} of ${place(operands, indices[0]!)} is ${first[axis]!.key}, of ${place(operands, index)} ${shape[axis]!.key}`,
          index,
        )
  }
  return first
}

export function requireAxis(type: TensorType, axis: number): Dim {
  if (!Number.isInteger(axis) || axis < 0 || axis >= type.shape.length)
    fault('axis-range', `there is no axis ${axis} in ${printType(type)}`, 0)
  return type.shape[axis]!
}

/** Axes of a reduction: in range, ascending, each once. */
export function requireAxes(type: TensorType, list: readonly number[]): void {
  let before = -1
  for (let at = 0; at < list.length; at++) {
    const axis = list[at]!
    requireAxis(type, axis)
    if (axis <= before) fault('axis-order', `the axes ${list.join(', ')} repeat or do not ascend`, 0)
    before = axis
  }
}

export function requireNonNegative(dim: Dim, what: string): void {
  if (dim.constant !== undefined && dim.constant < 0) fault('negative-size', `${what} is ${dim.key}`)
}

function place(operands: readonly TensorType[], index: number): string {
  if (operands.length === 1) return 'the operand'
  if (operands.length === 2) return index === 0 ? 'the left operand' : 'the right operand'
  return `operand ${index + 1}`
}
const axes = (rank: number): string => (rank === 1 ? '1 axis' : `${rank} axes`)
