/**
 * Graph → groups: one pass over the nodes in order. A node joins the group of an operand where that is legal, seeds a
 * group of its own if only a kernel can compute it, and otherwise stays loose: it is repeated wherever it is needed.
 */
import type { Node } from '../ir/graph.ts'
import type { Index } from '../ir/kernel.ts'
import { lowerOf } from '../ops/registry.ts'
import { reducedAxes } from '../ops/structure.ts'
import type { Domains } from './domains.ts'
import { estimateElements } from './estimate.ts'
import { joinAttention } from './forms/attention.ts'
import { contractGroup } from './forms/contract.ts'
import { joinMap, mapGroup } from './forms/map.ts'
import { joinRow, rowGroup } from './forms/row.ts'
import { runningGroup } from './forms/running.ts'
import { scatterGroup } from './forms/scatter.ts'
import type { Group } from './group.ts'
import { joinAsMember, passBy } from './join.ts'
import { isLooseReduction } from './loose.ts'
import { NumberSet } from './number-set.ts'
import type { Recomputed } from './recompute.ts'

/** What grouping must respect, learnt from kernels that came out too large. */
export interface Demands {
  /** Nodes that get storage of their own. */
  readonly forced: ReadonlySet<Node>
  /** Nodes that do not join a group, which is named by its first anchor. */
  readonly barred: ReadonlyMap<Node, ReadonlySet<Node>>
  /** Nodes whose consumers do not join them. */
  readonly sealed: ReadonlySet<Node>
}

export class Grouping {
  readonly groups: Group[] = []
  readonly home = new Map<Node, Group>()
  readonly demands: Demands
  readonly recomputed: Recomputed
  readonly domains: Domains
  /** Why a node did not join an operand's group. */
  readonly reasons = new Map<Node, string>()
  private readonly direct = new Map<Node, ReadonlySet<Group>>()
  private readonly sources = new Map<Node, ReadonlySet<object>>()
  private readonly sourcesOfGroup = new Map<Group, Set<object>>()
  private readonly position: ReadonlyMap<Node, number>
  private readonly consumers: ReadonlyMap<Node, readonly Node[]>

  constructor(
    nodes: readonly Node[],
    consumers: ReadonlyMap<Node, readonly Node[]>,
    demands: Demands,
    recomputed: Recomputed,
    domains: Domains,
  ) {
    this.position = new Map(nodes.map((node, at) => [node, at]))
    this.consumers = consumers
    this.demands = demands
    this.recomputed = recomputed
    this.domains = domains
    for (const node of nodes) {
      this.place(node)
      // Asked here once, so that a long chain of loose nodes is never walked in depth.
      this.groupsBehind(node)
      this.sourcesBehind(node)
    }
  }

  private place(node: Node): void {
    const { forced } = this.demands
    const kind = lowerOf(node).kind
    if (this.recomputed.nodes.has(node)) {
      passBy(this, node)
      return
    }
    switch (kind) {
      case 'leaf':
        return
      case 'map':
      case 'view':
      case 'index':
      case 'lookup':
        if ((kind === 'map' || kind === 'view') && joinAsMember(this, node)) return
        if (!forced.has(node)) return
        if (!joinMap(this, node)) mapGroup(this, node)
        return
      case 'reduce':
        if (isLooseReduction(node) && !this.recomputed.nodes.has(node.operands[0]!)) {
          if (forced.has(node)) mapGroup(this, node)
        } else if (!reducedAxes(node)) mapGroup(this, node)
        else if (!joinRow(this, node)) rowGroup(this, node)
        return
      case 'contract': {
        const softmax = this.recomputed.softmax.get(node)
        if (!softmax || !joinAttention(this, softmax)) contractGroup(this, node)
        return
      }
      case 'scatter':
        scatterGroup(this, node)
        return
      case 'running':
        runningGroup(this, node)
        return
      case 'scan':
      case 'project':
        throw new Error('a recurrence has no kernel form')
      default:
        kind satisfies never
    }
  }

  open(kind: Group['kind'], anchor: Node, parts: Pick<Group, 'axes'> & Partial<Group>): Group {
    const group: Group = {
      id: this.groups.length,
      kind,
      anchors: [],
      members: [],
      at: new Map(),
      before: new NumberSet(),
      row: [],
      reads: new Map(),
      seed: undefined,
      softmax: undefined,
      roles: undefined,
      ...parts,
    }
    this.groups.push(group)
    this.anchor(group, anchor, group.at.get(anchor)!)
    return group
  }
  anchor(group: Group, node: Node, at: readonly Index[]): void {
    group.anchors.push(node)
    this.admit(group, node, at)
  }
  admit(group: Group, node: Node, at: readonly Index[]): void {
    group.members.push(node)
    group.at.set(node, at)
    this.home.set(node, group)
    // What the row computes anyway is not waited for, even where another kernel stores it too.
    for (const operand of node.operands) if (!group.at.has(operand)) this.require(group, operand)
    const sources = this.sourcesOfGroup.get(group) ?? new Set()
    this.sourcesOfGroup.set(group, sources)
    for (const operand of node.operands)
      for (const source of this.sourcesBehind(operand)) if (source !== group) sources.add(source)
  }
  /** Whether a node reads something that the group reads too: a tensor worth reading once, or another group's results. */
  sharesSources(group: Group, node: Node): boolean {
    const known = this.sourcesOfGroup.get(group)!
    return node.operands.some((operand) => [...this.sourcesBehind(operand)].some((source) => known.has(source)))
  }
  /** Whether everything in memory that the group's anchors read is read by something after the node as well. */
  mayWaitFor(group: Group, node: Node): boolean {
    const now = this.position.get(node)!
    const seen = new Set<Node>()
    const pending = group.anchors.flatMap((anchor) => anchor.operands)
    while (pending.length > 0) {
      const source = pending.pop()!
      if (seen.has(source) || this.home.get(source) === group || lowerOf(source).kind === 'leaf') continue
      seen.add(source)
      if (!this.home.has(source)) pending.push(...source.operands)
      else if (!this.consumers.get(source)!.some((reader) => this.position.get(reader)! > now)) return false
    }
    return true
  }
  private sourcesBehind(node: Node): ReadonlySet<object> {
    const home = this.home.get(node)
    if (home) return new Set([home])
    const known = this.sources.get(node)
    if (known) return known
    const sources = new Set<object>()
    if (lowerOf(node).kind === 'leaf' && estimateElements(node) > 16) sources.add(node)
    for (const operand of node.operands) for (const source of this.sourcesBehind(operand)) sources.add(source)
    this.sources.set(node, sources)
    return sources
  }
  /** The group needs the node: whatever makes it runs earlier. */
  require(group: Group, node: Node): void {
    for (const earlier of this.groupsBehind(node)) {
      if (earlier === group || group.before.has(earlier.id)) continue
      for (const later of this.groups)
        if (later === group || later.before.has(group.id)) {
          later.before.add(earlier.id)
          later.before.addAll(earlier.before)
        }
    }
  }
  /** The groups whose stored results the node is an expression of. */
  groupsBehind(node: Node): ReadonlySet<Group> {
    const home = this.home.get(node)
    if (home) return new Set([home])
    const known = this.direct.get(node)
    if (known) return known
    const groups = new Set<Group>()
    for (const operand of node.operands) for (const group of this.groupsBehind(operand)) groups.add(group)
    this.direct.set(node, groups)
    return groups
  }
  isBarred(node: Node, group: Group): boolean {
    return this.demands.barred.get(node)?.has(group.anchors[0]!) ?? false
  }
  dependsOn(node: Node, group: Group): boolean {
    for (const behind of this.groupsBehind(node)) if (behind === group || behind.before.has(group.id)) return true
    return false
  }
}
