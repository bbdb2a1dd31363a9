/**
 * Elementwise nodes and views join the group that computes their operand: before, a contraction and the bias, activation
 * and residual after it; after, one group. Legal where the node's other operands do not wait for that group, and where
 * the operands in the group are computed at the very element that is needed.
 */
import { type Dim, product, sameDims } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import { axisIndex, flattenIndex, sameIndices, unflattenIndex } from '../ir/index.ts'
import type { Axis, Index } from '../ir/kernel.ts'
import { repeatedAxes } from '../ops/structure.ts'
import { type Group, isAcrossRow, isCrowded, isOnAxes } from './group.ts'
import type { Grouping } from './grouping.ts'

export function joinAsMember(grouping: Grouping, node: Node): boolean {
  for (const group of candidates(grouping, node)) {
    if (grouping.isBarred(node, group)) continue
    const at = indexInGroup(grouping, group, node)
    if (at === undefined) continue
    if (waitsFor(grouping, group, node)) {
      grouping.reasons.set(node, 'another operand is computed later')
      continue
    }
    if (group.kind === 'row' && isAcrossRow(group, at) && isCrowded(group)) {
      // Known to the row, where later reductions may use it, but stored by a kernel with more lanes.
      grouping.know(group, node, at)
      grouping.reasons.set(node, 'few long rows: work on their elements spreads over more lanes in a kernel of its own')
      return false
    }
    grouping.admit(group, node, at)
    return true
  }
  return false
}

/** What no kernel stores is known to the rows whose elements it is made of: later reductions along them may use it. */
export function passBy(grouping: Grouping, node: Node): void {
  if (grouping.loweringOf(node).kind === 'contract') return
  for (const group of candidates(grouping, node)) {
    if (group.kind !== 'row') continue
    const at = indexInGroup(grouping, group, node)
    if (at === undefined) continue
    if (waitsFor(grouping, group, node)) continue
    grouping.know(group, node, at)
  }
}

/** Whether a group computes an operand where its consumers can have it. */
const isWithin = (grouping: Grouping, group: Group, operand: Node): boolean =>
  group.at.has(operand) && !grouping.demands.sealed.has(operand)

/** Whether an operand that is not at hand is computed after the group, or of what it stores. */
function waitsFor(grouping: Grouping, group: Group, node: Node): boolean {
  for (const operand of node.operands)
    if (!isWithin(grouping, group, operand) && grouping.dependsOn(operand, group)) return true
  return false
}

/** Groups that hold an operand, latest first: the latest is the one that the others can precede. */
function candidates(grouping: Grouping, node: Node): Group[] {
  const found: Group[] = []
  for (let at = 0; at < node.operands.length; at++) {
    const operand = node.operands[at]!
    const behind = grouping.groupsBehind(operand)
    for (let each = 0; each < behind.length; each++) {
      const group = grouping.groups[behind[each]!]!
      if (group.at.has(operand) && !found.includes(group)) found.push(group)
    }
  }
  return found.length > 1 ? found.sort((a, b) => b.id - a.id) : found
}

/** The index at which the group would compute the node; `undefined` where it would have to compute it elsewhere. */
function indexInGroup(grouping: Grouping, group: Group, node: Node): readonly Index[] | undefined {
  if (group.kind === 'scatter' || group.kind === 'running') {
    grouping.reasons.set(node, `a ${group.kind} kernel writes its results as they come`)
    return undefined
  }
  if (grouping.loweringOf(node).kind === 'map') {
    let first: readonly Index[] | undefined
    for (const operand of node.operands) {
      const at = isWithin(grouping, group, operand) ? group.at.get(operand)! : undefined
      if (!at || at === first) continue
      if (!first) first = at
      else if (!sameIndices(first, at)) {
        grouping.reasons.set(node, 'it needs two different elements of one result')
        return undefined
      }
    }
    return first
  }
  const operand = node.operands[0]!
  const at = isWithin(grouping, group, operand) ? group.at.get(operand) : undefined
  if (at === undefined) return undefined
  return grouping.domains.renamed(node, at) ?? acrossRow(grouping, group, node, at)
}

/** A value per row, spread over the elements of the row; in attention, over the columns of the result. */
function acrossRow(grouping: Grouping, group: Group, node: Node, at: readonly Index[]): readonly Index[] | undefined {
  const across = group.kind === 'row' ? group.row : group.kind === 'attention' ? group.roles!.columns : undefined
  const fresh = across && repeatedAxes(node)
  if (!fresh || !isOnAxes(at, group.axes)) return undefined
  return grouping.domains.repeated(node, at, across, () => spreadOver(node, at, fresh, across))
}

function spreadOver(
  { shape }: Node,
  at: readonly Index[],
  fresh: readonly number[],
  across: readonly Axis[],
): readonly Index[] | undefined {
  const sizes = fresh.map((axis) => shape[axis]!)
  const row = across.map((axis) => axis.extent)
  const along = spread(sizes, row, across.map(axisIndex))
  if (!along) return undefined
  let kept = 0
  return shape.map((_, axis) => (fresh.includes(axis) ? along[fresh.indexOf(axis)]! : at[kept++]!))
}

/** The row's index in the shape of the fresh axes, where they count as many elements. */
function spread(sizes: readonly Dim[], row: readonly Dim[], index: readonly Index[]): readonly Index[] | undefined {
  if (sameDims(sizes, row)) return index
  return product(sizes) === product(row) ? unflattenIndex(flattenIndex(index, row), sizes) : undefined
}
