/**
 * Where nodes and their dims come from: statements for kernels to point at, and for each axis the place that fixed its
 * size, so that a message about two sizes can show both.
 */
import type { Span } from '../../grammar/source.ts'
import type { Dim } from '../ir/dim.ts'
import type { Node, Origin } from '../ir/graph.ts'
import { type Elaboration, userSpan } from './elaboration.ts'

export interface DimSource {
  readonly span: Span
  /** What the place says: `batch`, `Linear(10)`. */
  readonly text: string
}

/** The user's own line first; where the standard library made the node, its line second. */
export function currentOrigins(e: Elaboration): readonly Origin[] {
  const { path } = e.frame.owner
  // A statement makes many nodes one after another, all from the same places.
  if (e.lastOrigins.length > 0 && e.lastOrigins[0]!.path === path) return e.lastOrigins
  const innermost = e.trail.at(-1)!
  const own = e.isStandard(innermost) ? userSpan(e) : undefined
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
  const { shape } = node
  const sources: (DimSource | undefined)[] = []
  let isKnown = false
  for (let axis = 0; axis < shape.length; axis++) {
    const source = inherited(e, shape[axis]!, axis - shape.length, from)
    sources.push(source)
    isKnown ||= source !== undefined
  }
  if (isKnown) e.dimSources.set(node, sources)
}

function inherited(e: Elaboration, d: Dim, fromEnd: number, operands: readonly Node[]): DimSource | undefined {
  if (d.constant === 1) return undefined
  let elsewhere: DimSource | undefined
  for (let at = 0; at < operands.length; at++) {
    const operand = operands[at]!
    const known = e.dimSources.get(operand)
    if (!known) continue
    const same = operand.shape.length + fromEnd
    if (operand.shape[same] === d && known[same]) return known[same]
    for (let axis = operand.shape.length - 1; axis >= 0; axis--)
      if (operand.shape[axis] === d && known[axis]) elsewhere ??= known[axis]
  }
  return elsewhere
}
