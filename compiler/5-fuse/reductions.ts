/**
 * A reduction along a row and more, whose operand is made from earlier reductions along that row, is done in two: along
 * the row, where a row kernel has its elements at hand, then along the rest.
 *
 * `sum over batch and classes of f(x, max over classes x)` → `sum over batch of (sum over classes of f(…))`.
 */

import { sameDims } from '../ir/dim.ts'
import { type Graph, type Node, nodesIn } from '../ir/graph.ts'
import { lowerOf } from '../ops/registry.ts'
import { reducedAxes, repeatedAxes } from '../ops/structure.ts'
import { type Rebuilt, rebuild } from './rebuild.ts'

export function stageReductions(graph: Graph): Rebuilt {
  const rows = new Map<Node, readonly number[]>()
  /** By the axes asked about: where none was found. */
  const barren = new Map<string, Set<Node>>()
  for (const node of nodesIn(graph)) {
    const lowering = lowerOf(node)
    const axes = reducedAxes(node)
    if (!axes || axes.length < 2 || lowering.kind !== 'reduce' || lowering.combine.startsWith('arg')) continue
    const known = barren.get(axes.join()) ?? new Set()
    barren.set(axes.join(), known)
    const row = rowBehind(node.operands[0]!, axes, known)
    if (row) rows.set(node, row)
  }
  return rebuild(
    graph,
    (node) => rows.has(node),
    (builder, node, operands) => {
      const [operand] = operands as [Node]
      const axes = reducedAxes(node)!
      const row = rows.get(node)!
      const along = builder.node(node.op, [operand], { axes: row } as never) as Node
      const rest = axes.filter((axis) => !row.includes(axis)).map((axis) => axis - row.filter((r) => r < axis).length)
      return builder.node(node.op, [along], { axes: rest } as never)
    },
  )
}

/** Axes, fewer than those reduced, along which a value that was reduced before is spread over the operand. */
function rowBehind(operand: Node, reduced: readonly number[], barren: Set<Node>): readonly number[] | undefined {
  const seen = new Set<Node>()
  const pending = [operand]
  while (pending.length > 0) {
    const node = pending.pop()!
    if (seen.has(node) || barren.has(node) || !sameDims(node.shape, operand.shape)) continue
    seen.add(node)
    const fresh = repeatedAxes(node)
    if (fresh) {
      const isPart = fresh.length > 0 && fresh.length < reduced.length && fresh.every((axis) => reduced.includes(axis))
      if (
        isPart &&
        isReducedAlong(
          node.operands[0]!,
          fresh.map((axis) => operand.shape[axis]!),
        )
      )
        return fresh
    } else if (lowerOf(node).kind === 'map') for (const each of node.operands) pending.push(each)
  }
  for (const node of seen) barren.add(node)
  return undefined
}

/** Whether a value is elementwise work on reductions along axes of these sizes. */
function isReducedAlong(value: Node, sizes: Node['shape']): boolean {
  const seen = new Set<Node>()
  const pending = [value]
  while (pending.length > 0) {
    const node = pending.pop()!
    if (seen.has(node)) continue
    seen.add(node)
    const { kind } = lowerOf(node)
    const axes = reducedAxes(node)
    if (
      axes &&
      sameDims(
        axes.map((axis) => node.operands[0]!.shape[axis]!),
        sizes,
      )
    )
      return true
    // Shapes may differ by axes of one element, which a view adds or drops.
    if (kind === 'map' || (kind === 'view' && !repeatedAxes(node))) pending.push(...node.operands)
  }
  return false
}
