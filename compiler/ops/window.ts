/** Sliding windows and their transpose: pooling is a window and a reduction, and gradients of windows are folds. */
import { add, type Dim, dim, floorQuotient, one, scale, subtract, zero } from '../ir/dim.ts'
import { fault, requireAxis, requireNonNegative } from './faults.ts'
import type { OpDef } from './op.ts'
import { costPerElement, count, emptyValue, free } from './values.ts'

export interface WindowAttributes {
  readonly axis: number
  /** Elements a window. */
  readonly size: number
  readonly stride: number
  readonly dilation: number
  readonly low: number
  /** Padding after the axis; a `Dim`, so that it can be solved for a wanted number of windows. */
  readonly high: Dim
  /** The value read outside the axis. */
  readonly fill: number
}
export const window: OpDef<'window', WindowAttributes> = {
  name: 'window',
  doc: '`[…, H, …]` → `[…, O, K, …]`: element k of window o is element `o·stride + k·dilation - low`, or the fill outside',
  lower: { kind: 'view' },
  type: ([operand], attributes) => {
    const { axis, size, stride, dilation, low, high } = attributes
    const along = requireAxis(operand!, axis)
    requirePositive({ size, stride, dilation })
    const room = add(along, dim(low - extent(size, dilation)), high)
    if (room.constant !== undefined && room.constant < 0)
      fault(
        'window',
        `a window over ${extent(size, dilation)} elements does not fit ${add(along, dim(low), high).key}`,
        0,
      )
    const windows = add(floorQuotient(room, dim(stride)), one)
    return { shape: operand!.shape.toSpliced(axis, 1, windows, dim(size)), dtype: operand!.dtype }
  },
  gradient: (b, node, g, { axis, stride, dilation, low }) => [
    b.fold(g, { axis, size: node.operands[0]!.shape[axis]!, stride, dilation, low }),
  ],
  evaluate: ([operand], { axis, stride, dilation, low, fill }, context, node) => {
    const result = emptyValue(node, context)
    const along = operand!.shape[axis]!
    eachWindowElement(result.shape, axis, along, { stride, dilation, low }, (element, source, inner) => {
      if (source < 0) result.data.fill(fill, element, element + inner)
      else for (let i = 0; i < inner; i++) result.data[element + i] = operand!.data[source + i]!
    })
    return result
  },
  cost: () => free,
  samples: [
    {
      operands: [{ shape: [7] }],
      attributes: { axis: 0, size: 3, stride: 1, dilation: 1, low: 0, high: zero, fill: 0 },
    },
    {
      operands: [{ shape: [2, 7, 3] }],
      attributes: { axis: 1, size: 2, stride: 2, dilation: 1, low: 0, high: zero, fill: 0 },
      note: 'a left-over',
    },
    {
      operands: [{ shape: [8, 1] }],
      attributes: { axis: 0, size: 3, stride: 2, dilation: 2, low: 2, high: dim(1), fill: -9 },
      note: 'padded, dilated',
    },
    {
      operands: [{ shape: [0, 5] }],
      attributes: { axis: 1, size: 5, stride: 1, dilation: 1, low: 0, high: zero, fill: 0 },
      note: 'no element',
    },
  ],
  print: ({ high, ...rest }) =>
    Object.entries({ ...rest, high: high.key })
      .map(([name, value]) => `${name}=${value}`)
      .join(' '),
}

export interface FoldAttributes {
  readonly axis: number
  readonly size: Dim
  readonly stride: number
  readonly dilation: number
  readonly low: number
}
export const fold: OpDef<'fold', FoldAttributes> = {
  name: 'fold',
  doc: '`[…, O, K, …]` → `[…, size, …]`: each element is the sum of the window elements read from its place',
  lower: { kind: 'reduce', combine: 'sum' },
  type: ([operand], { axis, size, stride, dilation }) => {
    requireAxis(operand!, axis)
    const windowSize = requireAxis(operand!, axis + 1).constant
    if (windowSize === undefined) fault('window', 'the size of a window is not a plain number', 0)
    if (operand!.dtype !== 'float') fault('dtype', `the operand is ${operand!.dtype}, where float is needed`, 0)
    requirePositive({ size: Math.max(1, windowSize), stride, dilation })
    requireNonNegative(size, 'the size')
    return { shape: operand!.shape.toSpliced(axis, 2, size), dtype: operand!.dtype }
  },
  gradient: (b, node, g, { axis, stride, dilation, low }) => {
    const [windows, windowSize] = [node.operands[0]!.shape[axis]!, node.operands[0]!.shape[axis + 1]!.constant!]
    // Chosen so that the window op makes exactly this many windows.
    const needed = add(scale(subtract(windows, one), stride), dim(extent(windowSize, dilation)))
    const high = subtract(needed, add(g.shape[axis]!, dim(low)))
    return [b.window(g, { axis, size: windowSize, stride, dilation, low, high, fill: 0 })]
  },
  evaluate: ([operand], { axis, stride, dilation, low }, context, node) => {
    const result = emptyValue(node, context)
    eachWindowElement(
      operand!.shape,
      axis,
      result.shape[axis]!,
      { stride, dilation, low },
      (element, source, inner) => {
        if (source >= 0) for (let i = 0; i < inner; i++) result.data[source + i]! += operand!.data[element + i]!
      },
    )
    return result
  },
  cost: (node) => costPerElement(node.operands[0]!, 1),
  samples: [
    { operands: [{ shape: [5, 3] }], attributes: { axis: 0, size: dim(7), stride: 1, dilation: 1, low: 0 } },
    {
      operands: [{ shape: [2, 3, 2, 5] }],
      attributes: { axis: 1, size: dim(7), stride: 2, dilation: 1, low: 0 },
      note: 'strided',
    },
    {
      operands: [{ shape: [4, 3] }],
      attributes: { axis: 0, size: dim(8), stride: 2, dilation: 2, low: 2 },
      note: 'padded, dilated',
    },
    {
      operands: [{ shape: [0, 3, 2] }],
      attributes: { axis: 1, size: dim(4), stride: 1, dilation: 1, low: 0 },
      note: 'no element',
    },
  ],
  print: ({ size, ...rest }) =>
    Object.entries({ ...rest, size: size.key })
      .map(([name, value]) => `${name}=${value}`)
      .join(' '),
}

const extent = (size: number, dilation: number): number => (size - 1) * dilation + 1

function requirePositive(numbers: Readonly<Record<'size' | 'stride' | 'dilation', number>>): void {
  for (const [name, value] of Object.entries(numbers))
    if (!Number.isInteger(value) || value < 1) fault('window', `the ${name} of a window is ${value}`)
}

/** Visits (window element, place it is read from or -1, run length) for a windowed shape `[…, O, K, …]`. */
function eachWindowElement(
  shape: readonly number[],
  axis: number,
  along: number,
  { stride, dilation, low }: { readonly stride: number; readonly dilation: number; readonly low: number },
  visit: (element: number, source: number, inner: number) => void,
): void {
  const [outer, inner] = [count(shape.slice(0, axis)), count(shape.slice(axis + 2))]
  const [windows, size] = [shape[axis]!, shape[axis + 1]!]
  if (inner === 0) return
  for (let o = 0, element = 0; o < outer; o++)
    for (let w = 0; w < windows; w++)
      for (let k = 0; k < size; k++, element += inner) {
        const at = w * stride + k * dilation - low
        visit(element, at < 0 || at >= along ? -1 : (o * along + at) * inner, inner)
      }
}
