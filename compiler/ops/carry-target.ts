/**
 * ∂L/∂h_t: what a loss owes to a carry after each step of its recurrence, wherever that value is read: by the steps that
 * follow, by the same step, as a yield. Beside nodes, such carries are what cotangents can be asked for.
 *
 * The backward scan meets each of them on its way, so it only has to yield them: a carry of a scan inside a scan is yielded
 * by the inner one, then by the outer.
 */
import type { Dim } from '../ir/dim.ts'
import { type Node, nodesOf } from '../ir/graph.ts'
import { lowerOf } from './registry.ts'
import type { ScanAttributes, ScanBody } from './scan.ts'

export interface CarryTarget {
  /** Of the scan's body: it stays when the scan is copied or widened. */
  readonly family: object
  /** Which of its carries, a float. */
  readonly carry: number
  /** Of the cotangents of all steps: the lengths of the scans around the carry, outermost first, then its own shape. */
  readonly shape: readonly Dim[]
}

export const isCarryTarget = (target: Node | CarryTarget): target is CarryTarget => 'family' in target

/** Those of a scan itself, and those of scans within its body. */
export function carriesOf(body: ScanBody, targets: readonly CarryTarget[]) {
  const own = targets.filter(({ family }) => family === body.family)
  const families = targets.length > own.length ? familiesWithin(body) : new Set()
  return { own, within: targets.filter(({ family }) => families.has(family)) }
}

/** Those that the cotangents of a node give; none but of scans. */
export function carriesBehind(node: Node, targets: readonly CarryTarget[]): readonly CarryTarget[] {
  if (targets.length === 0 || lowerOf(node).kind !== 'scan') return []
  const { own, within } = carriesOf((node.attributes as ScanAttributes).body, targets)
  return [...own, ...within]
}

function familiesWithin({ next, yields }: ScanBody): Set<object> {
  const bodies = nodesOf([...next, ...yields].map((node) => ({ node })))
    .filter((node) => lowerOf(node).kind === 'scan')
    .map((node) => (node.attributes as ScanAttributes).body)
  return new Set(bodies.flatMap((body) => [body.family, ...familiesWithin(body)]))
}
