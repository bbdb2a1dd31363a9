/**
 * What a group looks like to whoever builds its kernel, as a key: the kind of each node that it is made of, in the order of their
 * ids, how they depend on each other, where each is computed, and where expansion ends.
 */
import type { Node } from '../ir/graph.ts'
import type { Axis } from '../ir/kernel.ts'
import { type Decided, type End, endOf, type Limits } from './body.ts'
import type { Domains } from './domains.ts'
import type { Group } from './group.ts'
import { isLooseReduction } from './loose.ts'
import type { NodeKinds } from './node-kinds.ts'
import { NumberLists } from './number-lists.ts'
import type { Subject } from './subject.ts'

/** A group as it is looked up. */
export interface Likeness {
  /** Equal for groups that are alike. */
  readonly number: number
  /** What the group is made of, by id. */
  readonly nodes: readonly Node[]
}

export class Likenesses {
  private readonly words = new Map<string, number>()
  private readonly kinds: NodeKinds
  private readonly domains: Domains
  /** Of the nodes of the group at hand, by id: how expansion ends there, and which of them it is. 0 of all others. */
  private ends = new Uint8Array(0)
  private ranks = new Int32Array(0)
  private readonly lists = new NumberLists()
  constructor(kinds: NodeKinds, domains: Domains) {
    this.kinds = kinds
    this.domains = domains
  }

  /** `limits`: those within which its kernel is built. */
  of(subject: Subject, group: Group, stores: readonly Node[], decided: Decided, limits: Limits): Likeness {
    const { kinds, domains } = this
    const { softmax, roles } = group
    if (this.ends.length < subject.length) {
      this.ends = new Uint8Array(subject.length)
      this.ranks = new Int32Array(subject.length)
    }
    const { ends, ranks } = this
    const nodes = this.reached(subject, group, stores, decided)
    for (let at = 0; at < nodes.length; at++) ranks[nodes[at]!.id] = at
    const numbers = this.lists
    numbers.begin()
    const add = (list: readonly Node[]) => {
      numbers.add(list.length)
      for (let at = 0; at < list.length; at++) numbers.add(ranks[list[at]!.id]!)
    }
    numbers.add(limits.slots)
    numbers.add(limits.loads)
    numbers.add(this.word(group.kind))
    add(group.anchors)
    add(group.members)
    add(stores)
    numbers.add(nodes.length)
    for (let at = 0; at < nodes.length; at++) {
      const node = nodes[at]!
      const end = ends[node.id]!
      ends[node.id] = 0
      const index = group.at.get(node)
      const isAgain = decided.recomputed.has(node)
      const isLoose = subject.lowerings[node.id]!.kind === 'reduce' && isLooseReduction(node)
      numbers.add(end + (index ? 8 : 0) + (isAgain ? 16 : 0) + (isLoose ? 32 : 0))
      if (index) numbers.add(domains.numberOf(index))
      // Of what is only loaded no more than that matters.
      if (end === endNumbers.stored && !index && !isAgain) numbers.add(kinds.typeOf(node))
      else {
        numbers.add(kinds.of(node))
        const { operands } = node
        for (let o = 0; o < operands.length; o++) numbers.add(ranks[operands[o]!.id]!)
      }
    }
    const axes = (list: readonly Axis[]) => numbers.add(domains.numberOfAxes(list))
    axes(group.axes)
    axes(group.row)
    numbers.add(group.reads.size)
    for (const [node, index] of group.reads) {
      numbers.add(ranks[node.id]!)
      numbers.add(domains.numberOf(index))
    }
    if (softmax) {
      const { product, side, weights, normalised, score, greatest, total } = softmax
      numbers.add(1 + side + (normalised ? 2 : 0))
      add([product, weights, score, greatest, total])
    }
    // Those of a contraction are known by its kind.
    if (roles && group.kind !== 'contract') {
      axes(roles.batch)
      axes(roles.rows)
      axes(roles.columns)
      axes(roles.depth)
      for (const [name, axis] of roles.byName) {
        numbers.add(this.word(name))
        numbers.add(domains.numberOfAxis(axis))
      }
    }
    return { number: numbers.end(), nodes }
  }

  /**
   * What a group's kernel may be made of, by id, and for each how it ends: its own nodes and all that they are expanded to. Of what
   * is loaded no more may be of interest than its value in memory.
   */
  private reached({ lowerings }: Subject, group: Group, stores: readonly Node[], decided: Decided): Node[] {
    const { ends } = this
    const { softmax, at: known } = group
    const { recomputed } = decided
    const nodes: Node[] = []
    const pending = [...stores, ...group.anchors, ...group.members]
    if (softmax) pending.push(softmax.product, softmax.weights, softmax.score, softmax.greatest, softmax.total)
    while (pending.length > 0) {
      const node = pending.pop()!
      const { id, operands } = node
      if (ends[id] !== 0) continue
      const end = lowerings[id]!.kind === 'leaf' ? endNumbers.leaf : endNumbers[endOf(node, group, decided)]
      ends[id] = end
      nodes.push(node)
      if (end !== endNumbers.stored || known.has(node) || recomputed.has(node))
        for (let at = 0; at < operands.length; at++) if (ends[operands[at]!.id] === 0) pending.push(operands[at]!)
    }
    return nodes.sort(byId)
  }

  private word(text: string): number {
    const known = this.words.get(text) ?? this.words.size
    this.words.set(text, known)
    return known
  }
}

const endNumbers: Readonly<Record<End | 'leaf', number>> = { leaf: 1, own: 2, stored: 3, open: 4 }
const byId = (a: Node, b: Node): number => a.id - b.id
