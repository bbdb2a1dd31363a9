/** Indices of shapes: row-major positions and back, and the guards that keep an index in range. */
import { type Dim, multiply, one, zero } from './dim.ts'
import { type IndexTerm, quotientIndex, remainderIndex, sumIndex, zeroIndex } from './index.ts'
import { isAlwaysInside } from './index-bounds.ts'
import type { Guard, Index } from './kernel.ts'

/** The row-major position of a multi-index. */
export function flattenIndex(index: readonly Index[], shape: readonly Dim[]): Index {
  const terms: IndexTerm[] = []
  let stride = one
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    terms.push({ factor: stride, index: index[axis]! })
    stride = multiply(stride, shape[axis]!)
  }
  return sumIndex(terms)
}

/** The multi-index of a row-major position. */
export function unflattenIndex(flat: Index, shape: readonly Dim[]): Index[] {
  const index = new Array<Index>(shape.length)
  let rest = flat
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis]!
    // A position inside the shape leaves nothing over after the first axis.
    index[axis] = size === one ? zeroIndex : axis === firstBroad(shape) ? rest : remainderIndex(rest, size)
    if (size !== one) rest = quotientIndex(rest, size)
  }
  return index
}
const firstBroad = (shape: readonly Dim[]): number => shape.findIndex((size) => size !== one)

/** The guard that `0 ≤ index < size`, or nothing where that always holds. */
export function insideGuard(index: Index, size: Dim): Guard | undefined {
  return isAlwaysInside(index, size) ? undefined : { kind: 'inside', index, size }
}
/** The guard that `by` divides the index, or nothing where it always does. */
export function divisibleGuard(index: Index, by: Dim): Guard | undefined {
  if (by === one) return undefined
  const rest = remainderIndex(index, by)
  return rest.kind === 'dim' && rest.dim === zero ? undefined : { kind: 'divisible', index, by }
}
