/**
 * Attention groups: softmax and the contraction that sums with its weights, in one pass over the keys with a running
 * maximum and sum (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018; Dao et al.,
 * "FlashAttention", 2022). A row group of the maximum and the sum becomes one when the contraction comes.
 */
import { one, product } from '../../ir/dim.ts'
import type { Node } from '../../ir/graph.ts'
import { axesOfIndex, axisIndex, insideGuard, zeroIndex } from '../../ir/index.ts'
import type { AttentionKernel, Axis, Index, MapKernel, RowKernel } from '../../ir/kernel.ts'
import { Scalars } from '../../ir/scalars.ts'
import { elementAt } from '../../ops/element.ts'
import { lowerOf } from '../../ops/registry.ts'
import { reducedAxes } from '../../ops/structure.ts'
import type { Body } from '../body.ts'
import type { Group } from '../group.ts'
import type { Grouping } from '../grouping.ts'
import type { Softmax } from '../softmax.ts'
import { type Access, accessed } from './access.ts'
import { buildRow } from './row.ts'

/** The row group of the softmax takes its contraction in; false where that cannot be. */
export function joinAttention(grouping: Grouping, softmax: Softmax): boolean {
  const { product: node, greatest, total, side } = softmax
  const group = grouping.home[greatest.id]
  if (!group || group.kind !== 'row' || grouping.home[total.id] !== group || group.anchors.length !== 2) return false
  if (grouping.isBarred(node, group)) return false
  const other = node.operands[1 - side]!
  if (grouping.dependsOn(other, group)) {
    grouping.reasons.set(node, 'what it sums depends on the weights')
    return false
  }
  const where = weightsAt(softmax)
  const at = group.reads.get(greatest)!
  if (!where) return false
  // The contraction's axes become those of the row, by where it reads the weights.
  const names = new Map<Axis, Axis>()
  const reduced = reducedAxes(greatest)!
  for (const [position, index] of where.index.entries()) {
    const [theirs, own] = [index, at[position]!]
    if (theirs.kind !== 'axis' || own.kind !== 'axis') {
      if (greatest.operands[0]!.shape[position] !== one) return false
      continue
    }
    if (names.has(theirs.axis) || reduced.includes(position) !== where.depth.includes(theirs.axis)) return false
    names.set(theirs.axis, own.axis)
  }
  const { axes, output } = node.attributes
  const reads = new Set(node.attributes[side === 0 ? 'left' : 'right'].flatMap((a) => a.terms.map((t) => t.axis)))
  const byName = new Map(
    axes.map(({ name }): [string, Axis] => [name, names.get(where.byName.get(name)!) ?? where.byName.get(name)!]),
  )
  const columns = output.filter((name) => !reads.has(name)).map((name) => byName.get(name)!)
  const outer = output.filter((name) => reads.has(name)).map((name) => byName.get(name)!)
  const size = (list: readonly Axis[]) => product(list.map(({ extent }) => extent))
  const own = (axis: Axis) => axis.extent === one || group.axes.includes(axis)
  if (!outer.every(own) || size(outer) !== size(group.axes)) return false
  if (!where.depth.every((axis) => axis.extent === one || names.has(axis))) return false
  if (size(where.depth) !== size(group.row)) return false
  group.kind = 'attention'
  group.softmax = softmax
  group.roles = { batch: [], rows: group.axes, columns, depth: group.row, byName }
  grouping.anchor(
    group,
    node,
    output.map((name) => axisIndex(byName.get(name)!)),
  )
  return true
}

/** Where the contraction reads the weights, in axes of its own. */
function weightsAt({
  product: node,
  side,
  weights,
}: Softmax):
  | { readonly index: readonly Index[]; readonly byName: ReadonlyMap<string, Axis>; readonly depth: readonly Axis[] }
  | undefined {
  const { axes, output } = node.attributes
  const byName = new Map(axes.map(({ name, size }): [string, Axis] => [name, { name: 'k', extent: size }]))
  const found: (readonly Index[])[] = []
  const scalars = new Scalars()
  const reader = {
    scalars,
    memo: new Map(),
    read: (each: Node, index: readonly Index[]) => {
      if (each === weights) found.push(index)
      const { kind } = lowerOf(each)
      // Only the way to the weights is of interest here.
      return each === weights || (kind !== 'map' && kind !== 'view') ? scalars.number(1, each.dtype) : undefined
    },
  }
  accessed(reader, node.operands[side]!, accessesOf(node, side), indexBy(byName))
  const [index, second] = found
  if (!index || second || index.some((i) => axesOfIndex(i).size > 1)) return undefined
  return { index, byName, depth: axes.flatMap(({ name }) => (output.includes(name) ? [] : [byName.get(name)!])) }
}

const accessesOf = (node: Node<'contract'>, side: 0 | 1): readonly Access[] =>
  side === 0 ? node.attributes.left : node.attributes.right
const indexBy = (byName: ReadonlyMap<string, Axis>): ReadonlyMap<string, Index> =>
  new Map([...byName].map(([name, axis]) => [name, axisIndex(axis)]))

export function buildAttention(
  body: Body,
  group: Group,
  stored: readonly Node[],
): AttentionKernel | RowKernel | MapKernel {
  const { product: node, side, weights, normalised, score, greatest, total } = group.softmax!
  const { columns, byName } = group.roles!
  const spread = new Set(group.members.slice(group.members.indexOf(node)).filter((m) => isSpread(group, m)))
  const across = stored.filter((member) => spread.has(member))
  if (across.length === 0) return buildRow(body, { ...group, kind: 'row' }, stored)
  const { scalars, reader } = body
  body.stages = new Map([
    [greatest, 0],
    [total, 1],
  ])
  // The sum is of exponentials; what divides them divides it.
  const sum = scalars.accumulator('float')
  const quotient = scalars.apply('div', [sum, scalars.stage(1, 'float')], 'float')
  const keys = product(group.row.map(({ extent }) => extent))
  body.sum = normalised ? scalars.guarded([insideGuard(zeroIndex, keys)], quotient, scalars.number(0, 'float')) : sum
  const at = indexBy(byName)
  const scored = elementAt(reader, score, group.reads.get(greatest)!)
  const value = accessed(reader, node.operands[1 - side]!, accessesOf(node, side === 0 ? 1 : 0), at)
  const weight = accessed(
    {
      ...reader,
      memo: new Map(),
      read: (each, index) => (each === weights ? scalars.number(1, 'float') : reader.read(each, index)),
    },
    node.operands[side]!,
    accessesOf(node, side),
    at,
  )
  return {
    kind: 'attention',
    outer: group.axes,
    row: group.row,
    columns,
    score: scored,
    weight,
    value,
    stores: across.map((each) => body.store(each, group.at.get(each)!)),
    results: stored.filter((each) => !spread.has(each)).map((each) => body.store(each, group.at.get(each)!)),
    ...body.common(group),
  }
}

/** Whether a member is computed for every column: it is the product, or made of it. */
function isSpread(group: Group, member: Node): boolean {
  const { columns } = group.roles!
  const seen = new Set<Node>()
  const pending = [member]
  while (pending.length > 0) {
    const node = pending.pop()!
    if (node === group.softmax!.product) return true
    if (seen.has(node)) continue
    seen.add(node)
    if (group.at.get(node)?.some((i) => [...axesOfIndex(i)].some((axis) => columns.includes(axis)))) return true
    for (const operand of node.operands) if (group.at.has(operand)) pending.push(operand)
  }
  return false
}
