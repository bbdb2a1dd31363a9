/** Scatter groups: updates added at places that are data. Nothing joins them, for their results are complete only at the end. */
import { product } from '../../ir/dim.ts'
import type { Node } from '../../ir/graph.ts'
import { axisIndex, unflattenIndex } from '../../ir/index.ts'
import type { Axis, ScatterKernel } from '../../ir/kernel.ts'
import { clampedPosition, elementAt } from '../../ops/element.ts'
import type { Body } from '../body.ts'
import type { Group } from '../group.ts'
import type { Grouping } from '../grouping.ts'

export function scatterGroup(grouping: Grouping, node: Node): Group {
  const { axes, at } = grouping.domains.over('i', node.shape)
  return grouping.open('scatter', node, at, { axes })
}

export function buildScatter(body: Body, group: Group): ScatterKernel {
  const node = group.anchors[0] as Node<'scatter_add'>
  const { axis, size } = node.attributes
  const [updates, indices] = node.operands as readonly [Node, Node]
  const before = group.axes.slice(0, axis)
  const after = group.axes.slice(axis + 1)
  const entries: Axis = { name: 'e', extent: product(indices.shape) }
  const entry = unflattenIndex(axisIndex(entries), indices.shape)
  const position = clampedPosition(body.reader, indices, entry, size)
  const value = elementAt(body.reader, updates, [...before.map(axisIndex), ...entry, ...after.map(axisIndex)])
  const output = body.storeSlot(node)
  return { kind: 'scatter', before, entries, after, size, position, value, output, ...body.common(group) }
}
