/** What is behind the nodes that are placed so far: the groups and the large leaves that each is an expression of. */
import type { Node } from '../ir/graph.ts'
import type { Group } from './group.ts'
import type { Homes } from './grouping.ts'
import type { Subject } from './subject.ts'

export class Behind {
  private readonly subject: Subject
  private readonly home: Homes
  /** Of nodes, by id. */
  private readonly knownGroups: (readonly number[] | undefined)[]
  private readonly knownSources: (readonly number[] | undefined)[]
  /** Each group alone, as what is behind its members; and as a source. */
  private readonly alone: (readonly number[])[] = []
  private readonly aloneAsSource: (readonly number[])[] = []
  private readonly read: ({ readonly anchors: number; readonly least: number } | undefined)[] = []
  /** The last walk that met something. */
  private readonly met: Int32Array
  private walks = 0

  constructor(subject: Subject, home: Homes) {
    const { length } = subject
    this.subject = subject
    this.home = home
    this.knownGroups = new Array(length)
    this.knownSources = new Array(length)
    this.met = new Int32Array(2 * length)
  }

  /** There is one more group. */
  open(): void {
    const id = this.alone.length
    this.alone.push([id])
    this.aloneAsSource.push([this.subject.length + id])
    this.read.push(undefined)
  }
  sourceOf(group: Group): number {
    return this.subject.length + group.id
  }
  /** The id of the last reader of that source of the anchors whose last reader comes first. */
  leastRead(group: Group): number {
    const known = this.read[group.id]
    if (known?.anchors === group.anchors.length) return known.least
    const { lowerings, consumers } = this.subject
    let least = Number.POSITIVE_INFINITY
    const walk = ++this.walks
    const pending: Node[] = []
    for (const anchor of group.anchors) for (const operand of anchor.operands) pending.push(operand)
    while (pending.length > 0) {
      const source = pending.pop()!
      const home = this.home[source.id]
      if (this.met[source.id] === walk || home === group || lowerings[source.id]!.kind === 'leaf') continue
      this.met[source.id] = walk
      if (!home) for (const operand of source.operands) pending.push(operand)
      else {
        // Consumers are in the order of the graph.
        const readers = consumers[source.id]!
        least = Math.min(least, readers[readers.length - 1]!.id)
      }
    }
    this.read[group.id] = { anchors: group.anchors.length, least }
    return least
  }
  /** Large leaves by their ids, groups by what is more than all ids. */
  sources(node: Node): readonly number[] {
    const home = this.home[node.id]
    if (home) return this.aloneAsSource[home.id]!
    let sources = this.knownSources[node.id]
    if (!sources) {
      const { lowerings, elements } = this.subject
      const isSource = lowerings[node.id]!.kind === 'leaf' && elements[node.id]! > 16
      sources = isSource ? [node.id] : this.union(node.operands, true)
      this.knownSources[node.id] = sources
    }
    return sources
  }
  /** The groups whose stored results the node is an expression of, by id. */
  groups(node: Node): readonly number[] {
    const home = this.home[node.id]
    if (home) return this.alone[home.id]!
    let groups = this.knownGroups[node.id]
    if (!groups) {
      groups = this.union(node.operands, false)
      this.knownGroups[node.id] = groups
    }
    return groups
  }
  /** What is behind some operands, each once; the list of one of them where that has all. */
  private union(operands: readonly Node[], ofSources: boolean): readonly number[] {
    let all = nothing
    let own: number[] | undefined
    for (let at = 0; at < operands.length; at++) {
      const more = ofSources ? this.sources(operands[at]!) : this.groups(operands[at]!)
      if (more === all || more.length === 0) continue
      if (all.length === 0) {
        all = more
        continue
      }
      const walk = ++this.walks
      for (let each = 0; each < all.length; each++) this.met[all[each]!] = walk
      for (let each = 0; each < more.length; each++) {
        if (this.met[more[each]!] === walk) continue
        own ??= all.slice()
        own.push(more[each]!)
        all = own
      }
    }
    return all
  }
}

const nothing: readonly number[] = []
