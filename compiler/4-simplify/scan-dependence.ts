/** What a node of a body depends on, and what it is to move it: the questions of hoisting and sinking. */
import type { Node } from '../ir/graph.ts'
import { canBatch } from '../ops/batching.ts'
import { lowerOf } from '../ops/registry.ts'
import { nodesDownTo, type ScanParts } from './scan-parts.ts'

export interface Dependence {
  /** All nodes of the body, operands first. */
  readonly nodes: readonly Node[]
  /** Those that depend on a carry, or that cannot be computed for all steps at once. */
  readonly carried: ReadonlySet<Node>
  /** Leaves of the scan, where the body stops. */
  readonly leaves: ReadonlySet<Node>
}

export function dependenceOf(parts: ScanParts): Dependence {
  const leaves = new Set([...parts.elements, ...parts.carries, ...parts.captures].map(({ leaf }) => leaf))
  const nodes = nodesDownTo([...parts.carries.map(({ next }) => next), ...parts.yields.map(({ node }) => node)], leaves)
  const varying = new Set(parts.elements.map(({ leaf }) => leaf))
  const carried = new Set(parts.carries.map(({ leaf }) => leaf))
  for (const node of nodes) {
    if (leaves.has(node)) continue
    if (node.operands.some((operand) => varying.has(operand))) varying.add(node)
    if (node.operands.some((operand) => carried.has(operand)) || (varying.has(node) && !canBatch(node)))
      carried.add(node)
  }
  return { nodes, carried, leaves }
}

/** Work that belongs outside of a loop wherever it can go: not elementwise, or as much work as that is. */
export function isDear(node: Node): boolean {
  const lowering = lowerOf(node)
  switch (lowering.kind) {
    case 'contract':
    case 'reduce':
    case 'lookup':
    case 'scatter':
    case 'running':
    case 'project':
      return true
    case 'index':
      return node.operands.length > 0 && !lowering.cheap
    case 'leaf':
    case 'map':
    case 'view':
    case 'scan':
      return false
    default:
      return lowering satisfies never
  }
}
