/** Views that cut and join: slice, pad, concat. */
import { add, type Dim, dim, one, printDims, scale, subtract, zero } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import type { GraphBuilder } from './builder.ts'
import { fault, printType, requireAxis, requireNonNegative, requireSameDtype } from './faults.ts'
import type { OpDef } from './op.ts'
import { copyStrided, emptyValue, free, rowMajorStrides } from './values.ts'

export interface SliceAttributes {
  readonly starts: readonly Dim[]
  readonly sizes: readonly Dim[]
  /** Never 0; negative steps walk backwards. */
  readonly steps: readonly number[]
}
export const slice: OpDef<'slice', SliceAttributes> = {
  name: 'slice',
  doc: 'along each axis the elements `start`, `start + step`, … (`size` of them)',
  lower: { kind: 'view' },
  type: ([operand], { starts, sizes, steps }) => {
    const rank = operand!.shape.length
    if (starts.length !== rank || sizes.length !== rank || steps.length !== rank)
      fault('rank', `${starts.length} ranges are given for ${printType(operand!)}`, 0)
    for (const [axis, size] of sizes.entries()) {
      requireNonNegative(size, `the size along axis ${axis}`)
      if (steps[axis] === 0) fault('step', `the step along axis ${axis} is 0`, 0)
      if (size.constant === 0) continue
      const last = add(starts[axis]!, dim((size.constant ?? 1) * steps[axis]! - steps[axis]!))
      for (const end of size.constant === undefined ? [starts[axis]!] : [starts[axis]!, last]) {
        const beyond = subtract(end, operand!.shape[axis]!).constant
        if ((end.constant !== undefined && end.constant < 0) || (beyond !== undefined && beyond >= 0))
          fault('index-range', `index ${end.key} is outside axis ${axis} of ${printType(operand!)}`, 0)
      }
    }
    return { shape: sizes, dtype: operand!.dtype }
  },
  gradient: (b, node, g) => [sliceGradient(b, node as Node<'slice'>, g)],
  evaluate: ([operand], { starts, steps }, context, node) => {
    const result = emptyValue(node, context)
    const strides = rowMajorStrides(operand!.shape)
    const start = starts.reduce((sum, at, axis) => sum + context.size(at) * strides[axis]!, 0)
    const from = strides.map((stride, axis) => stride * steps[axis]!)
    copyStrided(result.data, 0, rowMajorStrides(result.shape), operand!.data, start, from, result.shape)
    return result
  },
  cost: () => free,
  samples: [
    { operands: [{ shape: [7, 5] }], attributes: { starts: [dim(2), zero], sizes: [dim(3), dim(5)], steps: [1, 1] } },
    {
      operands: [{ shape: [7, 5] }],
      attributes: { starts: [dim(1), zero], sizes: [dim(3), dim(2)], steps: [2, 3] },
      note: 'steps',
    },
    { operands: [{ shape: [7] }], attributes: { starts: [dim(6)], sizes: [dim(7)], steps: [-1] }, note: 'reversed' },
    {
      operands: [{ shape: [8] }],
      attributes: { starts: [dim(7)], sizes: [dim(3)], steps: [-3] },
      note: 'a negative step',
    },
    {
      operands: [{ shape: [3, 2] }],
      attributes: { starts: [dim(3), zero], sizes: [zero, dim(2)], steps: [1, 1] },
      note: 'no element',
    },
  ],
  print: ({ starts, sizes, steps }) => `${printDims(starts)} sizes=${printDims(sizes)} steps=[${steps.join(', ')}]`,
}

/** Puts each cotangent back where its element was read, zero elsewhere. */
function sliceGradient(b: GraphBuilder, node: Node<'slice'>, cotangent: Node): Node {
  const { starts, sizes, steps } = node.attributes
  const { shape } = node.operands[0]!
  let g = cotangent
  const low = [...starts]
  for (const [axis, step] of steps.entries()) {
    if (step === 1) continue
    if (step < 0) {
      g = b.reverse(g, axis)
      // The last element read is now the first: start + step · (size - 1).
      low[axis] = add(starts[axis]!, scale(subtract(sizes[axis]!, one), step))
    }
    if (Math.abs(step) > 1) {
      // Folding windows of one element spreads them `|step|` apart over what is left of the axis.
      const spread = b.reshape(g, g.shape.toSpliced(axis + 1, 0, dim(1)))
      const room = subtract(shape[axis]!, low[axis]!)
      g = b.fold(spread, { axis, size: room, stride: Math.abs(step), dilation: 1, low: 0 })
    }
  }
  const high = low.map((start, axis) => subtract(subtract(shape[axis]!, start), g.shape[axis]!))
  return b.pad(g, low, high, 0)
}

export interface PadAttributes {
  readonly low: readonly Dim[]
  readonly high: readonly Dim[]
  readonly value: number
}
export const pad: OpDef<'pad', PadAttributes> = {
  name: 'pad',
  doc: 'the operand with `low` and `high` further elements of one value before and after it along each axis',
  lower: { kind: 'view' },
  type: ([operand], { low, high }) => {
    const rank = operand!.shape.length
    if (low.length !== rank || high.length !== rank)
      fault('rank', `${low.length} axes are padded of ${printType(operand!)}`, 0)
    for (const [axis, amount] of [...low.entries(), ...high.entries()])
      requireNonNegative(amount, `the padding of axis ${axis}`)
    return { shape: operand!.shape.map((size, axis) => add(size, low[axis]!, high[axis]!)), dtype: operand!.dtype }
  },
  gradient: (b, node, g, { low }) => [b.slice(g, low, node.operands[0]!.shape)],
  evaluate: ([operand], { low, value }, context, node) => {
    const result = emptyValue(node, context)
    if (value !== 0) result.data.fill(value)
    const strides = rowMajorStrides(result.shape)
    const start = low.reduce((sum, amount, axis) => sum + context.size(amount) * strides[axis]!, 0)
    copyStrided(result.data, start, strides, operand!.data, 0, rowMajorStrides(operand!.shape), operand!.shape)
    return result
  },
  cost: () => free,
  samples: [
    { operands: [{ shape: [3, 5] }], attributes: { low: [dim(1), zero], high: [dim(2), dim(1)], value: 0 } },
    { operands: [{ shape: [4] }], attributes: { low: [dim(2)], high: [zero], value: -1.5 }, note: 'another value' },
    { operands: [{ shape: [0] }], attributes: { low: [dim(1)], high: [dim(2)], value: 1 }, note: 'an empty operand' },
  ],
  print: ({ low, high, value }) => `low=${printDims(low)} high=${printDims(high)} value=${value}`,
}

export interface ConcatAttributes {
  readonly axis: number
}
export const concat: OpDef<'concat', ConcatAttributes> = {
  name: 'concat',
  doc: 'the operands one after another along an axis',
  lower: { kind: 'view' },
  type: (operands, { axis }) => {
    if (operands.length === 0) fault('operands', 'there is nothing to join')
    const dtype = requireSameDtype(
      operands,
      operands.map((_, index) => index),
    )
    const first = operands[0]!.shape
    requireAxis(operands[0]!, axis)
    for (const [index, { shape }] of operands.entries()) {
      if (shape.length !== first.length)
        fault('rank', `part ${index + 1} has ${shape.length} axes, part 1 has ${first.length}`, index)
      for (const [at, size] of shape.entries())
        if (at !== axis && size !== first[at])
          fault('dims-differ', `axis ${at} of part 1 is ${first[at]!.key}, of part ${index + 1} ${size.key}`, index)
    }
    return { shape: first.with(axis, add(...operands.map(({ shape }) => shape[axis]!))), dtype }
  },
  gradient: (b, node, g, { axis }) => {
    let start = zero
    return node.operands.map((operand) => {
      const starts = g.shape.map((_, at) => (at === axis ? start : zero))
      start = add(start, operand.shape[axis]!)
      return b.slice(g, starts, operand.shape)
    })
  },
  evaluate: (operands, { axis }, context, node) => {
    const result = emptyValue(node, context)
    const strides = rowMajorStrides(result.shape)
    let start = 0
    for (const operand of operands) {
      copyStrided(
        result.data,
        start * strides[axis]!,
        strides,
        operand.data,
        0,
        rowMajorStrides(operand.shape),
        operand.shape,
      )
      start += operand.shape[axis]!
    }
    return result
  },
  cost: () => free,
  samples: [
    { operands: [{ shape: [3] }, { shape: [5] }], attributes: { axis: 0 } },
    {
      operands: [{ shape: [2, 3] }, { shape: [2, 1] }, { shape: [2, 0] }],
      attributes: { axis: 1 },
      note: 'three parts, one empty',
    },
  ],
  print: ({ axis }) => `axis=${axis}`,
}
