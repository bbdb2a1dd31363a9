/**
 * Contract groups: a sum of products, and the elementwise work on its result. Axes sort themselves by who reads them:
 * both operands and the result → batch, left and result → rows, right and result → columns, summed over → depth.
 */
import type { Node } from '../../ir/graph.ts'
import { axisIndex } from '../../ir/index.ts'
import type { AttentionKernel, Axis, ContractKernel } from '../../ir/kernel.ts'
import type { Body } from '../body.ts'
import type { Group, Roles } from '../group.ts'
import type { Grouping } from '../grouping.ts'
import type { NodeSet } from '../node-set.ts'
import { type Access, accessed } from './access.ts'

export function contractGroup(grouping: Grouping, node: Node): Group {
  const { axes, at, roles } = grouping.domains.ofContraction(node as Node<'contract'>)
  return grouping.open('contract', node, at, { axes, roles })
}

export function contractRoles({ attributes: { axes, left, right, output } }: Node<'contract'>): Roles {
  const reads = (accesses: readonly Access[]) => new Set(accesses.flatMap(({ terms }) => terms.map(({ axis }) => axis)))
  const [inLeft, inRight, kept] = [reads(left), reads(right), new Set(output)]
  const byName = new Map(axes.map(({ name, size }): [string, Axis] => [name, { name: 'k', extent: size }]))
  const pick = (test: (name: string) => boolean) =>
    axes.filter(({ name }) => test(name)).map(({ name }) => byName.get(name)!)
  const pickOutput = (test: (name: string) => boolean) => output.filter(test).map((name) => byName.get(name)!)
  return {
    batch: pickOutput((name) => inLeft.has(name) === inRight.has(name)),
    rows: pickOutput((name) => inLeft.has(name) && !inRight.has(name)),
    columns: pickOutput((name) => !inLeft.has(name) && inRight.has(name)),
    depth: pick((name) => !kept.has(name)),
    byName,
  }
}

/** An operand that no kernel stores is made once for each element, for all results that it adds to. */
export function buildContract(
  body: Body,
  group: Group,
  stored: readonly Node[],
  recomputed: NodeSet,
): ContractKernel | AttentionKernel {
  const node = group.anchors[0] as Node<'contract'>
  const { batch, rows, columns, depth, byName } = group.roles!
  const at = new Map([...byName].map(([name, axis]) => [name, axisIndex(axis)]))
  const left = accessed(body.reader, node.operands[0]!, node.attributes.left, at)
  const right = accessed(body.reader, node.operands[1]!, node.attributes.right, at)
  const stores = stored.map((each) => body.store(each, group.at.get(each)!))
  const parts = { kind: 'attention', row: depth, score: undefined, stores, results: [] } as const
  if (recomputed.has(node.operands[0]!))
    return { ...parts, outer: [...batch, ...rows], columns, weight: left, value: right, ...body.common(group) }
  if (recomputed.has(node.operands[1]!))
    return { ...parts, outer: [...batch, ...columns], columns: rows, weight: right, value: left, ...body.common(group) }
  return { kind: 'contract', batch, rows, columns, depth, left, right, stores, split: undefined, ...body.common(group) }
}
