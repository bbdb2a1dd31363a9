/**
 * The axes that groups are over. Groups over one shape have the same ones, in every round, every layer and every entry:
 * what was worked out of an index for one then holds for all, and groups that do the same are seen to be alike.
 *
 * *Invariant:* the axes of one domain are first used together, in their order, for by first use terms of a sum are sorted.
 * No kernel has axes of two domains.
 */
import type { Dim } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import { axisIndex, keyOfIndex } from '../ir/index.ts'
import type { Axis, Index } from '../ir/kernel.ts'
import { renamedIndex } from '../ops/element-view.ts'
import { reducedAxes } from '../ops/structure.ts'
import { contractRoles } from './forms/contract.ts'
import type { Roles } from './group.ts'
import { type NodeKinds, shapeKey } from './node-kinds.ts'

/** Axes, and the index that visits every element in order. */
export interface Domain {
  readonly axes: readonly Axis[]
  readonly at: readonly Index[]
}
/** Of a reduction: the axes outside the row, those along it, and the index of the operand. */
export interface RowDomain extends Domain {
  readonly row: readonly Axis[]
  readonly reads: readonly Index[]
}
export interface ContractDomain extends Domain {
  readonly roles: Roles
}

export class Domains {
  private readonly kinds: NodeKinds
  private readonly plain = new Map<string, Domain>()
  private readonly rows = new Map<string, RowDomain>()
  private readonly reductions = new Map<number, RowDomain>()
  private readonly contracts = new Map<number, ContractDomain>()
  private readonly renamings = new Map<number, Map<number, readonly Index[] | undefined>>()
  private readonly parts = new Map<string, readonly [readonly Index[], readonly Index[]]>()
  private readonly repetitions = new Map<string, readonly Index[] | undefined>()
  private readonly axisNumbers = new WeakMap<Axis, number>()
  private readonly lists = new Map<string, number>()
  private readonly listNumbers = new WeakMap<readonly Axis[], number>()
  private axisCount = 0
  private readonly indices = new Map<string, number>()
  private readonly numbers = new WeakMap<readonly Index[], number>()
  constructor(kinds: NodeKinds) {
    this.kinds = kinds
  }

  /** `name`: what each axis is called until kernels are finished. */
  over(name: string, shape: readonly Dim[]): Domain {
    return remember(this.plain, `${name}${shapeKey(shape)}`, () => {
      const axes = shape.map((extent): Axis => ({ name, extent }))
      return { axes, at: axes.map(axisIndex) }
    })
  }

  /** Of a reduction: the same for all along the same axes of one shape. */
  along(node: Node): RowDomain {
    return remember(this.reductions, this.kinds.of(node), () => this.alongAxes(node.operands[0]!, reducedAxes(node)!))
  }
  private alongAxes({ shape }: Node, reduced: readonly number[]): RowDomain {
    return remember(this.rows, `${reduced.join()}${shapeKey(shape)}`, () => {
      const all = shape.map((extent, axis): Axis => ({ name: reduced.includes(axis) ? 'r' : 'o', extent }))
      const reads = all.map(axisIndex)
      const axes = all.filter((_, axis) => !reduced.includes(axis))
      return { axes, at: axes.map(axisIndex), row: all.filter((_, axis) => reduced.includes(axis)), reads }
    })
  }

  ofContraction(node: Node<'contract'>): ContractDomain {
    return remember(this.contracts, this.kinds.of(node), () => {
      const roles = contractRoles(node)
      const axes = node.attributes.output.map((name) => roles.byName.get(name)!)
      return { axes, at: axes.map(axisIndex), roles }
    })
  }

  /** `renamedIndex`, asked once for each kind of node and index. */
  renamed(node: Node, index: readonly Index[]): readonly Index[] | undefined {
    const known = remember(this.renamings, this.kinds.of(node), () => new Map<number, readonly Index[] | undefined>())
    const number = this.numberOf(index)
    if (known.has(number)) return known.get(number)
    const made = renamedIndex(node, index)
    known.set(number, made)
    return made
  }

  /** The index of a value that is repeated along some axes, made once for each kind of node and index. */
  repeated(
    node: Node,
    index: readonly Index[],
    across: readonly Axis[],
    make: () => readonly Index[] | undefined,
  ): readonly Index[] | undefined {
    const key = `${this.kinds.of(node)} ${this.numberOf(index)} ${this.numberOfAxes(across)}`
    if (this.repetitions.has(key)) return this.repetitions.get(key)
    const made = make()
    this.repetitions.set(key, made)
    return made
  }

  /** An index of an operand as that outside the reduced axes and that along them. */
  parted(index: readonly Index[], reduced: readonly number[]): readonly [readonly Index[], readonly Index[]] {
    return remember(this.parts, `${this.numberOf(index)} ${reduced.join()}`, () => [
      index.filter((_, axis) => !reduced.includes(axis)),
      index.filter((_, axis) => reduced.includes(axis)),
    ])
  }

  /** Equal for the same axes. */
  numberOfAxes(axes: readonly Axis[]): number {
    const known = this.listNumbers.get(axes)
    if (known !== undefined) return known
    const key = axes.map((axis) => this.numberOfAxis(axis)).join()
    const number = remember(this.lists, key, () => this.lists.size)
    this.listNumbers.set(axes, number)
    return number
  }
  numberOfAxis(axis: Axis): number {
    const known = this.axisNumbers.get(axis) ?? this.axisCount++
    this.axisNumbers.set(axis, known)
    return known
  }

  /** Equal for equal indices. */
  numberOf(index: readonly Index[]): number {
    const known = this.numbers.get(index)
    if (known !== undefined) return known
    const number = remember(this.indices, index.map(keyOfIndex).join(';'), () => this.indices.size)
    this.numbers.set(index, number)
    return number
  }
}

function remember<Key, Value>(known: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = known.get(key)
  if (value === undefined) {
    value = make()
    known.set(key, value)
  }
  return value
}
