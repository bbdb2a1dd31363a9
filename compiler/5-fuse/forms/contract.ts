/**
 * Contract groups: a sum of products, and the elementwise work on its result. Axes sort themselves by who reads them:
 * both operands and the result → batch, left and result → rows, right and result → columns, summed over → depth.
 */
import { dim } from '../../ir/dim.ts'
import type { Node } from '../../ir/graph.ts'
import { axisIndex, divisibleGuard, insideGuard, quotientIndex, sumIndex } from '../../ir/index.ts'
import type { Axis, ContractKernel, Guard, Index, Scalar } from '../../ir/kernel.ts'
import { elementAt } from '../../ops/element.ts'
import type { Body } from '../body.ts'
import type { Group } from '../group.ts'
import type { Grouping } from '../grouping.ts'

type Access = Node<'contract'>['attributes']['left'][number]

export function contractGroup(grouping: Grouping, node: Node): Group {
  const { axes, left, right, output } = (node as Node<'contract'>).attributes
  const reads = (accesses: readonly Access[]) => new Set(accesses.flatMap(({ terms }) => terms.map(({ axis }) => axis)))
  const [inLeft, inRight, kept] = [reads(left), reads(right), new Set(output)]
  const byName = new Map(axes.map(({ name, size }): [string, Axis] => [name, { name: 'k', extent: size }]))
  const pick = (test: (name: string) => boolean) =>
    axes.filter(({ name }) => test(name)).map(({ name }) => byName.get(name)!)
  const pickOutput = (test: (name: string) => boolean) => output.filter(test).map((name) => byName.get(name)!)
  const roles = {
    batch: pickOutput((name) => inLeft.has(name) === inRight.has(name)),
    rows: pickOutput((name) => inLeft.has(name) && !inRight.has(name)),
    columns: pickOutput((name) => !inLeft.has(name) && inRight.has(name)),
    depth: pick((name) => !kept.has(name)),
    byName,
  }
  const at = output.map((name) => axisIndex(byName.get(name)!))
  return grouping.open('contract', node, {
    axes: output.map((name) => byName.get(name)!),
    roles,
    at: new Map([[node, at]]),
  })
}

export function buildContract(body: Body, group: Group, stored: readonly Node[]): ContractKernel {
  const node = group.anchors[0] as Node<'contract'>
  const { batch, rows, columns, depth, byName } = group.roles!
  const left = accessed(body, node.operands[0]!, node.attributes.left, byName)
  const right = accessed(body, node.operands[1]!, node.attributes.right, byName)
  const stores = stored.map((each) => body.store(each, group.at.get(each)!))
  return { kind: 'contract', batch, rows, columns, depth, left, right, stores, split: undefined, ...body.common(group) }
}

/** The operand at the indices its accesses say; 0 where one does not divide or falls outside. */
function accessed(body: Body, operand: Node, accesses: readonly Access[], axes: ReadonlyMap<string, Axis>): Scalar {
  const guards: (Guard | undefined)[] = []
  const index = accesses.map(({ terms, offset, divisor }, position): Index => {
    const sum = sumIndex(
      terms.map(({ axis, stride }) => ({ factor: dim(stride), index: axisIndex(axes.get(axis)!) })),
      dim(offset),
    )
    const at = quotientIndex(sum, dim(divisor))
    guards.push(divisibleGuard(sum, dim(divisor)), insideGuard(at, operand.shape[position]!))
    return at
  })
  return body.scalars.guarded(guards, elementAt(body.reader, operand, index), body.scalars.number(0, 'float'))
}
