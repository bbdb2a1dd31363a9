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
import { type Graph, type Node, nodesOf } from '../ir/graph.ts'
import type { Kernel } from '../ir/kernel.ts'
import { keyOfKernel, withTensors } from '../ir/kernel-key.ts'
import { type FusedGraph, FusedGraphs } from './alike.ts'
import { finishAxes } from './axes.ts'
import { Body, endOf, type Limits, TooLarge } from './body.ts'
import { narrowJoins } from './concat.ts'
import { copyKernel } from './copy.ts'
import { type Demand, demandFor } from './demands.ts'
import { buildAttention } from './forms/attention.ts'
import { buildContract } from './forms/contract.ts'
import { buildMap } from './forms/map.ts'
import { buildRow } from './forms/row.ts'
import { buildRunning } from './forms/running.ts'
import { buildScatter } from './forms/scatter.ts'
import type { Group } from './group.ts'
import { type Demands, Grouping } from './grouping.ts'
import { updateInPlace } from './in-place.ts'
import { KeptKernels } from './kept.ts'
import { dropUnreadSlots, onNodes } from './kernel-parts.ts'
import { orderKernels } from './order.ts'
import { packTooLarge } from './pack.ts'
import { explainStops, originsOf } from './provenance.ts'
import { findRecomputed, type Recomputed, type RecomputePolicy } from './recompute.ts'
import { stageReductions } from './reductions.ts'
import { decideStores } from './storing.ts'
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
    fuseAnew(source, maxSlots, maxLoads, { isMany: asked, sizes: dims }),
  )
}

function fuseAnew(source: Graph, maxSlots: number, maxLoads: number, policy: RecomputePolicy): FusedGraph {
  const consumers = consumersOf(nodesOf(source.results))
  const joined = joinSums(source, consumers, findRecomputed(source, consumers, new Set(), policy).nodes)
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
  let kernels = fuseWithin(graph, { slots: maxSlots, loads: maxLoads, replaces }, policy)
  // An update that could not be made in place after all: then both tensors count.
  if (kernels.some(({ slots }) => slots.length > maxSlots))
    kernels = fuseWithin(graph, { slots: maxSlots, loads: maxLoads, replaces: new Map() }, policy)
  return { kernels: asOf(source, graph, kernels, original), origins: graph.origins }
}

function fuseWithin(graph: Graph, limits: Limits, policy: RecomputePolicy): Kernel[] {
  const nodes = nodesOf(graph.results)
  const consumers = consumersOf(nodes)
  const forced = new Set<Node>()
  const barred = new Map<Node, Set<Node>>()
  let bars = 0
  const sealed = new Set<Node>()
  const kept = new KeptKernels(nodes)
  for (;;) {
    const recomputed = findRecomputed(graph, consumers, forced, policy)
    const attempt = tryFuse(graph, nodes, consumers, { forced, barred, sealed }, recomputed, limits, kept)
    if (attempt.kernels) return attempt.kernels
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
      throw new Error(`${graph.name}: fusion demands nothing new and cannot go on`)
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
  readonly kernels?: Kernel[]
  readonly force?: Iterable<Node>
  readonly demands?: readonly Demand[]
}

function tryFuse(
  graph: Graph,
  nodes: readonly Node[],
  consumers: ReadonlyMap<Node, readonly Node[]>,
  demands: Demands,
  recomputed: Recomputed,
  limits: Limits,
  kept: KeptKernels,
): Attempt {
  const grouping = new Grouping(nodes, consumers, demands, recomputed)
  const { stored, force } = decideStores(graph, nodes, consumers, grouping)
  if ([...force].some((node) => !demands.forced.has(node))) return { force }

  kept.begin(recomputed.nodes)
  const isStored = (node: Node) => stored.has(node)
  const home = (node: Node) => grouping.home.get(node)
  const needed = new Set(graph.results.map(({ node }) => node))
  const built: { readonly kernel: Kernel; readonly group: Group; readonly stores: readonly Node[] }[] = []
  const made: Demand[] = []
  for (const group of consumersFirst(grouping.groups)) {
    const stores = group.members.filter((node) => stored.has(node) && needed.has(node))
    if (stores.length === 0) continue
    try {
      let kernel = kept.find(group, stores, (node) => endOf(node, group, isStored, home))
      if (!kernel) {
        const body = new Body(group, isStored, home, limits, recomputed.nodes)
        kernel = dropUnreadSlots(build(body, group, stores, recomputed.nodes))
        kept.keep(group, stores, { kernel, ends: body.ends })
      }
      for (const { node, access } of kernel.slots) if (access === 'read') needed.add(node)
      built.push({ kernel, group, stores })
    } catch (error) {
      if (!(error instanceof TooLarge)) throw error
      made.push(demandFor(error.body, grouping, stored, demands, limits.slots))
      // Its operands are needed in any case; what remains is built to find every other fault in this round.
      for (const node of group.members)
        for (const operand of node.operands) if (stored.has(operand)) needed.add(operand)
    }
  }
  if (made.length > 0) return { demands: made }
  // Where a kernel comes from, and why it ends, is asked only once all are small enough.
  const explained = built.map(({ kernel, group, stores }) => ({
    ...kernel,
    origins: originsOf(graph.origins, kernel.nodes),
    stops: explainStops(group, stores, consumers, grouping),
  }))
  const finished = finishEach(packTooLarge(explained, limits.slots))
  return { kernels: updateInPlace(graph, orderKernels(graph, finished.reverse())) }
}

/** The layers of a stack have kernels of one structure, whose axes are chosen once. */
function finishEach(kernels: readonly Kernel[]): Kernel[] {
  const known = new Map<string, Kernel>()
  return kernels.map((kernel) => {
    const key = keyOfKernel(kernel)
    const alike = known.get(key) ?? finishAxes(kernel)
    known.set(key, alike)
    return withTensors(alike, kernel)
  })
}

function build(body: Body, group: Group, stored: readonly Node[], recomputed: ReadonlySet<Node>): Kernel {
  switch (group.kind) {
    case 'map':
      return buildMap(body, group, stored)
    case 'row':
      return buildRow(body, group, stored)
    case 'contract':
      return buildContract(body, group, stored, recomputed)
    case 'attention':
      return buildAttention(body, group, stored)
    case 'scatter':
      return buildScatter(body, group)
    case 'running':
      return buildRunning(body, group)
    default:
      return group.kind satisfies never
  }
}

/** Groups such that each comes before those it needs. */
function consumersFirst(groups: readonly Group[]): Group[] {
  // A group runs after strictly more groups than any that it needs.
  const sizes = groups.map(({ before }) => before.size)
  return [...groups].sort((a, b) => sizes[b.id]! - sizes[a.id]! || b.id - a.id)
}

function consumersOf(nodes: readonly Node[]): ReadonlyMap<Node, readonly Node[]> {
  const consumers = new Map<Node, Node[]>(nodes.map((node) => [node, []]))
  for (const node of nodes) for (const operand of new Set(node.operands)) consumers.get(operand)!.push(node)
  return consumers
}
