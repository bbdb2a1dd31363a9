/**
 * Map groups: one lane computes one element of each result. Seeded by nodes that must be stored and by folds; several
 * results over one shape that read the same values are one kernel (an optimizer's new parameters and moments).
 */
import { product, sameDims } from '../../ir/dim.ts'
import type { Node } from '../../ir/graph.ts'
import type { MapKernel } from '../../ir/kernel.ts'
import type { Body } from '../body.ts'
import type { Group } from '../group.ts'
import type { Grouping } from '../grouping.ts'

export function mapGroup(grouping: Grouping, node: Node): Group {
  const { axes, at } = grouping.domains.over('i', node.shape)
  const group = grouping.open('map', node, at, { axes })
  group.seed = { shape: node.shape, reduced: [], at }
  return group
}

/** Joins a map group over as many elements that shares an operand, or that waits for the same kernels. */
export function joinMap(grouping: Grouping, node: Node): boolean {
  const key = product(node.shape)
  const dependencies = grouping.dependenciesOf(node)
  for (let id = grouping.groups.length - 1; id >= 0; id--) {
    const group = grouping.groups[id]!
    if (
      group.kind !== 'map' ||
      grouping.isBarred(node, group) ||
      !group.seed ||
      product(group.seed.shape) !== key ||
      !sameDims(group.seed.shape, node.shape)
    )
      continue
    if (dependencies.has(group.id) || !grouping.sharesSources(group, node)) continue
    grouping.anchor(group, node, group.seed.at)
    return true
  }
  return false
}

export function buildMap(body: Body, group: Group, stored: readonly Node[]): MapKernel {
  const stores = stored.map((node) => body.store(node, group.at.get(node)!))
  return { kind: 'map', axes: group.axes, stores, ...body.common(group) }
}
