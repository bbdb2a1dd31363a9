/** Kernels that only move a value from one place to another. */
import { product } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import type { MapKernel } from '../ir/kernel.ts'
import { GraphBuilder } from '../ops/builder.ts'
import type { MemoryValue } from './staged.ts'

/** A node of a value's type, for a kernel that only moves it. */
const standIn = ({ shape, dtype }: MemoryValue): Node => new GraphBuilder().input('value', shape, dtype, 'cut')

export const copyOf = (value: MemoryValue): MapKernel => copyKernel(standIn(value))

/** `to[i] = from[i]`. */
function copyKernel(from: Node): MapKernel {
  const axis = { name: 'i', extent: product(from.shape) }
  const index = { kind: 'axis', axis } as const
  return {
    kind: 'map',
    name: 'copy',
    axes: [axis],
    slots: [
      { node: from, access: 'read' },
      { node: from, access: 'write' },
    ],
    stores: [{ slot: 1, index, value: { kind: 'load', slot: 0, index, dtype: from.dtype } }],
    nodes: [],
    origins: [],
    stops: [],
  }
}
