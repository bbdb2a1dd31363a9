/** A kernel that copies one tensor to another of as many elements. */
import { product } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import { axisIndex } from '../ir/index.ts'
import type { MapKernel } from '../ir/kernel.ts'

export function copyKernel(from: Node, to: Node): MapKernel {
  const axis = { name: 'i0', extent: product(from.shape) }
  const index = axisIndex(axis)
  return {
    kind: 'map',
    name: 'map_copy',
    axes: [axis],
    slots: [
      { node: from, access: 'read' },
      { node: to, access: 'write' },
    ],
    stores: [{ slot: 1, index, value: { kind: 'load', slot: 0, index, dtype: from.dtype } }],
    nodes: [],
    origins: [],
    stops: [],
  }
}
