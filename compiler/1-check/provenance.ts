/**
 * Where nodes and their dims come from: statements for kernels to point at, and for each axis the place that fixed its
 * size, so that a message about two sizes can show both.
 */
import type { Span } from '../../grammar/source.ts'
import type { Dim } from '../ir/dim.ts'
import type { Node, Origin } from '../ir/graph.ts'
import type { Elaboration } from './elaboration.ts'

export interface DimSource {
  readonly span: Span
  /** What the place says: `batch`, `Linear(10)`. */
  readonly text: string
}

/** The user's own line first; where the standard library made the node, its line second. */
export function currentOrigins(e: Elaboration): readonly Origin[] {
  const { path } = e.frame.owner
  const innermost = e.trail.at(-1)!
  const own = e.isStandard(innermost) ? e.trail.findLast((span) => !e.isStandard(span)) : undefined
  // A statement makes many nodes one after another, all from the same places.
  const last = e.lastOrigins
  if (last.at(-1)?.span === innermost && last[0]?.path === path && (own ? last[0].span === own : last.length === 1))
    return last
  e.lastOrigins = [...(own ? [own] : []), innermost].map((span) => ({ span, path, role: 'forward' }))
  return e.lastOrigins
}

export function setDimSources(e: Elaboration, node: Node, sources: readonly (DimSource | undefined)[]): void {
  const known = e.dimSources.get(node)
  e.dimSources.set(node, known ? node.shape.map((_, i) => sources[i] ?? known[i]) : sources)
}

export function dimSource(e: Elaboration, node: Node, axis: number): DimSource | undefined {
  return e.dimSources.get(node)?.[axis]
}

/** A result's axis has the source of an operand's axis of the same size, looking from the last axis backwards. */
export function inheritDimSources(e: Elaboration, node: Node, from: readonly Node[]): void {
  if (e.dimSources.has(node)) return
  const sources = node.shape.map((d, axis) => inherited(e, d, axis - node.shape.length, from))
  if (sources.some((s) => s !== undefined)) e.dimSources.set(node, sources)
}

function inherited(e: Elaboration, d: Dim, fromEnd: number, operands: readonly Node[]): DimSource | undefined {
  if (d.constant === 1) return undefined
  let elsewhere: DimSource | undefined
  for (const operand of operands) {
    const known = e.dimSources.get(operand)
    if (!known) continue
    const same = operand.shape.length + fromEnd
    if (operand.shape[same] === d && known[same]) return known[same]
    for (let axis = operand.shape.length - 1; axis >= 0; axis--)
      if (operand.shape[axis] === d && known[axis]) elsewhere ??= known[axis]
  }
  return elsewhere
}
