/** Laws of contraction: views of its operands and of its result are only other ways to read and write them. */
import { one } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import type { GraphBuilder } from '../ops/builder.ts'
import { type Access, type ContractAttributes, isPlainAccess } from '../ops/contract.ts'
import type { OpName } from '../ops/registry.ts'
import { unitPlaces } from './movement.ts'
import { rule } from './rule.ts'
import type { Rule } from './rules.ts'

/** One operand of a contraction with its accesses; a law gives another that reads the same elements. */
interface Side {
  readonly node: Node
  readonly accesses: readonly Access[]
}
type SideLaw<P extends OpName> = (
  node: Node<P>,
  accesses: readonly Access[],
  attributes: ContractAttributes,
  other: readonly Access[],
) => Side | undefined

const sides = ['left', 'right'] as const

/** A row for a law about one operand, of some op, tried on both. */
function operandRule<P extends OpName>(name: string, op: P, law: SideLaw<P>): Rule {
  return rule(name, 'contract', [op], (node, b) => {
    for (let index = 0; index < 2; index++) {
      const operand = node.operands[index]!
      if (operand.op !== op) continue
      const { attributes } = node
      const found = law(operand as Node<P>, attributes[sides[index]!], attributes, attributes[sides[1 - index]!])
      if (found) return rebuild(b, node, index, found)
    }
    return undefined
  })
}

function rebuild(b: GraphBuilder, node: Node<'contract'>, index: number, side: Side): Node {
  return b.contract(...(node.operands.with(index, side.node) as [Node, Node]), {
    ...node.attributes,
    [sides[index]!]: side.accesses,
  })
}

const reads = (accesses: readonly Access[], name: string): boolean =>
  accesses.some(({ terms }) => terms.some(({ axis }) => axis === name))

/** Whether the access of an operand axis may be left out: it reads the axis itself, which the other operand reads too. */
function isRedundant(
  access: Access,
  size: Node['shape'][number],
  attributes: ContractAttributes,
  other: readonly Access[],
): boolean {
  return (
    isPlainAccess(access, size, new Map(attributes.axes.map((axis) => [axis.name, axis.size]))) &&
    reads(other, access.terms[0]!.axis)
  )
}

export const products: readonly Rule[] = [
  // permute(x)[i, j] = x[j, i]
  operandRule('product-of-permute', 'permute', (node, accesses) => {
    const inner: Access[] = []
    const { order } = node.attributes
    for (let at = 0; at < order.length; at++) inner[order[at]!] = accesses[at]!
    return { node: node.operands[0]!, accesses: inner }
  }),
  // broadcast(x)[i, j] = x[j]
  operandRule('product-of-broadcast', 'broadcast', (node, accesses, attributes, other) => {
    const own = node.attributes.axes
    const droppable = accesses.every(
      (access, axis) => own.includes(axis) || isRedundant(access, node.shape[axis]!, attributes, other),
    )
    return droppable ? { node: node.operands[0]!, accesses: own.map((axis) => accesses[axis]!) } : undefined
  }),
  // reshape(x)[i, 0] = x[i]
  operandRule('product-of-unit-axes', 'reshape', (node, accesses, attributes, other) => {
    const inner = node.operands[0]!
    const places = unitPlaces(inner.shape, node.shape)
    if (!places || places.includes(undefined)) return undefined
    const droppable = accesses.every(
      (access, axis) =>
        places.includes(axis) || (node.shape[axis] === one && isRedundant(access, one, attributes, other)),
    )
    return droppable ? { node: inner, accesses: places.map((place) => accesses[place!]!) } : undefined
  }),
  // pad(x; 0)[i] = x[i - low], which counts as 0 outside of x
  operandRule('product-of-padding', 'pad', (node, accesses) => {
    if (node.attributes.value !== 0) return undefined
    const { low } = node.attributes
    if (low.some((size) => size.constant === undefined)) return undefined
    return {
      node: node.operands[0]!,
      accesses: accesses.map((access, axis) => ({
        ...access,
        offset: access.offset - low[axis]!.constant! * access.divisor,
      })),
    }
  }),
  // permute(Σ x · y)[i, j] = (Σ x · y)[j, i]
  rule('permute-of-product', 'permute', ['contract'], (node, b, { isShared }) => {
    const [x] = node.operands
    if (x!.op !== 'contract' || isShared(x!)) return undefined
    return b.contract(x!.operands[0]!, x!.operands[1]!, {
      ...x!.attributes,
      output: node.attributes.order.map((axis) => x!.attributes.output[axis]!),
    })
  }),
  // Σ (-x) · y = -(Σ x · y)
  rule('negation-out-of-product', 'contract', ['neg'], (node, b) => {
    const [x, y] = node.operands
    if (x!.op === 'neg') return b.neg(b.contract(x!.operands[0]!, y!, node.attributes))
    return y!.op === 'neg' ? b.neg(b.contract(x!, y!.operands[0]!, node.attributes)) : undefined
  }),
]
