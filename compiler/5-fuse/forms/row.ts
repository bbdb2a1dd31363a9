/**
 * Row groups: reductions over one set of axes for each index of the others, with the elementwise work between and after
 * them. Softmax, layer norm and cross-entropy with its gradient are one group each; sibling reductions of one shape join.
 */
import { product, sameDims } from '../../ir/dim.ts'
import type { Node } from '../../ir/graph.ts'
import { axisIndex, flattenIndex, sameIndex } from '../../ir/index.ts'
import type { Index, MapKernel, RowKernel } from '../../ir/kernel.ts'
import { elementAt } from '../../ops/element.ts'
import { lowerOf } from '../../ops/registry.ts'
import { reducedAxes } from '../../ops/structure.ts'
import type { Body } from '../body.ts'
import { estimate } from '../estimate.ts'
import { type Group, isAcrossRow, isCrowded, isOnAxes } from '../group.ts'
import type { Grouping } from '../grouping.ts'
import type { NumberSet } from '../number-set.ts'
import { mentionsStage } from '../scalar-walk.ts'

export function rowGroup(grouping: Grouping, node: Node): Group {
  const operand = node.operands[0]!
  const reduced = reducedAxes(node)!
  const domain = grouping.domains.along(node)
  const { axes, at, row, reads } = domain
  const seed = { shape: operand.shape, reduced, at: reads }
  let group = absorbMap(grouping, node, { axes, row, seed })
  if (!group) {
    group = grouping.open('row', node, at, { axes, row, seed })
    group.reads.set(node, reads)
  }
  grouping.seed(group, domain)
  return group
}

/** A map group whose result the first reduction reads becomes the row's first step: what it stores is stored on the way. */
function absorbMap(grouping: Grouping, node: Node, shape: Pick<Group, 'axes' | 'row' | 'seed'>): Group | undefined {
  const operand = node.operands[0]!
  const group = grouping.home[operand.id]
  if (group?.kind !== 'map' || !group.seed || grouping.isBarred(node, group) || grouping.demands.sealed.has(operand))
    return undefined
  const { at } = group.seed
  const visited = group.at.get(operand)!
  if (!sameDims(group.seed.shape, operand.shape) || !visited.every((index, axis) => sameIndex(index, at[axis]!)))
    return undefined
  if (isCrowded(shape)) return undefined
  // The group's axes stay what they are; they are only told apart into outer ones and the row.
  const reduced = reducedAxes(node)!
  const own = group.axes
  if (own.length !== operand.shape.length) return undefined
  group.kind = 'row'
  group.axes = own.filter((_, axis) => !reduced.includes(axis))
  group.row = own.filter((_, axis) => reduced.includes(axis))
  group.seed = { shape: operand.shape, reduced, at }
  group.reads.set(node, at)
  grouping.anchor(
    group,
    node,
    at.filter((_, axis) => !reduced.includes(axis)),
  )
  return group
}

/** Joins a group whose row the reduction runs along. */
export function joinRow(grouping: Grouping, node: Node): boolean {
  const operand = node.operands[0]!
  const reduced = reducedAxes(node)!
  const rows = grouping.rowsOf(operand, grouping.domains.along(node))
  if (rows.length === 0) return false
  const dependencies = grouping.dependenciesOf(operand)
  for (const group of rows) {
    if (grouping.isBarred(node, group)) continue
    const at =
      (grouping.demands.sealed.has(operand) ? undefined : group.at.get(operand)) ??
      siblingIndex(grouping, group, node, dependencies)
    if (!at) continue
    const [kept, along] = grouping.domains.parted(at, reduced)
    if (!isOnAxes(kept, group.axes) || !isOnAxes(along, group.row)) {
      grouping.reasons.set(node, 'it reduces along other axes')
      continue
    }
    if (product(group.row.map((a) => a.extent)) !== product(reduced.map((axis) => operand.shape[axis]!))) continue
    if (
      isPositional(node) &&
      !sameOrder(
        group,
        along,
        reduced.map((axis) => operand.shape[axis]!),
      )
    )
      continue
    group.reads.set(node, at)
    grouping.anchor(group, node, kept)
    return true
  }
  return false
}

/**
 * Where a group would read a node that has the shape of its seed: one that has something in common with it, which is then
 * read once, or one for which the group may wait without keeping anything alive.
 */
function siblingIndex(
  grouping: Grouping,
  group: Group,
  node: Node,
  dependencies: NumberSet,
): readonly Index[] | undefined {
  const operand = node.operands[0]!
  const { seed } = group
  // Most of a stack of layers.
  if (!seed || dependencies.has(group.id)) return undefined
  if (!sameDims(seed.shape, operand.shape) || !sameAxes(seed.reduced, reducedAxes(node)!)) return undefined
  return grouping.sharesSources(group, node) || grouping.mayWaitFor(group, node) ? seed.at : undefined
}

const sameAxes = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((axis, at) => axis === b[at])

const isPositional = (node: Node): boolean => {
  const lowering = lowerOf(node)
  return lowering.kind === 'reduce' && lowering.combine.startsWith('arg')
}
/** Positions count along the row in the order of its axes. */
const sameOrder = (group: Group, along: readonly Index[], sizes: Node['shape']): boolean =>
  sameIndex(
    flattenIndex(along, sizes),
    flattenIndex(
      group.row.map(axisIndex),
      group.row.map((a) => a.extent),
    ),
  )

export function buildRow(body: Body, group: Group, stored: readonly Node[]): RowKernel | MapKernel {
  const across = stored.filter((node) => isAcrossRow(group, group.at.get(node)!))
  const once = stored.filter((node) => !isAcrossRow(group, group.at.get(node)!))
  const needed = neededAnchors(group, stored)
  const stages = needed.map((node) => {
    const lowering = lowerOf(node)
    if (lowering.kind !== 'reduce') throw new Error(`${node.op} is no stage of a row`)
    return { node, combine: lowering.combine }
  })
  body.stages = new Map(needed.map((node, stage) => [node, stage]))
  const made = stages.map(({ node, combine }) => ({
    combine,
    value: elementAt(body.reader, node.operands[0]!, group.reads.get(node)!),
    dtype: node.dtype,
  }))
  if (across.length === 0 && isShort(group) && !made.some(({ value }) => mentionsStage(value))) {
    body.stages = undefined
    body.reader.memo.clear()
    return {
      kind: 'map',
      axes: group.axes,
      stores: once.map((node) => body.store(node, group.at.get(node)!)),
      ...body.common(group, 'map'),
    }
  }
  const stores = across.map((node) => body.store(node, group.at.get(node)!))
  const results = once.map((node) => body.store(node, group.at.get(node)!))
  return { kind: 'row', outer: group.axes, row: group.row, stages: made, stores, results, ...body.common(group) }
}

/** The reductions behind what is stored, in order: one that only feeds what nobody wants is left out. */
function neededAnchors(group: Group, stored: readonly Node[]): Node[] {
  const seen = new Set<Node>()
  const pending = [...stored]
  while (pending.length > 0) {
    const node = pending.pop()!
    if (seen.has(node) || !group.at.has(node)) continue
    seen.add(node)
    pending.push(...node.operands)
  }
  return group.anchors.filter((node) => group.reads.has(node) && seen.has(node))
}

/** Rows so short, and so many, that one lane should run along each. */
function isShort(group: Group): boolean {
  const length = product(group.row.map((a) => a.extent)).constant
  return length !== undefined && length <= 64 && estimate(product(group.axes.map((a) => a.extent))) >= 256
}
