/** Broadcasting by numpy's rules: shapes are aligned at the last axis, and a literal 1 stretches. */

import type { Dim } from '../ir/dim.ts'
import * as dims from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import type { GraphBuilder } from './builder.ts'
import { fault, printType } from './faults.ts'
import type { TensorType } from './op.ts'

/** The shape that numpy's rules give: aligned at the last axis, a literal 1 stretches. */
export function broadcastShape(types: readonly TensorType[]): readonly Dim[] {
  let rank = 0
  for (let index = 0; index < types.length; index++) rank = Math.max(rank, types[index]!.shape.length)
  const joined: Dim[] = []
  for (let axis = 0; axis < rank; axis++) {
    let found = dims.one
    let from: TensorType | undefined
    for (let index = 0; index < types.length; index++) {
      const type = types[index]!
      const dim = type.shape[axis - rank + type.shape.length]
      if (dim === undefined || dim === dims.one || dim === found) continue
      if (from)
        fault(
          'dims-differ',
          `axis ${axis - rank} of ${printType(from)} is ${found.key}, of ${printType(type)} ${dim.key}`,
          index,
        )
      found = dim
      from = type
    }
    joined.push(found)
  }
  return joined
}
/** Stretches to a shape by numpy's rules. */
export function broadcastTo(b: GraphBuilder, x: Node, shape: readonly Dim[]): Node {
  if (dims.sameDims(x.shape, shape)) return x
  const missing = shape.length - x.shape.length
  if (missing < 0) fault('rank', `${printType(x)} has more axes than ${dims.printDims(shape)}`)
  const sizes: Dim[] = []
  const axes: number[] = []
  for (let axis = 0; axis < x.shape.length; axis++) {
    const size = x.shape[axis]!
    if (size === shape[axis + missing]) {
      sizes.push(size)
      axes.push(axis + missing)
    } else if (size !== dims.one)
      fault(
        'dims-differ',
        `axis ${axis} of ${printType(x)} is ${size.key}, of the result ${shape[axis + missing]!.key}`,
      )
  }
  return b.broadcast(b.reshape(x, sizes), shape, axes)
}
