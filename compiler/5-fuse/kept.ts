/**
 * Kernels that were built before, in an earlier round of the search, for another layer, for another entry. Groups that are
 * alike become the same kernel, said of other nodes: it is built, and its axes are chosen, once.
 *
 * Alike is what looks the same to whoever builds a kernel: the kind of each node that the group is made of, in the order of
 * their ids, how they depend on each other, where each is computed, and where expansion ends.
 */
import type { Node } from '../ir/graph.ts'
import type { Axis, Kernel, KernelSlot } from '../ir/kernel.ts'
import { keyOfKernel, withTensors } from '../ir/kernel-key.ts'
import { lowerOf } from '../ops/registry.ts'
import { finishAxes } from './axes.ts'
import type { End } from './body.ts'
import type { Domains } from './domains.ts'
import type { Group } from './group.ts'
import { isLooseReduction } from './loose.ts'
import type { NodeKinds } from './node-kinds.ts'

/** A kernel of some group, and where its nodes stand among those of the group. */
export interface Kept {
  readonly kernel: Kernel
  readonly slots: readonly number[]
  readonly nodes: readonly number[]
  finished: Kernel | undefined
}

/** A group as it is looked up. */
export interface Likeness {
  readonly key: string
  /** What the group is made of, by id; and where in that list each stands. */
  readonly nodes: readonly Node[]
  readonly rank: ReadonlyMap<Node, number>
}

export class KeptKernels {
  private readonly known = new Map<string, Kept>()
  private readonly finished = new Map<string, Kernel>()
  private readonly kinds: NodeKinds
  private readonly domains: Domains
  constructor(kinds: NodeKinds, domains: Domains) {
    this.kinds = kinds
    this.domains = domains
  }

  /** `limits`: those within which it is built. */
  likenessOf(
    group: Group,
    stores: readonly Node[],
    limits: string,
    endOf: (node: Node) => End,
    recomputed: ReadonlySet<Node>,
  ): Likeness {
    const { nodes, ends } = reached(group, stores, endOf, recomputed)
    const rank = new Map<Node, number>()
    for (const node of nodes) rank.set(node, rank.size)
    const ranks = (list: readonly Node[]): string => {
      let text = ''
      for (const node of list) text += ` ${rank.get(node)}`
      return text
    }
    const { softmax, roles } = group
    let key = `${limits} ${group.kind}${ranks(group.anchors)}|${ranks(group.members)}|${ranks(stores)}`
    for (const node of nodes) {
      const end = ends.get(node)!
      const at = group.at.get(node)
      key += `\n${end} ${end === 'stored' && !at ? this.kinds.typeOf(node) : this.kinds.of(node)}`
      if (recomputed.has(node)) key += ' again'
      if (at) key += ` at ${this.domains.numberOf(at)}`
      if (goesOn(group, node, end, recomputed)) for (const operand of node.operands) key += ` ${rank.get(operand)}`
      if (lowerOf(node).kind === 'reduce' && isLooseReduction(node)) key += ' loose'
    }
    const axes = (list: readonly Axis[]) => this.domains.numberOfAxes(list)
    key += `\n${axes(group.axes)}|${axes(group.row)}`
    for (const [node, at] of group.reads) key += ` ${rank.get(node)} reads ${this.domains.numberOf(at)}`
    if (softmax) {
      const { product, side, weights, normalised, score, greatest, total } = softmax
      key += ` softmax ${side} ${normalised}${ranks([product, weights, score, greatest, total])}`
    }
    if (roles) {
      const { batch, rows, columns, depth, byName } = roles
      key += ` roles ${axes(batch)} ${axes(rows)} ${axes(columns)} ${axes(depth)}`
      if (group.kind !== 'contract')
        for (const [name, axis] of byName) key += ` ${name}=${this.domains.numberOfAxis(axis)}`
    }
    return { key, nodes, rank }
  }

  find({ key }: Likeness): Kept | undefined {
    return this.known.get(key)
  }

  keep({ key, rank }: Likeness, kernel: Kernel): Kept {
    const slots = kernel.slots.map(({ node }) => rank.get(node)!)
    const kept = { kernel, slots, nodes: kernel.nodes.map((node) => rank.get(node)!), finished: undefined }
    this.known.set(key, kept)
    return kept
  }

  /** The kernel with its axes as they will stay. */
  finish(kernel: Kernel): Kernel {
    const key = keyOfKernel(kernel)
    const alike = this.finished.get(key) ?? finishAxes(kernel)
    this.finished.set(key, alike)
    return withTensors(alike, kernel)
  }

  finishKept(kept: Kept): Kernel {
    kept.finished ??= this.finish(kept.kernel)
    return kept.finished
  }
}

/** What a group's kernel may be made of, and how each ends: its own nodes and all that they are expanded to. */
function reached(
  group: Group,
  stores: readonly Node[],
  endOf: (node: Node) => End,
  recomputed: ReadonlySet<Node>,
): { readonly nodes: readonly Node[]; readonly ends: ReadonlyMap<Node, End | 'leaf'> } {
  const ends = new Map<Node, End | 'leaf'>()
  const { softmax } = group
  const pending = [...stores, ...group.anchors, ...group.members]
  if (softmax) pending.push(softmax.product, softmax.weights, softmax.score, softmax.greatest, softmax.total)
  while (pending.length > 0) {
    const node = pending.pop()!
    if (ends.has(node)) continue
    const isLeaf = lowerOf(node).kind === 'leaf'
    const end = isLeaf ? 'leaf' : endOf(node)
    ends.set(node, end)
    if (goesOn(group, node, end, recomputed)) for (const operand of node.operands) pending.push(operand)
  }
  return { nodes: [...ends.keys()].sort((a, b) => a.id - b.id), ends }
}

/** Whether what the node is made of may be of interest: not where its value is only loaded. */
const goesOn = (group: Group, node: Node, end: End | 'leaf', recomputed: ReadonlySet<Node>): boolean =>
  end !== 'stored' || group.at.has(node) || recomputed.has(node)

/** What a kernel touches and computes, for the group that was found to be like the one that it was built for. */
export function tensorsOf({ kernel, slots, nodes }: Kept, likeness: Likeness): Pick<Kernel, 'slots' | 'nodes'> {
  return {
    slots: kernel.slots.map((slot, at): KernelSlot => ({ ...slot, node: likeness.nodes[slots[at]!]! })),
    nodes: nodes.map((at) => likeness.nodes[at]!),
  }
}
