/** Reductions along axes: sum, extrema and their positions. Reduced axes are removed. */
import type { Dim } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import type { GraphBuilder } from './builder.ts'
import { fault, printType, requireAxes, requireDtype } from './faults.ts'
import type { Combine, EvaluationContext, OpDef, Sample, TensorType, Value } from './op.ts'
import { costPerElement, count, emptyValue } from './values.ts'

export interface ReduceAttributes {
  /** Ascending. */
  readonly axes: readonly number[]
}
type Reduction<Name extends string> = OpDef<Name, ReduceAttributes>

export const reduceSum: Reduction<'reduce_sum'> = {
  ...reduction('sum', 'the sum along the axes'),
  name: 'reduce_sum',
  gradient: (b, node, g, { axes }) => [spread(b, g, node.operands[0]!.shape, axes)],
}
export const reduceMax: Reduction<'reduce_max'> = {
  ...reduction('max', 'the greatest element along the axes'),
  name: 'reduce_max',
  gradient: (b, node, g, { axes }) => [toFirst(b, node.operands[0]!, g, axes, b.argmax(node.operands[0]!, axes))],
}
export const reduceMin: Reduction<'reduce_min'> = {
  ...reduction('min', 'the least element along the axes'),
  name: 'reduce_min',
  gradient: (b, node, g, { axes }) => [toFirst(b, node.operands[0]!, g, axes, b.argmin(node.operands[0]!, axes))],
}
export const argmax: Reduction<'argmax'> = {
  ...reduction('argmax', 'the flat position over the axes of the first greatest element'),
  name: 'argmax',
  gradient: undefined,
}
export const argmin: Reduction<'argmin'> = {
  ...reduction('argmin', 'the flat position over the axes of the first least element'),
  name: 'argmin',
  gradient: undefined,
}

function reduction(combine: Combine, doc: string): Omit<Reduction<never>, 'name' | 'gradient'> {
  const position = combine === 'argmax' || combine === 'argmin'
  return {
    doc,
    lower: { kind: 'reduce', combine },
    type: (operands, { axes }): TensorType => {
      const operand = requireDtype(operands, 0, 'float', 'int')
      requireAxes(operand, axes)
      for (const axis of combine === 'sum' ? [] : axes)
        if (operand.shape[axis]!.constant === 0)
          fault('empty', `there is no element along axis ${axis} of ${printType(operand)}`, 0)
      return { shape: operand.shape.filter((_, axis) => !axes.includes(axis)), dtype: position ? 'int' : operand.dtype }
    },
    evaluate: ([operand], { axes }, context, node) => reduceValue(combine, operand!, axes, context, node),
    cost: (node) => costPerElement(node.operands[0]!, 1),
    samples: samplesOf(combine),
    print: ({ axes }) => `axes=[${axes.join(', ')}]`,
  }
}

/** A value per reduced index, repeated along the reduced axes. */
function spread(b: GraphBuilder, value: Node, shape: readonly Dim[], axes: readonly number[]): Node {
  return b.broadcast(
    value,
    shape,
    shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis)),
  )
}

/** The cotangent at the first element that attains the extremum, zero elsewhere. */
function toFirst(b: GraphBuilder, x: Node, g: Node, axes: readonly number[], position: Node): Node {
  const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis))
  const order = [...kept, ...axes]
  const permuted = order.map((axis) => x.shape[axis]!)
  const flat = b.mergeAxes(permuted, kept.length)
  const here = b.eq(b.iota(flat, kept.length), spread(b, position, flat, [kept.length]))
  const inverse = order.map((_, axis) => order.indexOf(axis))
  const mask = b.permute(b.reshape(here, permuted), inverse)
  return b.select(mask, spread(b, g, x.shape, axes), 0)
}

function reduceValue(
  combine: Combine,
  operand: Value,
  axes: readonly number[],
  context: EvaluationContext,
  node: Node,
): Value {
  const result = emptyValue(node, context)
  const { shape, data } = operand
  const kept = shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis))
  const strides = stridesOf(shape)
  const outerOffsets = offsets(
    kept.map((axis) => shape[axis]!),
    kept.map((axis) => strides[axis]!),
  )
  const innerOffsets = offsets(
    axes.map((axis) => shape[axis]!),
    axes.map((axis) => strides[axis]!),
  )
  for (let o = 0; o < outerOffsets.length; o++) {
    const base = outerOffsets[o]!
    if (combine === 'sum') {
      let sum = 0
      for (let i = 0; i < innerOffsets.length; i++) sum += data[base + innerOffsets[i]!]!
      result.data[o] = sum
      continue
    }
    const sign = combine === 'max' || combine === 'argmax' ? 1 : -1
    let best = -Infinity
    let at = 0
    for (let i = 0; i < innerOffsets.length; i++) {
      const value = sign * data[base + innerOffsets[i]!]!
      // A NaN wins, so that it cannot hide in an extremum.
      if (value > best || (Number.isNaN(value) && !Number.isNaN(best))) {
        best = value
        at = i
      }
    }
    result.data[o] = combine === 'argmax' || combine === 'argmin' ? at : sign * best
  }
  return result
}

function stridesOf(shape: readonly number[]): number[] {
  return shape.map((_, axis) => count(shape.slice(axis + 1)))
}

/** The offset of every index of a strided shape, in row-major order. */
function offsets(shape: readonly number[], strides: readonly number[]): Int32Array {
  let list: Int32Array = new Int32Array([0])
  for (const [axis, size] of shape.entries()) {
    const next: Int32Array = new Int32Array(list.length * size)
    for (let i = 0, at = 0; i < list.length; i++)
      for (let k = 0, offset = list[i]!; k < size; k++, offset += strides[axis]!) next[at++] = offset
    list = next
  }
  return list
}

function samplesOf(combine: Combine): Sample<ReduceAttributes>[] {
  const distinct = combine !== 'sum'
  return [
    { operands: [{ shape: [7, 5], distinct }], attributes: { axes: [1] } },
    { operands: [{ shape: [7, 5], distinct }], attributes: { axes: [0] }, note: 'the first axis' },
    { operands: [{ shape: [2, 3, 5, 2], distinct }], attributes: { axes: [0, 2] }, note: 'two axes apart' },
    { operands: [{ shape: [3, 1], distinct }], attributes: { axes: [0, 1] }, note: 'to a scalar' },
    { operands: [{ shape: [0, 3], distinct }], attributes: { axes: [1] }, note: 'no row' },
    { operands: [{ shape: [4, 3], dtype: 'int' }], attributes: { axes: [1] }, note: 'int' },
    ...(combine === 'sum' ? [{ operands: [{ shape: [3, 0] }], attributes: { axes: [1] }, note: 'empty rows' }] : []),
  ]
}
