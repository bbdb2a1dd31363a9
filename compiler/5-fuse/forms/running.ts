/** Running groups: prefix sums along an axis, each element known only when those before it are. Nothing joins them. */
import type { Node } from '../../ir/graph.ts'
import { flattenIndex } from '../../ir/index.ts'
import type { RunningKernel } from '../../ir/kernel.ts'
import { elementAt } from '../../ops/element.ts'
import type { Body } from '../body.ts'
import type { Group } from '../group.ts'
import type { Grouping } from '../grouping.ts'

export function runningGroup(grouping: Grouping, node: Node): Group {
  const { axes, at } = grouping.domains.over('o', node.shape)
  return grouping.open('running', node, at, { axes })
}

export function buildRunning(body: Body, group: Group): RunningKernel {
  const node = group.anchors[0] as Node<'cumsum'>
  const { axis, reverse, exclusive } = node.attributes
  const at = group.at.get(node)!
  const value = elementAt(body.reader, node.operands[0]!, at)
  const store = {
    slot: body.storeSlot(node),
    index: flattenIndex(at, node.shape),
    value: body.scalars.accumulator(node.dtype),
  }
  const outer = group.axes.filter((_, a) => a !== axis)
  return { kind: 'running', outer, row: group.axes[axis]!, reverse, exclusive, value, store, ...body.common(group) }
}
