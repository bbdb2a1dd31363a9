/** Views that keep every element: reshape, permute, broadcast. */
import { type Dim, dim, one, printDims, product } from '../ir/dim.ts'
import { fault, printType, requireAxis } from './faults.ts'
import type { OpDef, Value } from './op.ts'
import { copyStrided, emptyValue, free, rowMajorStrides } from './values.ts'

export interface ReshapeAttributes {
  readonly shape: readonly Dim[]
}
export const reshape: OpDef<'reshape', ReshapeAttributes> = {
  name: 'reshape',
  doc: 'the same elements in row-major order under another shape',
  lower: { kind: 'view' },
  type: ([operand], { shape }) => {
    const [before, after] = [product(operand!.shape), product(shape)]
    if (before !== after)
      fault(
        'count-differs',
        `${printType(operand!)} has ${before.key} elements, ${printDims(shape)} has ${after.key}`,
        0,
      )
    return { shape, dtype: operand!.dtype }
  },
  gradient: (b, node, g) => [b.reshape(g, node.operands[0]!.shape)],
  evaluate: ([operand], { shape }, context) => ({ ...operand!, shape: shape.map(context.size) }),
  cost: () => free,
  samples: [
    { operands: [{ shape: [6, 5] }], attributes: { shape: [dim(5), dim(3), dim(2)] } },
    { operands: [{ shape: [1] }], attributes: { shape: [] }, note: 'to a scalar' },
    { operands: [{ shape: [0, 3] }], attributes: { shape: [dim(3), dim(0)] }, note: 'no element' },
  ],
  print: ({ shape }) => printDims(shape),
}

export interface PermuteAttributes {
  /** Result axis i is operand axis `order[i]`. */
  readonly order: readonly number[]
}
export const permute: OpDef<'permute', PermuteAttributes> = {
  name: 'permute',
  doc: 'the axes in another order',
  lower: { kind: 'view' },
  type: ([operand], { order }) => {
    if (!isOrder(order, operand!.shape.length))
      fault('order', `[${order.join(', ')}] is no order of the axes of ${printType(operand!)}`, 0)
    const shape: Dim[] = []
    for (let i = 0; i < order.length; i++) shape.push(operand!.shape[order[i]!]!)
    return { shape, dtype: operand!.dtype }
  },
  gradient: (b, _node, g, { order }) => [b.permute(g, inverseOrder(order))],
  evaluate: ([operand], { order }, context, node) => {
    const result = emptyValue(node, context)
    const strides = rowMajorStrides(operand!.shape)
    copyStrided(
      result.data,
      0,
      rowMajorStrides(result.shape),
      operand!.data,
      0,
      order.map((axis) => strides[axis]!),
      result.shape,
    )
    return result
  },
  cost: () => free,
  samples: [
    { operands: [{ shape: [3, 7] }], attributes: { order: [1, 0] } },
    { operands: [{ shape: [2, 3, 5, 1] }], attributes: { order: [2, 0, 3, 1] }, note: 'four axes' },
    { operands: [{ shape: [2, 0] }], attributes: { order: [1, 0] }, note: 'no element' },
  ],
  print: ({ order }) => `[${order.join(', ')}]`,
}

/** Whether each axis is there once. */
function isOrder(order: readonly number[], rank: number): boolean {
  if (order.length !== rank) return false
  for (let axis = 0; axis < rank; axis++) if (!order.includes(axis)) return false
  return true
}

export function inverseOrder(order: readonly number[]): number[] {
  const inverse = new Array<number>(order.length)
  for (const [at, axis] of order.entries()) inverse[axis] = at
  return inverse
}

export interface BroadcastAttributes {
  readonly shape: readonly Dim[]
  /** Operand axis i is result axis `axes[i]`; ascending. The other result axes repeat the operand. */
  readonly axes: readonly number[]
}
export const broadcast: OpDef<'broadcast', BroadcastAttributes> = {
  name: 'broadcast',
  doc: 'the operand, repeated along further axes',
  lower: { kind: 'view' },
  type: ([operand], { shape, axes }) => {
    if (axes.length !== operand!.shape.length)
      fault('rank', `${axes.length} axes are given for ${printType(operand!)}`, 0)
    for (let i = 0; i < axes.length; i++) {
      const axis = axes[i]!
      if (i > 0 && axis <= axes[i - 1]!) fault('axis-order', `the axes ${axes.join(', ')} do not ascend`, 0)
      const size = requireAxis({ shape, dtype: operand!.dtype }, axis)
      if (size !== operand!.shape[i])
        fault('dims-differ', `axis ${i} of the operand is ${operand!.shape[i]!.key}, of the result ${size.key}`, 0)
    }
    return { shape, dtype: operand!.dtype }
  },
  gradient: (b, node, g, { axes }) => [
    b.sum(
      g,
      node.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis)),
    ),
  ],
  evaluate: ([operand], { axes }, context, node) => broadcastValue(operand!, axes, emptyValue(node, context)),
  cost: () => free,
  samples: [
    { operands: [{ shape: [] }], attributes: { shape: [dim(3), dim(5)], axes: [] }, note: 'a scalar' },
    { operands: [{ shape: [5] }], attributes: { shape: [dim(3), dim(5)], axes: [1] }, note: 'rows' },
    { operands: [{ shape: [3] }], attributes: { shape: [dim(3), dim(7)], axes: [0] }, note: 'columns' },
    {
      operands: [{ shape: [2, 3] }],
      attributes: { shape: [one, dim(2), dim(4), dim(3)], axes: [1, 3] },
      note: 'between',
    },
    { operands: [{ shape: [3] }], attributes: { shape: [dim(0), dim(3)], axes: [1] }, note: 'no element' },
  ],
  print: ({ shape, axes }) => `${printDims(shape)} axes=[${axes.join(', ')}]`,
}

function broadcastValue(operand: Value, axes: readonly number[], result: Value): Value {
  if (operand.data.length === 1) result.data.fill(operand.data[0]!)
  else {
    const strides = rowMajorStrides(operand.shape)
    const from = result.shape.map((_, axis) => (axes.includes(axis) ? strides[axes.indexOf(axis)]! : 0))
    copyStrided(result.data, 0, rowMajorStrides(result.shape), operand.data, 0, from, result.shape)
  }
  return result
}
