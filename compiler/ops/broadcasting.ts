/** Broadcasting by numpy's rules: shapes are aligned at the last axis, and a literal 1 stretches. */

import type { Dim } from '../ir/dim.ts'
import * as dims from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import type { GraphBuilder } from './builder.ts'
import { fault, printType } from './faults.ts'
import type { TensorType } from './op.ts'

/** The shape that numpy's rules give: aligned at the last axis, a literal 1 stretches. */
export function broadcastShape(types: readonly TensorType[]): readonly Dim[] {
  const rank = Math.max(...types.map(({ shape }) => shape.length))
  return Array.from({ length: rank }, (_, axis) => {
    let found = dims.one
    let from: TensorType | undefined
    for (const [index, type] of types.entries()) {
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
    return found
  })
}
/** Stretches to a shape by numpy's rules. */
export function broadcastTo(b: GraphBuilder, x: Node, shape: readonly Dim[]): Node {
  if (dims.sameDims(x.shape, shape)) return x
  const missing = shape.length - x.shape.length
  if (missing < 0) fault('rank', `${printType(x)} has more axes than ${dims.printDims(shape)}`)
  const kept = x.shape.map((_, axis) => axis).filter((axis) => x.shape[axis] === shape[axis + missing])
  for (const [axis, dim] of x.shape.entries())
    if (!kept.includes(axis) && dim !== dims.one)
      fault('dims-differ', `axis ${axis} of ${printType(x)} is ${dim.key}, of the result ${shape[axis + missing]!.key}`)
  return b.broadcast(
    b.reshape(
      x,
      kept.map((axis) => x.shape[axis]!),
    ),
    shape,
    kept.map((axis) => axis + missing),
  )
}
