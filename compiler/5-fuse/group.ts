/**
 * A group: the nodes that one kernel can compute together, and for each the index at which it does so.
 *
 * *Anchors* are why the kernel exists (a contraction, reductions over one row, …). *Members* are elementwise work and
 * views around them, each at an index that visits its elements exactly once. Which members are stored is decided later.
 *
 * *Invariant:* groups form no cycle; `before` is the transitive closure of what must run earlier, by `id`.
 */
import { product } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import { axesOfIndex } from '../ir/index.ts'
import type { Axis, Index } from '../ir/kernel.ts'
import { estimate } from './estimate.ts'
import type { NumberSet } from './number-set.ts'
import type { Softmax } from './softmax.ts'

export interface Group {
  readonly id: number
  kind: 'map' | 'row' | 'contract' | 'scatter' | 'running' | 'attention'
  readonly anchors: Node[]
  readonly members: Node[]
  /** Where each member is computed; also elementwise nodes that a crowded row repeats without storing them. */
  readonly at: Map<Node, readonly Index[]>
  readonly before: NumberSet
  /** The axes of the results; of a row group, those outside the row. */
  axes: readonly Axis[]
  row: readonly Axis[]
  /** Row groups: what each reduction reads, and where. */
  readonly reads: Map<Node, readonly Index[]>
  /** The shape whose elements the axes (and row) visit, in order. */
  seed:
    | { readonly shape: Node['shape']; readonly reduced: readonly number[]; readonly at: readonly Index[] }
    | undefined
  /** The softmax whose weights an attention group sums with. */
  softmax: Softmax | undefined
  roles: Roles | undefined
}

/** The axes of a contraction by their part in it. */
export interface Roles {
  readonly batch: readonly Axis[]
  readonly rows: readonly Axis[]
  readonly columns: readonly Axis[]
  readonly depth: readonly Axis[]
  readonly byName: ReadonlyMap<string, Axis>
}

export function isOnAxes(index: readonly Index[], axes: readonly Axis[]): boolean {
  for (const each of index) for (const axis of axesOf(each)) if (!axes.includes(axis)) return false
  return true
}

/** Whether a member is computed for every element of the row, and not once for it. */
export function isAcrossRow({ row }: Group, index: readonly Index[]): boolean {
  if (row.length > 0) for (const each of index) for (const axis of axesOf(each)) if (row.includes(axis)) return true
  return false
}

/** Indices are shared, and many questions are asked about each. */
const axesByIndex = new WeakMap<Index, ReadonlySet<Axis>>()
function axesOf(index: Index): ReadonlySet<Axis> {
  let axes = axesByIndex.get(index)
  if (!axes) {
    axes = axesOfIndex(index)
    axesByIndex.set(index, axes)
  }
  return axes
}

/**
 * Whether the work after the reductions is better done by a kernel of its own: a few long rows occupy a few workgroups,
 * an elementwise kernel occupies the machine.
 */
export function isCrowded({ axes, row }: Pick<Group, 'axes' | 'row'>): boolean {
  const rows = sizeOf(axes)
  return rows < 64 && rows * sizeOf(row) > 8192
}

const sizes = new WeakMap<readonly Axis[], number>()
function sizeOf(axes: readonly Axis[]): number {
  let size = sizes.get(axes)
  if (size === undefined) {
    size = estimate(product(axes.map(({ extent }) => extent)))
    sizes.set(axes, size)
  }
  return size
}
