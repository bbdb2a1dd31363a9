/** Whether a node's elements differ along some of its axes: a sum along axes where they do not is a multiplication. */
import type { Node } from '../ir/graph.ts'
import { lowerOf } from '../ops/registry.ts'

export function dependsOnAxes(node: Node, axes: readonly number[]): boolean {
  if (axes.length === 0) return false
  switch (lowerOf(node).kind) {
    case 'map':
      return node.operands.some((operand) => dependsOnAxes(operand, axes))
    case 'index':
      return node.op === 'iota' ? axes.includes(node.attributes.axis) : node.shape.length > 0
    case 'view':
      if (node.op === 'broadcast') {
        const { axes: kept } = node.attributes
        return dependsOnAxes(node.operands[0]!, axes.map((axis) => kept.indexOf(axis)).filter((axis) => axis >= 0))
      }
      if (node.op === 'permute') return dependsOnAxes(node.operands[0]!, axes.map((axis) => node.attributes.order[axis]!))
      return true
    default:
      return true
  }
}
