/**
 * Work that no later step needs leaves the loop: it is done afterwards on the stacked values. Which values are stacked
 * is a minimum cut between what the carries need and what is wanted of all steps, so that memory grows the least.
 */
import { estimateElements } from '../ir/estimate.ts'
import type { Node } from '../ir/graph.ts'
import { canBatch } from '../ops/batching.ts'
import { lowerOf } from '../ops/registry.ts'
import { type Accumulator, accumulatorsOf, isDearSum, summandsOf } from './scan-accumulators.ts'
import { minimumCut } from './scan-cut.ts'
import { type Dependence, isDear } from './scan-dependence.ts'
import { nodesDownTo, type ScanParts } from './scan-parts.ts'

export interface Sinking {
  /** Carries that become sums after the loop. */
  readonly sums: readonly Accumulator[]
  /** What the loop yields; all else that is wanted follows from it, from elements and from captures. */
  readonly yields: readonly Node[]
}

/** Elements below which an accumulator leaves the loop even where that saves no memory. */
const small = 65536

export function sinkingOf(parts: ScanParts, dependence: Dependence): Sinking {
  const candidates = accumulatorsOf(parts, dependence)
  let chosen = candidates.filter(isDearSum)
  let yields = yieldsFor(parts, dependence, chosen)
  for (const candidate of candidates) {
    if (chosen.includes(candidate)) continue
    const more = yieldsFor(parts, dependence, [...chosen, candidate])
    const saved = estimateElements(candidate.leaf)
    if (saved > small && elements(more) - elements(yields) >= saved) continue
    chosen = [...chosen, candidate]
    yields = more
  }
  return { sums: chosen, yields: [...yields].sort((a, b) => a.id - b.id) }
}

const elements = (nodes: ReadonlySet<Node>): number => [...nodes].reduce((sum, node) => sum + estimateElements(node), 0)

function yieldsFor(parts: ScanParts, { carried, leaves }: Dependence, sums: readonly Accumulator[]): Set<Node> {
  const replaced = new Set(sums.map(({ leaf }) => leaf))
  const kept = parts.carries.filter(({ leaf }) => !replaced.has(leaf))
  const wanted = [...parts.yields.map(({ node }) => node), ...sums.flatMap(summandsOf)].filter((node) =>
    carried.has(node),
  )
  const immovable = nodesDownTo(wanted, leaves).filter(
    (node) => carried.has(node) && !leaves.has(node) && !canBatch(node),
  )
  const core = new Set(nodesDownTo([...kept.flatMap(({ leaf, next }) => [leaf, next]), ...immovable], leaves))

  const yields = new Set(wanted.filter((node) => core.has(node)))
  const late = new Set(wanted.filter((node) => !core.has(node)))
  // Everything between the loop and what is wanted; what stands above dear work follows it out of the loop.
  const between = nodesDownTo([...late], core).filter((node) => carried.has(node) && !yields.has(node))
  const outside = new Set<Node>()
  for (const node of between)
    if (!core.has(node) && (isDear(node) || node.operands.some((operand) => outside.has(operand)))) outside.add(node)
  const cut = minimumCut(
    {
      nodes: between,
      cost: (node) =>
        outside.has(node) || lowerOf(node).kind === 'scan' ? Infinity : Math.max(1, estimateElements(node)),
      isSource: (node) => core.has(node),
      isTarget: (node) => late.has(node),
    },
    'sources',
  )
  return new Set([...yields, ...cut])
}
