/**
 * Graph → kernels in execution order, by greedy dataflow matching to a few normal forms. Before: one node, one tensor.
 * After: few kernels, views gone into index expressions, only what kernels exchange in memory.
 *
 *   group    every node joins a kernel's group, seeds one, or stays loose (`grouping.ts`, `forms/`)
 *   store    what crosses between groups is stored or repeated (`storing.ts`)
 *   build    each group becomes a kernel, consumers first, so that only what is read is stored
 *   finish   axes are split until reshapes vanish and merged where memory is contiguous (`axes.ts`)
 *
 * A kernel that comes out too large sends the search back with a demand (`demands.ts`): store this, keep that out.
 */

import { dim } from '../ir/dim.ts'
import type { Graph, Node } from '../ir/graph.ts'
import type { Kernel } from '../ir/kernel.ts'
import { withTensors } from '../ir/kernel-key.ts'
import { countTensors } from '../ir/kernel-slots.ts'
import { type FusedGraph, FusedGraphs } from './alike.ts'
import { type Limits, TooLarge } from './body.ts'
import { type Built, type BuiltRound, kernelOf } from './build.ts'
import { narrowJoins } from './concat.ts'
import { copyKernel } from './copy.ts'
import { type Demand, demandFor } from './demands.ts'
import type { Group } from './group.ts'
import { type Demands, Grouping } from './grouping.ts'
import { updateInPlace } from './in-place.ts'
import { onNodes } from './kernel-parts.ts'
import { NodeSet } from './node-set.ts'
import { orderKernels } from './order.ts'
import { kernelsFor, type Round } from './other-results.ts'
import { packTooLarge } from './pack.ts'
import { explainStops, originsOf } from './provenance.ts'
import { findRecomputed, type Recomputed, type RecomputePolicy } from './recompute.ts'
import { stageReductions } from './reductions.ts'
import { decideStores } from './storing.ts'
import { type Subject, subjectOf } from './subject.ts'
import { joinSums } from './sums.ts'

export interface FuseOptions {
  /** Storage buffers that a dispatch may bind. */
  readonly maxSlots?: number
  /** Loads in the text of one kernel. */
  readonly maxLoads?: number
  /**
   * How many times as many scores as elements of queries and keys there must be for attention to keep them out of
   * memory. Fewer are faster stored than made again; 0: always kept out, infinite: never. Or what decides it.
   */
  readonly recompute?: number | ((times: number) => boolean)
  /** Values of free dims that are known already. */
  readonly sizes?: ReadonlyMap<string, number>
  /** Graphs that were fused before. */
  readonly known?: FusedGraphs
}

export function fuse(
  source: Graph,
  { maxSlots = 8, maxLoads = 48, recompute = 2, sizes = new Map(), known = new FusedGraphs() }: FuseOptions = {},
): readonly Kernel[] {
  const limits = `${maxSlots} ${maxLoads} ${[...sizes].map(([name, size]) => `${name}=${size}`).join()}`
  const isMany = typeof recompute === 'number' ? (times: number) => times >= recompute : recompute
  const dims = new Map([...sizes].map(([name, size]) => [name, dim(size)]))
  return known.kernelsOf(source, limits, isMany, (asked) =>
    fuseAnew(source, maxSlots, maxLoads, { isMany: asked, sizes: dims }, known),
  )
}

function fuseAnew(
  source: Graph,
  maxSlots: number,
  maxLoads: number,
  policy: RecomputePolicy,
  known: FusedGraphs,
): FusedGraph {
  const given = subjectOf(source, known.kinds)
  const recomputed = findRecomputed(given, new Set(), policy)
  const joined = joinSums(source, given.consumers, recomputed.nodes)
  const staged = stageReductions(joined.graph)
  const { graph, originals } = narrowJoins(staged.graph, maxSlots - 2)
  const original = (node: Node): Node => {
    const earlier = originals.get(node) ?? node
    const before = staged.originals.get(earlier) ?? earlier
    return joined.originals.get(before) ?? before
  }
  const replaces = new Map(
    graph.results.flatMap((result) => (result.replaces ? [[result.node, result.replaces] as const] : [])),
  )
  const subject = graph === source ? given : subjectOf(graph, known.kinds)
  const first = graph === source ? recomputed : findRecomputed(subject, new Set(), policy)
  const limits = { slots: maxSlots, loads: maxLoads, replaces }
  let { rounds, packed } = fuseWithin(subject, limits, policy, first, known)
  let kernels = placed(graph, packed)
  // An update that could not be made in place after all: then both tensors count.
  const isAgain = kernels.some(({ slots }) => countTensors(slots) > maxSlots)
  if (isAgain) {
    ;({ rounds, packed } = fuseWithin(subject, { ...limits, replaces: new Map() }, policy, first, known))
    kernels = placed(graph, packed)
  }
  if (graph !== source) return { kernels: asOf(source, graph, kernels, original), origins: graph.origins }
  // One of many rounds, as of a step, holds many groups, and more is hardly wanted of it.
  const isHeld = !isAgain && rounds.length <= mostHeld
  const search = isHeld ? { subject, policy, first, rounds, kernels: packed } : undefined
  return { kernels, origins: graph.origins, ofResults: search && ((results) => kernelsFor(search, results)) }
}

const mostHeld = 2

const placed = (graph: Graph, packed: readonly Kernel[]): Kernel[] => updateInPlace(graph, orderKernels(graph, packed))

function fuseWithin(
  subject: Subject,
  limits: Limits,
  policy: RecomputePolicy,
  first: Recomputed,
  known: FusedGraphs,
): { readonly rounds: readonly Round[]; readonly packed: readonly Kernel[] } {
  let recomputed = first
  const rounds: Round[] = []
  const forced = new Set<Node>()
  const barred = new Map<Node, Set<Node>>()
  let bars = 0
  const sealed = new Set<Node>()
  let earlier: BuiltRound | undefined
  for (;;) {
    recomputed = findRecomputed(subject, forced, policy, recomputed)
    const attempt = tryFuse(subject, { forced: new Set(forced), barred, sealed }, recomputed, limits, known, earlier)
    rounds.push(attempt.round)
    earlier = attempt.built
    if (attempt.packed) return { rounds, packed: attempt.packed }
    const before = forced.size + bars + sealed.size
    for (const node of attempt.force ?? []) forced.add(node)
    for (const { cut, bar } of attempt.demands ?? []) {
      if (cut) forced.add(cut)
      if (cut) sealed.add(cut)
      if (!bar) continue
      barred.set(bar.node, (barred.get(bar.node) ?? new Set()).add(bar.from))
      bars++
    }
    if (forced.size + bars + sealed.size === before)
      throw new Error(`${subject.graph.name}: fusion demands nothing new and cannot go on`)
  }
}

/** The kernels in terms of the graph that was given; a result that became one with another is copied from it. */
function asOf(source: Graph, graph: Graph, kernels: readonly Kernel[], original: (node: Node) => Node): Kernel[] {
  const named = kernels.map((kernel) => onNodes(kernel, original))
  source.results.forEach(({ node }, at) => {
    const made = original(graph.results[at]!.node)
    if (made !== node && !named.some(({ slots }) => slots.some((s) => s.access === 'write' && s.node === node)))
      named.push(copyKernel(made, node))
  })
  return named
}

interface Attempt {
  readonly round: Round
  readonly built?: BuiltRound
  readonly packed?: readonly Kernel[]
  readonly force?: readonly Node[]
  readonly demands?: readonly Demand[]
}

function tryFuse(
  subject: Subject,
  demands: Demands,
  recomputed: Recomputed,
  limits: Limits,
  known: FusedGraphs,
  before: BuiltRound | undefined,
): Attempt {
  const { graph, consumers } = subject
  const grouping = new Grouping(subject, demands, recomputed, known.domains)
  const storing = decideStores(subject, grouping)
  const { stored, force } = storing
  const { home, groups } = grouping
  const decisive = { home, groups, demands, recomputed }
  if (force.some((node) => !demands.forced.has(node)))
    return { round: { grouping: decisive, storing, written: undefined }, force }

  const written = new NodeSet(subject.length)
  const round = { grouping: decisive, storing, written }
  const decided = { home, stored, recomputed: recomputed.nodes }
  const needed = new NodeSet(subject.length)
  for (const { node } of graph.results) needed.add(node)
  const built: Built[] = []
  const byGroup = new Array<Built | undefined>(groups.length)
  const made: Demand[] = []
  for (const group of consumersFirst(groups)) {
    const stores: Node[] = []
    for (let at = 0; at < group.members.length; at++) {
      const node = group.members[at]!
      if (!stored.has(node) || !needed.has(node)) continue
      stores.push(node)
      written.add(node)
    }
    if (stores.length === 0) continue
    try {
      const made = kernelOf(subject, group, stores, decided, limits, known, before)
      for (let at = 0; at < made.slots.length; at++)
        if (made.slots[at]!.access === 'read') needed.add(made.slots[at]!.node)
      built.push(made)
      byGroup[group.id] = made
    } catch (error) {
      if (!(error instanceof TooLarge)) throw error
      made.push(demandFor(error.body, grouping, stored, demands, limits.slots))
      // Its operands are needed in any case; what remains is built to find every other fault in this round.
      for (const node of group.members)
        for (const operand of node.operands) if (stored.has(operand)) needed.add(operand)
    }
  }
  if (made.length > 0) return { round, built: { decided, built: byGroup }, demands: made }
  // Where a kernel comes from, and why it ends, is asked only once all are small enough.
  const finished = new Set<Kernel>()
  const explained = built.map(({ kernel, kept, slots, nodes, group, stores }) => {
    const origins = originsOf(graph.origins, nodes)
    const stops = explainStops(group, stores, consumers, grouping)
    const made = withTensors(kept ? known.kernels.finishKept(kept) : kernel, { slots, nodes, origins, stops }, true)
    if (kept) finished.add(made)
    return made
  })
  const packed = packTooLarge(explained, limits.slots).map((kernel) =>
    finished.has(kernel) ? kernel : known.kernels.finish(kernel),
  )
  return { round, packed: packed.reverse() }
}

/** Groups such that each comes before those it needs. */
function consumersFirst(groups: readonly Group[]): Group[] {
  // A group runs after strictly more groups than any that it needs; among equals the later ones come first.
  const ranks = Float64Array.from(groups, ({ before, id }) => before.size * groups.length + id).sort()
  return Array.from(ranks, (_, at) => groups[ranks[groups.length - 1 - at]! % groups.length]!)
}
