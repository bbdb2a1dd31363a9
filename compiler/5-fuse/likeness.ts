/**
 * What a group looks like to whoever builds its kernel, as a key: the kind of each node that it is made of, in the order of their
 * ids, how they depend on each other, where each is computed, and where expansion ends.
 */
import type { Node } from '../ir/graph.ts'
import type { Axis } from '../ir/kernel.ts'
import { lowerOf } from '../ops/registry.ts'
import type { End } from './body.ts'
import type { Domains } from './domains.ts'
import type { Group } from './group.ts'
import { isLooseReduction } from './loose.ts'
import type { NodeKinds } from './node-kinds.ts'

/** A group as it is looked up. */
export interface Likeness {
  readonly key: string
  /** What the group is made of, by id; and where in that list each stands. */
  readonly nodes: readonly Node[]
  readonly rank: ReadonlyMap<Node, number>
}

export class Likenesses {
  private readonly words = new Map<string, number>()
  private readonly kinds: NodeKinds
  private readonly domains: Domains
  constructor(kinds: NodeKinds, domains: Domains) {
    this.kinds = kinds
    this.domains = domains
  }

  /** `limits`: those within which its kernel is built. */
  of(
    group: Group,
    stores: readonly Node[],
    limits: string,
    endOf: (node: Node) => End,
    recomputed: ReadonlySet<Node>,
  ): Likeness {
    const { kinds, domains } = this
    const { softmax, roles } = group
    const ends = reached(group, stores, endOf, recomputed)
    const nodes = [...ends.keys()].sort((a, b) => a.id - b.id)
    const rank = new Map<Node, number>()
    for (let at = 0; at < nodes.length; at++) rank.set(nodes[at]!, at)
    const text = new NumberText()
    const add = (list: readonly Node[]) => {
      text.add(list.length)
      for (let at = 0; at < list.length; at++) text.add(rank.get(list[at]!)!)
    }
    text.add(this.word(limits))
    text.add(this.word(group.kind))
    add(group.anchors)
    add(group.members)
    add(stores)
    text.add(nodes.length)
    for (let at = 0; at < nodes.length; at++) {
      const node = nodes[at]!
      const end = ends.get(node)!
      const index = group.at.get(node)
      const isAgain = recomputed.has(node)
      const isLoose = lowerOf(node).kind === 'reduce' && isLooseReduction(node)
      text.add(endNumbers[end] + (index ? 4 : 0) + (isAgain ? 8 : 0) + (isLoose ? 16 : 0))
      if (index) text.add(domains.numberOf(index))
      // Of what is only loaded no more than that matters.
      if (!goesOn(end, index !== undefined, isAgain)) text.add(kinds.typeOf(node))
      else {
        text.add(kinds.of(node))
        for (let o = 0; o < node.operands.length; o++) text.add(rank.get(node.operands[o]!)!)
      }
    }
    const axes = (list: readonly Axis[]) => text.add(domains.numberOfAxes(list))
    axes(group.axes)
    axes(group.row)
    text.add(group.reads.size)
    for (const [node, index] of group.reads) {
      text.add(rank.get(node)!)
      text.add(domains.numberOf(index))
    }
    if (softmax) {
      const { product, side, weights, normalised, score, greatest, total } = softmax
      text.add(1 + side + (normalised ? 2 : 0))
      add([product, weights, score, greatest, total])
    }
    // Those of a contraction are known by its kind.
    if (roles && group.kind !== 'contract') {
      axes(roles.batch)
      axes(roles.rows)
      axes(roles.columns)
      axes(roles.depth)
      for (const [name, axis] of roles.byName) {
        text.add(this.word(name))
        text.add(domains.numberOfAxis(axis))
      }
    }
    return { key: text.end(), nodes, rank }
  }

  private word(text: string): number {
    const known = this.words.get(text) ?? this.words.size
    this.words.set(text, known)
    return known
  }
}

const endNumbers: Readonly<Record<End | 'leaf', number>> = { leaf: 0, own: 1, stored: 2, open: 3 }

/** What a group's kernel may be made of, and how each ends: its own nodes and all that they are expanded to. */
function reached(
  group: Group,
  stores: readonly Node[],
  endOf: (node: Node) => End,
  recomputed: ReadonlySet<Node>,
): ReadonlyMap<Node, End | 'leaf'> {
  const ends = new Map<Node, End | 'leaf'>()
  const { softmax } = group
  const pending = [...stores, ...group.anchors, ...group.members]
  if (softmax) pending.push(softmax.product, softmax.weights, softmax.score, softmax.greatest, softmax.total)
  while (pending.length > 0) {
    const node = pending.pop()!
    if (ends.has(node)) continue
    const end = lowerOf(node).kind === 'leaf' ? 'leaf' : endOf(node)
    ends.set(node, end)
    if (goesOn(end, group.at.has(node), recomputed.has(node)))
      for (let at = 0; at < node.operands.length; at++) pending.push(node.operands[at]!)
  }
  return ends
}

/** Whether more of a node may be of interest than its value in memory. */
const goesOn = (end: End | 'leaf', isKnown: boolean, isAgain: boolean): boolean =>
  end !== 'stored' || isKnown || isAgain

/** Numbers as a text, equal for equal ones: a unit each where they are small. */
class NumberText {
  private units: number[] = []
  private text = ''

  add(n: number): void {
    if (n < wide) this.units.push(n)
    else this.units.push(wide, n >>> 16, n & 0xffff)
    if (this.units.length >= mostUnits) this.flush()
  }
  end(): string {
    this.flush()
    return this.text
  }
  private flush(): void {
    this.text += String.fromCharCode(...this.units)
    this.units = []
  }
}
const wide = 0xffff
/** Arguments of one call have an end. */
const mostUnits = 4096
