/**
 * The body of one kernel while it is written: its slots, its scalars, and the rule where expansion of a node ends: at
 * stored values, at the stages of its own row, at the accumulator of its own contraction.
 */

import type { Node, Origin } from '../ir/graph.ts'
import { flattenIndex, keyOfIndex, sameIndices } from '../ir/index.ts'
import type { Index, Kernel, KernelSlot, Scalar, Store } from '../ir/kernel.ts'
import { countTensors } from '../ir/kernel-slots.ts'
import { Scalars } from '../ir/scalars.ts'
import { elementAt, type Reader } from '../ops/element.ts'
import { lowerOf } from '../ops/registry.ts'
import { literalNumber } from '../ops/structure.ts'
import { contractedAt } from './forms/access.ts'
import type { Group } from './group.ts'
import type { Homes } from './grouping.ts'
import { kernelName } from './name.ts'
import type { NodeSet } from './node-set.ts'
import { packable } from './pack.ts'

/**
 * Elements that one body may expand: bounds the depth of expressions, so that no program, however long a chain of
 * operations it is, exhausts the stack here or in a shader compiler.
 */
const mostExpanded = 384

/** Raised when a kernel binds too many tensors or its text would read memory in too many places. */
export class TooLarge extends Error {
  readonly body: Body
  constructor(body: Body) {
    super('the kernel is too large')
    this.body = body
  }
}

export interface Limits {
  readonly slots: number
  /** Results that replace a leaf: a kernel that reads the leaf and stores the result will bind one tensor for both. */
  readonly replaces: ReadonlyMap<Node, Node>
  /** Loads in a kernel's text; software adapters compile in time that grows steeply with it. */
  readonly loads: number
}

/** Where the expansion of a node ends: it is the kernel's own, is loaded, or is an expression of its operands. */
export type End = 'own' | 'stored' | 'open'

/** What was decided of the nodes of a graph, of which kernels are then built. */
export interface Decided {
  readonly home: Homes
  readonly stored: NodeSet
  readonly recomputed: NodeSet
}

export function endOf(node: Node, group: Group, { home, stored }: Decided): End {
  const maker = home[node.id]
  if (maker === group) return 'own'
  if (!stored.has(node)) return 'open'
  // A row that may not wait for the kernel that stores the value makes it itself.
  return maker !== undefined && group.at.has(node) && !group.before.has(maker.id) ? 'open' : 'stored'
}

export class Body {
  readonly scalars = new Scalars()
  readonly slots: KernelSlot[] = []
  readonly reader: Reader
  /** The stage numbers of a row's reductions; absent where reductions are done inside a lane. */
  stages: ReadonlyMap<Node, number> | undefined
  /** What the contraction of this kernel is, where that is more than its accumulator. */
  sum: Scalar | undefined
  /** How often each node was expanded, at different indices. */
  readonly expanded = new Map<Node, number>()
  private readonly slotOf = new Map<string, number>()
  private readonly loads = new Set<string>()
  private expansions = 0
  /** Whether it makes elements of contractions; then values per row may be packed. */
  recomputes = false
  /** Where a body was given up for its length. */
  deepest: Node | undefined
  private readonly limits: Limits
  readonly group: Group

  constructor(group: Group, decided: Decided, limits: Limits) {
    this.limits = limits
    this.group = group
    this.reader = {
      scalars: this.scalars,
      memo: new Map(),
      expanding: (node) => {
        this.expanded.set(node, (this.expanded.get(node) ?? 0) + 1)
        if (++this.expansions <= mostExpanded) return
        this.deepest = node
        throw new TooLarge(this)
      },
      read: (node, index) => {
        const kind = lowerOf(node).kind
        if (kind === 'leaf') return this.leaf(node, index)
        if (kind === 'contract' && decided.recomputed.has(node)) {
          this.recomputes = true
          this.reader.expanding!(node, index)
          return contractedAt(this.reader, node as Node<'contract'>, index)
        }
        const end = endOf(node, group, decided)
        if (end === 'stored') return this.load(node, index)
        if (end === 'open') return undefined
        if (kind === 'contract' || this.stages?.has(node)) {
          if (!sameIndices(index, group.at.get(node)!))
            throw new Error(`%${node.id} ${node.op} is not computed at this index of its kernel`)
          return kind === 'contract'
            ? (this.sum ?? this.scalars.accumulator(node.dtype))
            : this.scalars.stage(this.stages!.get(node)!, node.dtype)
        }
        return undefined
      },
    }
  }

  /** A leaf's element; a number written in the program stays one. */
  private leaf(node: Node, index: readonly Index[]): Scalar {
    const number = literalNumber(node)
    return number === undefined ? this.load(node, index) : this.scalars.number(number, node.dtype)
  }
  private load(node: Node, index: readonly Index[]): Scalar {
    const flat = flattenIndex(index, node.shape)
    const slot = this.slot(node, 'read')
    this.loads.add(`${slot} ${keyOfIndex(flat)}`)
    if (this.loads.size > this.limits.loads) throw new TooLarge(this)
    return this.scalars.load(slot, flat, node.dtype)
  }

  private slot(node: Node, access: 'read' | 'write'): number {
    const key = `${access} ${node.id}`
    const known = this.slotOf.get(key)
    if (known !== undefined) return known
    const lowering = lowerOf(node)
    this.slots.push({ node, access, ...(lowering.kind === 'leaf' && lowering.uniform && { uniform: true }) })
    this.slotOf.set(key, this.slots.length - 1)
    return this.slots.length - 1
  }
  storeSlot(node: Node): number {
    return this.slot(node, 'write')
  }
  store(node: Node, at: readonly Index[]): Store {
    const value = elementAt(this.reader, node, at)
    return { slot: this.storeSlot(node), index: flattenIndex(at, node.shape), value }
  }

  /** What every kernel carries; asked for last, when the body is complete. */
  common(
    group: Group,
    kind: Kernel['kind'] = group.kind,
  ): { name: string; slots: readonly KernelSlot[]; nodes: readonly Node[]; origins: readonly Origin[]; stops: [] } {
    const updated = this.slots.filter(
      ({ node, access }) => access === 'write' && this.slotOf.has(`read ${this.limits.replaces.get(node)?.id}`),
    )
    const spare = this.recomputes ? Math.max(0, packable(this.slots).length - 1) : 0
    if (countTensors(this.slots) - updated.length - spare > this.limits.slots) throw new TooLarge(this)
    const own = group.members.filter(
      (node) =>
        this.expanded.has(node) ||
        this.slotOf.has(`write ${node.id}`) ||
        this.stages?.has(node) ||
        lowerOf(node).kind === 'contract',
    )
    const nodes = [...new Set([...own, ...this.expanded.keys()])].sort((a, b) => a.id - b.id)
    return { name: kernelName(group, kind, nodes), slots: this.slots, nodes, origins: [], stops: [] }
  }
}
