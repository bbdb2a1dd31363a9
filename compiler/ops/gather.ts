/** Reading and adding at indices that are data: gather, and its transpose scatter_add. */
import { type Dim, dim, multiply } from '../ir/dim.ts'
import { fault, requireAxis, requireDtype, requireNonNegative } from './faults.ts'
import type { OpDef } from './op.ts'
import { count, elementsOf, emptyValue, free } from './values.ts'

export interface GatherAttributes {
  readonly axis: number
}
export const gather: OpDef<'gather', GatherAttributes> = {
  name: 'gather',
  doc: 'slices of the data along an axis, chosen by int indices (clamped to range); their axes take the place of the axis',
  lower: { kind: 'lookup' },
  type: (operands, { axis }) => {
    const size = requireAxis(operands[0]!, axis)
    const indices = requireDtype(operands, 1, 'int')
    if (size.constant === 0) fault('empty', `axis ${axis} has no element to choose`, 0)
    return { shape: operands[0]!.shape.toSpliced(axis, 1, ...indices.shape), dtype: operands[0]!.dtype }
  },
  gradient: (b, node, g, { axis }) => [
    b.scatterAdd(g, node.operands[1]!, axis, node.operands[0]!.shape[axis]!),
    undefined,
  ],
  evaluate: ([data, indices], { axis }, context, node) => {
    const result = emptyValue(node, context)
    const along = data!.shape[axis]!
    const inner = count(data!.shape.slice(axis + 1))
    const outer = count(data!.shape.slice(0, axis))
    for (let o = 0, to = 0; o < outer; o++)
      for (let i = 0; i < indices!.data.length; i++, to += inner) {
        const from = (o * along + clamp(indices!.data[i]!, along)) * inner
        for (let k = 0; k < inner; k++) result.data[to + k] = data!.data[from + k]!
      }
    return result
  },
  cost: () => free,
  samples: [
    { operands: [{ shape: [7, 3] }, { shape: [5], dtype: 'int', range: [0, 6] }], attributes: { axis: 0 } },
    {
      operands: [{ shape: [2, 5] }, { shape: [3, 2], dtype: 'int', range: [0, 4] }],
      attributes: { axis: 1 },
      note: 'indices of two axes',
    },
    {
      operands: [{ shape: [4, 3] }, { shape: [6], dtype: 'int', range: [-3, 9] }],
      attributes: { axis: 0 },
      note: 'out of range',
    },
    {
      operands: [{ shape: [4, 3] }, { shape: [], dtype: 'int', range: [0, 3] }],
      attributes: { axis: 0 },
      note: 'one index',
    },
    { operands: [{ shape: [4, 3] }, { shape: [0], dtype: 'int' }], attributes: { axis: 0 }, note: 'no index' },
  ],
  print: ({ axis }) => `axis=${axis}`,
}

export interface ScatterAddAttributes {
  readonly axis: number
  readonly size: Dim
}
export const scatterAdd: OpDef<'scatter_add', ScatterAddAttributes> = {
  name: 'scatter_add',
  doc: 'the transpose of gather: zeros, to which each slice of the updates is added at its index (clamped to range)',
  lower: { kind: 'scatter' },
  type: (operands, { axis, size }) => {
    const updates = requireDtype(operands, 0, 'float')
    const indices = requireDtype(operands, 1, 'int')
    requireNonNegative(size, 'the size')
    for (const [i, dim] of indices.shape.entries())
      if (updates.shape[axis + i] !== dim)
        fault(
          'dims-differ',
          `axis ${i} of the indices is ${dim.key}, axis ${axis + i} of the updates ${updates.shape[axis + i]?.key ?? 'missing'}`,
          1,
        )
    return { shape: updates.shape.toSpliced(axis, indices.shape.length, size), dtype: updates.dtype }
  },
  gradient: (b, node, g, { axis }) => [b.gather(g, node.operands[1]!, axis), undefined],
  evaluate: ([updates, indices], { axis }, context, node) => {
    const result = emptyValue(node, context)
    const along = result.shape[axis]!
    const inner = count(result.shape.slice(axis + 1))
    const outer = count(result.shape.slice(0, axis))
    for (let o = 0, from = 0; o < outer; o++)
      for (let i = 0; i < indices!.data.length; i++, from += inner) {
        const to = (o * along + clamp(indices!.data[i]!, along)) * inner
        for (let k = 0; k < inner; k++) result.data[to + k]! += updates!.data[from + k]!
      }
    return result
  },
  cost: (node) => ({ flops: multiply(elementsOf(node.operands[0]!), dim(1)) }),
  samples: [
    {
      operands: [{ shape: [5, 3] }, { shape: [5], dtype: 'int', range: [0, 6] }],
      attributes: { axis: 0, size: dim(7) },
    },
    {
      operands: [{ shape: [2, 3, 2] }, { shape: [3, 2], dtype: 'int', range: [0, 1] }],
      attributes: { axis: 1, size: dim(2) },
      note: 'many to one',
    },
    {
      operands: [{ shape: [0, 3] }, { shape: [0], dtype: 'int' }],
      attributes: { axis: 0, size: dim(4) },
      note: 'no update',
    },
  ],
  print: ({ axis, size }) => `axis=${axis} size=${size.key}`,
}

const clamp = (index: number, size: number): number => Math.min(size - 1, Math.max(0, index))
