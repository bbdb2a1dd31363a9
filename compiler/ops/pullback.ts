/**
 * Cotangents of some nodes → cotangents of others, as further nodes of the same graph: the engine of reverse-mode
 * differentiation. Only nodes between the two are visited, and a cotangent that is zero is never written down.
 */
import { type Node, nodesOf, type Origin } from '../ir/graph.ts'
import type { GraphBuilder } from './builder.ts'
import { type CarryTarget, carriesBehind, isCarryTarget } from './carry-target.ts'
import { lowerOf, opOf } from './registry.ts'

export interface PullbackOptions {
  /** Backpropagation through a recurrence keeps its carries alone and computes the rest of each step again. */
  readonly recompute?: boolean
}

/** The cotangent of each of `wrt`, `undefined` where no seed depends on it; of a carry, those after all its steps. */
export function pullback(
  builder: GraphBuilder,
  seeds: ReadonlyMap<Node, Node>,
  wrt: readonly (Node | CarryTarget)[],
  options: PullbackOptions = {},
): (Node | undefined)[] {
  const nodes = wrt.filter((target): target is Node => !isCarryTarget(target))
  const carries = wrt.filter(isCarryTarget)
  const path = between(nodes, carries, [...seeds.keys()])
  const wanted = new Set(nodes)
  const found = new Map<Node | CarryTarget, Node>()
  const cotangents = new Map<Node, Node>()
  /** Cotangents of a tuple's parts, by index. */
  const parts = new Map<Node, Map<number, Node>>()
  for (const [node, seed] of seeds) if (path.has(node)) cotangents.set(node, seed)

  const accumulate = (node: Node, part: Node | undefined) => {
    if (!part || !path.has(node)) return
    const sum = cotangents.get(node)
    cotangents.set(node, sum ? builder.add(sum, part) : part)
  }
  // Descending ids: when a node's turn comes, all its consumers have added to its cotangent.
  for (const node of [...path].sort((a, b) => b.id - a.id)) {
    const cotangent = cotangents.get(node)
    cotangents.delete(node)
    const tuple = parts.get(node)
    if (!cotangent && !tuple) continue
    if (cotangent && wanted.has(node)) found.set(node, cotangent)
    const row = opOf(node)
    builder.withOrigin(asGradient(builder.origins.get(node)), () => {
      if (cotangent && lowerOf(node).kind === 'project') {
        const [whole] = node.operands
        const { index } = node.attributes as { index: number }
        const known = parts.get(whole!) ?? new Map<number, Node>()
        const before = known.get(index)
        known.set(index, before ? builder.add(before, cotangent) : cotangent)
        parts.set(whole!, known)
      } else if (tuple && row.tupleGradient) {
        const needed = node.operands.map((operand) => path.has(operand))
        const asked = carriesBehind(node, carries)
        const given = row.tupleGradient(builder, node, tuple, needed, node.attributes as never, asked, options)
        node.operands.forEach((operand, i) => accumulate(operand, given[i]))
        for (const [i, target] of asked.entries()) {
          const part = given[node.operands.length + i]
          if (part) found.set(target, part)
        }
      } else if (cotangent && row.gradient)
        row
          .gradient(builder, node, cotangent, node.attributes as never)
          .forEach((part, i) => accumulate(node.operands[i]!, part))
    })
  }
  return wrt.map((target) => found.get(target))
}

/** The float nodes that depend on one of `wrt`, or on a scan with a wanted carry, and that a seeded node depends on. */
function between(wrt: readonly Node[], carries: readonly CarryTarget[], seeded: readonly Node[]): Set<Node> {
  const found = new Set<Node>()
  const starts = new Set(wrt)
  for (const node of nodesOf(seeded.map((node) => ({ node }))))
    if (
      node.dtype === 'float' &&
      (starts.has(node) ||
        node.operands.some((operand) => found.has(operand)) ||
        carriesBehind(node, carries).length > 0)
    )
      found.add(node)
  return found
}

export const asGradient = (origins: readonly Origin[] | undefined): readonly Origin[] =>
  (origins ?? []).map((origin) => ({ ...origin, role: 'gradient' }))
