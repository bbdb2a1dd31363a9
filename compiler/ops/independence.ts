/** Whether a node's elements differ along some of its axes: a sum along axes where they do not is a multiplication. */
import type { Node } from '../ir/graph.ts'
import { lowerOf } from './registry.ts'

export function dependsOnAxes(root: Node, along: readonly number[]): boolean {
  const seen = new Set<string>()
  const pending: { readonly node: Node; readonly axes: readonly number[] }[] = [{ node: root, axes: along }]
  while (pending.length > 0) {
    const { node, axes } = pending.pop()!
    const key = `${node.id} ${axes.join()}`
    if (axes.length === 0 || seen.has(key)) continue
    seen.add(key)
    const kind = lowerOf(node).kind
    if (kind === 'map') for (const operand of node.operands) pending.push({ node: operand, axes })
    else if (node.op === 'broadcast') {
      const { axes: kept } = node.attributes
      pending.push({
        node: node.operands[0]!,
        axes: axes.map((axis) => kept.indexOf(axis)).filter((axis) => axis >= 0),
      })
    } else if (node.op === 'permute')
      pending.push({ node: node.operands[0]!, axes: axes.map((axis) => node.attributes.order[axis]!) })
    else if (node.op === 'iota') {
      if (axes.includes(node.attributes.axis)) return true
    } else return true
  }
  return false
}
