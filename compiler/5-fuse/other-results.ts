/**
 * A graph of which more is wanted than before (what a model exposes, beside its outputs): where each round of the search comes to the
 * same, so do its kernels. That holds where all that is wanted now was stored anyway.
 */
import type { Graph, Node, Result } from '../ir/graph.ts'
import type { Kernel } from '../ir/kernel.ts'
import { updateInPlace } from './in-place.ts'
import { NodeSet } from './node-set.ts'
import { orderKernels } from './order.ts'
import { findRecomputed, type Recomputed, type RecomputePolicy } from './recompute.ts'
import { decideStores, type Storing } from './storing.ts'
import type { Subject } from './subject.ts'
import { joinSums } from './sums.ts'

/** One round of a search, as far as results may have a part in it. */
export interface Round {
  readonly grouping: Parameters<typeof decideStores>[1]
  readonly storing: Storing
  /** What kernels were asked to write; `undefined` where none was built. */
  readonly written: NodeSet | undefined
}

export interface Search {
  readonly subject: Subject
  readonly policy: RecomputePolicy
  readonly first: Recomputed
  readonly rounds: readonly Round[]
  /** What the last round came to, in no order yet. */
  readonly kernels: readonly Kernel[]
}

/** The kernels for other results of the same nodes; `undefined` where they have to be searched for. */
export function kernelsFor(search: Search, results: readonly Result[]): readonly Kernel[] | undefined {
  const { policy, first, rounds, kernels } = search
  const graph = { ...search.subject.graph, results }
  const subject = { ...search.subject, graph, results: new NodeSet(search.subject.length) }
  for (const { node } of results) subject.results.add(node)
  const more = moreResults(search.subject.graph, graph)
  if (!more) return undefined
  let recomputed = findRecomputed(subject, new Set(), policy)
  if (!isSame(recomputed, first)) return undefined
  if (joinSums(graph, subject.consumers, recomputed.nodes).graph !== graph) return undefined
  for (const { grouping, storing, written } of rounds) {
    recomputed = findRecomputed(subject, grouping.demands.forced, policy, recomputed)
    if (!isSame(recomputed, grouping.recomputed)) return undefined
    const { stored, force } = decideStores(subject, grouping)
    if (!stored.equals(storing.stored) || !sameNodes(force, storing.force)) return undefined
    if (written && !more.every((node) => written.has(node))) return undefined
  }
  return updateInPlace(graph, orderKernels(graph, kernels))
}

/** What is wanted beside all that was before; `undefined` where something of it is not, or takes the place of something else. */
function moreResults(before: Graph, after: Graph): readonly Node[] | undefined {
  const replaced = new Map<Node, Node | undefined>()
  for (const { node, replaces } of before.results) replaced.set(node, replaces ?? replaced.get(node))
  const more = new Map<Node, Node | undefined>()
  for (const { node, replaces } of after.results) more.set(node, replaces ?? more.get(node))
  for (const [node, replaces] of replaced) {
    if (!more.has(node) || more.get(node) !== replaces) return undefined
    more.delete(node)
  }
  for (const replaces of more.values()) if (replaces) return undefined
  return [...more.keys()]
}

function isSame(a: Recomputed, b: Recomputed): boolean {
  if (a === b) return true
  if (!a.nodes.equals(b.nodes) || a.softmax.size !== b.softmax.size || a.reasons.size !== b.reasons.size) return false
  for (const node of a.softmax.keys()) if (!b.softmax.has(node)) return false
  for (const [node, reason] of a.reasons) if (b.reasons.get(node) !== reason) return false
  return true
}

function sameNodes(a: readonly Node[], b: readonly Node[]): boolean {
  if (a.length !== b.length) return false
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false
  return true
}
