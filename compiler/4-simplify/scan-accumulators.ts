/** Carries that only add up: `acc' = acc + f - g`, with `acc` read nowhere else, are sums over all steps. */
import type { Node } from '../ir/graph.ts'
import { type Dependence, isDear } from './scan-dependence.ts'
import { summands } from './scan-outside.ts'
import type { Carry, ScanParts } from './scan-parts.ts'

export interface Accumulator extends Carry {
  readonly terms: readonly { readonly node: Node; readonly negative: boolean }[]
}

export function accumulatorsOf(parts: ScanParts, { nodes }: Dependence): Accumulator[] {
  const users = new Map<Node, number>()
  const count = (node: Node) => users.set(node, (users.get(node) ?? 0) + 1)
  for (const node of nodes) node.operands.forEach(count)
  for (const { next } of parts.carries) count(next)
  for (const { node } of parts.yields) count(node)
  return parts.carries.flatMap((carry) => {
    if (carry.leaf.dtype !== 'float' || users.get(carry.leaf) !== 1) return []
    const terms: { node: Node; negative: boolean }[] = []
    // Down the sum to where the carry stands; the sum so far is read by nobody else.
    let at = carry.next
    while (at !== carry.leaf) {
      if ((at.op !== 'add' && at.op !== 'sub') || users.get(at) !== 1) return []
      const [left, right] = at.operands as readonly [Node, Node]
      const towards = [left, right].find((side) => side === carry.leaf || leadsTo(side, carry.leaf))
      if (!towards || (towards === right && at.op === 'sub')) return []
      terms.push({ node: towards === left ? right : left, negative: at.op === 'sub' })
      at = towards
    }
    return [{ ...carry, terms }]
  })
}

/** Whether a chain of sums ends in the leaf. */
function leadsTo(root: Node, leaf: Node): boolean {
  const pending = [root]
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (node === leaf) return true
    if (node.op === 'add' || node.op === 'sub') pending.push(...node.operands)
  }
  return false
}

export const summandsOf = ({ terms }: Accumulator): Node[] => terms.flatMap(({ node }) => [...summands(node)])

/** Whether each step's share is a product or a sum itself, which one product or sum over all steps replaces. */
export const isDearSum = (accumulator: Accumulator): boolean => summandsOf(accumulator).every(isDear)
