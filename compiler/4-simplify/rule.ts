/** How rule rows are written, and the questions that many of them ask. */
import type { Node } from '../ir/graph.ts'
import type { GraphBuilder } from '../ops/builder.ts'
import type { OpName } from '../ops/registry.ts'
import type { Rewrite, Rule } from './rules.ts'

/** Operands of all ops. */
export const any = undefined
/** What a number for every element may be: the operands of which `splat` knows something. */
export const number: readonly OpName[] = ['constant', 'broadcast', 'reshape']

/** A row for the nodes of one op, of whose operands one is of some op: `apply` gets the node, the builder, the operands. */
export function rule<P extends OpName>(
  name: string,
  op: P,
  operands: Rule['operands'],
  apply: (node: Node<P>, b: GraphBuilder, rewrite: Rewrite) => Node | undefined,
): Rule {
  return { name, ops: [op], operands, apply: (node: Node<P>, rewrite) => apply(node, rewrite.builder, rewrite) }
}

/** A row for an op of one operand. */
export function unaryRule(
  name: string,
  op: OpName,
  operands: Rule['operands'],
  apply: (b: GraphBuilder, x: Node, node: Node) => Node | undefined,
): Rule {
  return { name, ops: [op], operands, apply: (node: Node, { builder }) => apply(builder, node.operands[0]!, node) }
}

/** A row for an op of two operands. */
export function binaryRule(
  name: string,
  op: OpName,
  operands: Rule['operands'],
  apply: (b: GraphBuilder, x: Node, y: Node, node: Node) => Node | undefined,
): Rule {
  return {
    name,
    ops: [op],
    operands,
    apply: (node: Node, { builder }) => apply(builder, node.operands[0]!, node.operands[1]!, node),
  }
}

/** The number that every element is, where the node says so: a constant, or one repeated. */
export function splat(node: Node): number | undefined {
  if (node.op === 'constant') return node.attributes.value
  return node.op === 'broadcast' || node.op === 'reshape' ? splat(node.operands[0]!) : undefined
}

/** Whether no element can be infinite or NaN, whatever the inputs are. */
export function alwaysFinite(node: Node): boolean {
  const value = splat(node)
  if (value !== undefined) return Number.isFinite(value)
  switch (node.op) {
    case 'sign':
    case 'tanh':
    case 'erf':
    case 'unit_float':
    case 'iota':
    case 'size':
      return true
    case 'cast':
      return node.operands[0]!.dtype !== 'float' || alwaysFinite(node.operands[0]!)
    case 'neg':
    case 'abs':
    case 'reshape':
    case 'permute':
    case 'broadcast':
    case 'slice':
      return alwaysFinite(node.operands[0]!)
    case 'select':
      return alwaysFinite(node.operands[1]!) && alwaysFinite(node.operands[2]!)
    default:
      return node.dtype !== 'float'
  }
}

export const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
