/** Making and walking the reference interpreter's dense row-major tensors. */
import { type Dim, dim, multiply, product } from '../ir/dim.ts'
import type { DType, Node } from '../ir/graph.ts'
import type { Cost, EvaluationContext, Value } from './op.ts'

/** A zeroed value of the type a node has under the context's dims. */
export function emptyValue(
  node: { readonly shape: readonly Dim[]; readonly dtype: DType },
  context: EvaluationContext,
): Value {
  const shape = node.shape.map(context.size)
  return { shape, dtype: node.dtype, data: context.allocate(node.dtype, count(shape)) }
}

export const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

export function rowMajorStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length)
  for (let axis = shape.length - 1, stride = 1; axis >= 0; axis--) {
    strides[axis] = stride
    stride *= shape[axis]!
  }
  return strides
}

/**
 * Copies `shape` elements between strided places. Axes that lie contiguously in both are merged first, and the two
 * innermost loops are plain, so that copies of every layout run at the machine's pace.
 */
export function copyStrided(
  target: Value['data'],
  targetStart: number,
  targetStrides: readonly number[],
  source: Value['data'],
  sourceStart: number,
  sourceStrides: readonly number[],
  shape: readonly number[],
): void {
  if (shape.includes(0)) return
  const axes: { size: number; to: number; from: number }[] = []
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis]!
    if (size === 1) continue
    const to = targetStrides[axis]!
    const from = sourceStrides[axis]!
    const inner = axes.at(-1)
    if (inner && to === inner.to * inner.size && from === inner.from * inner.size) inner.size *= size
    else axes.push({ size, to, from })
  }
  const [inner = { size: 1, to: 1, from: 1 }, ...outer] = axes
  const index = new Array<number>(outer.length).fill(0)
  let to = targetStart
  let from = sourceStart
  for (;;) {
    for (let i = 0, t = to, s = from; i < inner.size; i++, t += inner.to, s += inner.from) target[t] = source[s]!
    let axis = 0
    for (; axis < outer.length; axis++) {
      const { size, to: toStride, from: fromStride } = outer[axis]!
      to += toStride
      from += fromStride
      if (++index[axis]! < size) break
      index[axis] = 0
      to -= toStride * size
      from -= fromStride * size
    }
    if (axis === outer.length) return
  }
}

/** The number of elements of a node, as a polynomial. */
export const elementsOf = (node: Node): Dim => product(node.shape)
export const costPerElement = (node: Node, flops: number): Cost => ({ flops: multiply(elementsOf(node), dim(flops)) })
export const free: Cost = { flops: dim(0) }
