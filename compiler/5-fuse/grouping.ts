/**
 * Graph → groups: one pass over the nodes in order. A node joins the group of an operand where that is legal, seeds a
 * group of its own if only a kernel can compute it, and otherwise stays loose: it is repeated wherever it is needed.
 */
import type { Node } from '../ir/graph.ts'
import type { Axis, Index } from '../ir/kernel.ts'
import type { Lowering } from '../ops/op.ts'
import { reducedAxes } from '../ops/structure.ts'
import { Behind } from './behind.ts'
import type { Domains, RowDomain } from './domains.ts'
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
import type { Subject } from './subject.ts'

/** What grouping must respect, learnt from kernels that came out too large. */
export interface Demands {
  /** Nodes that get storage of their own. */
  readonly forced: ReadonlySet<Node>
  /** Nodes that do not join a group, which is named by its first anchor. */
  readonly barred: ReadonlyMap<Node, ReadonlySet<Node>>
  /** Nodes whose consumers do not join them. */
  readonly sealed: ReadonlySet<Node>
}

/** The group of each node that is in one, by its id. */
export type Homes = readonly (Group | undefined)[]

export class Grouping {
  readonly groups: Group[] = []
  readonly home: (Group | undefined)[]
  readonly demands: Demands
  readonly recomputed: Recomputed
  readonly domains: Domains
  /** Why a node did not join an operand's group. */
  readonly reasons = new Map<Node, string>()
  /** Groups that make a node, by its id. */
  private readonly knownTo: (Group[] | undefined)[]
  /** By the rows that their first reduction runs along. */
  private readonly rows = new Map<RowDomain, Group[]>()
  /** Of groups, by id. */
  private readonly sourcesOfGroup: Set<number>[] = []
  /** Groups that some other runs after. */
  private readonly needed = new NumberSet()
  private readonly subject: Subject
  private readonly behind: Behind

  constructor(subject: Subject, demands: Demands, recomputed: Recomputed, domains: Domains) {
    this.subject = subject
    this.demands = demands
    this.recomputed = recomputed
    this.domains = domains
    const { nodes, length } = subject
    this.home = new Array(length)
    this.knownTo = new Array(length)
    this.behind = new Behind(subject, this.home)
    for (let at = 0; at < nodes.length; at++) {
      const node = nodes[at]!
      this.place(node)
      // Asked here once, so that a long chain of loose nodes is never walked in depth.
      this.behind.groups(node)
      this.behind.sources(node)
    }
  }

  private place(node: Node): void {
    const { forced } = this.demands
    const { kind } = this.loweringOf(node)
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

  /** `at`: where it computes its anchor. */
  open(
    kind: Group['kind'],
    anchor: Node,
    at: readonly Index[],
    { axes, row, seed, roles }: Pick<Group, 'axes'> & Partial<Pick<Group, 'row' | 'seed' | 'roles'>>,
  ): Group {
    const group: Group = {
      id: this.groups.length,
      kind,
      anchors: [],
      members: [],
      at: new Map(),
      before: new NumberSet(),
      axes,
      row: row ?? noAxes,
      reads: new Map(),
      seed,
      softmax: undefined,
      roles,
    }
    this.groups.push(group)
    this.behind.open()
    this.sourcesOfGroup.push(new Set())
    this.anchor(group, anchor, at)
    return group
  }
  anchor(group: Group, node: Node, at: readonly Index[]): void {
    group.anchors.push(node)
    this.admit(group, node, at)
  }
  admit(group: Group, node: Node, at: readonly Index[]): void {
    group.members.push(node)
    this.home[node.id] = group
    this.know(group, node, at)
    const sources = this.sourcesOfGroup[group.id]!
    const { operands } = node
    const own = this.behind.sourceOf(group)
    for (let o = 0; o < operands.length; o++) {
      const behind = this.behind.sources(operands[o]!)
      for (let at = 0; at < behind.length; at++) if (behind[at] !== own) sources.add(behind[at]!)
    }
  }
  /** Where the group makes a node, whoever stores it. */
  know(group: Group, node: Node, at: readonly Index[]): void {
    group.at.set(node, at)
    // Of others none becomes a row.
    if (group.kind === 'row' || group.kind === 'map') {
      const known = this.knownTo[node.id]
      if (known) known.push(group)
      else this.knownTo[node.id] = [group]
    }
    // What the row computes anyway is not waited for, even where another kernel stores it too.
    const { operands } = node
    for (let o = 0; o < operands.length; o++) if (!group.at.has(operands[o]!)) this.require(group, operands[o]!)
  }
  /** A row group's first reduction runs along the rows of a domain. */
  seed(group: Group, domain: RowDomain): void {
    const all = this.rows.get(domain)
    if (all) all.push(group)
    else this.rows.set(domain, [group])
  }
  /** Row groups that make a node or have such rows, latest first. */
  rowsOf(node: Node, domain: RowDomain): Group[] {
    const found: Group[] = []
    addRows(found, this.knownTo[node.id])
    addRows(found, this.rows.get(domain))
    return found.length > 1 ? found.sort((a, b) => b.id - a.id) : found
  }
  loweringOf({ id }: Node): Lowering {
    return this.subject.lowerings[id]!
  }
  /** Whether a node reads something that the group reads too: a tensor worth reading once, or another group's results. */
  sharesSources(group: Group, node: Node): boolean {
    const known = this.sourcesOfGroup[group.id]!
    for (let o = 0; o < node.operands.length; o++) {
      const behind = this.behind.sources(node.operands[o]!)
      for (let at = 0; at < behind.length; at++) if (known.has(behind[at]!)) return true
    }
    return false
  }
  /** Whether everything in memory that the group's anchors read is read by something after the node as well. */
  mayWaitFor(group: Group, node: Node): boolean {
    return this.behind.leastRead(group) > node.id
  }
  /** The group needs the node: whatever makes it runs earlier. */
  require(group: Group, node: Node): void {
    const behind = this.behind.groups(node)
    for (let at = 0; at < behind.length; at++) {
      const earlier = this.groups[behind[at]!]!
      if (earlier === group || group.before.has(earlier.id)) continue
      // Most groups are needed by none yet.
      if (!this.needed.has(group.id)) runsAfter(group, earlier)
      else for (const later of this.groups) if (later === group || later.before.has(group.id)) runsAfter(later, earlier)
      this.needed.add(earlier.id)
    }
  }
  /** By id. */
  groupsBehind(node: Node): readonly number[] {
    return this.behind.groups(node)
  }
  isBarred(node: Node, group: Group): boolean {
    return this.demands.barred.get(node)?.has(group.anchors[0]!) ?? false
  }
  dependsOn(node: Node, group: Group): boolean {
    const all = this.behind.groups(node)
    for (let at = 0; at < all.length; at++)
      if (all[at] === group.id || this.groups[all[at]!]!.before.has(group.id)) return true
    return false
  }
  /** All groups that the node depends on, by id: for asking about many. */
  dependenciesOf(node: Node): NumberSet {
    const all = new NumberSet()
    for (const behind of this.behind.groups(node)) {
      all.add(behind)
      all.addAll(this.groups[behind]!.before)
    }
    return all
  }
}

const noAxes: readonly Axis[] = []

function runsAfter(later: Group, earlier: Group): void {
  later.before.add(earlier.id)
  later.before.addAll(earlier.before)
}

function addRows(found: Group[], groups: readonly Group[] | undefined): void {
  if (groups)
    for (let at = 0; at < groups.length; at++) {
      const group = groups[at]!
      if (group.kind === 'row' && !found.includes(group)) found.push(group)
    }
}
