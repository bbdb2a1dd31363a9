/** All rules of the simplifier. A rule is one row: its name, the ops it looks at, and its law as a comment and in code. */
import type { Node } from '../ir/graph.ts'
import type { GraphBuilder } from '../ops/builder.ts'
import type { Lowering } from '../ops/op.ts'
import { type OpName, opOf } from '../ops/registry.ts'
import { algebra } from './algebra.ts'
import { choice } from './choice.ts'
import { folding } from './folding.ts'
import { movement } from './movement.ts'
import { paddings } from './paddings.ts'
import { products } from './products.ts'
import { reductions } from './reductions.ts'

export interface Rewrite {
  readonly builder: GraphBuilder
  /** Whether more than one node or result reads it, as far as is known; rewriting it away would then repeat work. */
  readonly isShared: (node: Node) => boolean
}

export interface Rule {
  readonly name: string
  /** The ops of the nodes it may rewrite; `undefined`: any. */
  readonly ops: readonly OpName[] | undefined
  /** What these ops are like; any, if absent. */
  readonly kind?: Lowering['kind']
  /** The ops of which one of its operands must be; any, if absent. */
  readonly operands?: readonly OpName[] | undefined
  /** The node's equal, or `undefined` where the law does not apply. */
  readonly apply: (node: never, rewrite: Rewrite) => Node | undefined
}

export const rules: readonly Rule[] = [
  ...folding,
  ...algebra,
  ...choice,
  ...movement,
  ...paddings,
  ...reductions,
  ...products,
]

/** The rules that may rewrite a node. */
export type RuleTable = (node: Node) => readonly Rule[]

export const rulesFor = (chosen: readonly Rule[] = rules): RuleTable => (chosen === rules ? allRules : tableOf(chosen))

/** By the op of a node and the ops of its operands, one after another; found when they are first met. */
interface Row {
  rules: readonly Rule[] | undefined
  readonly next: Map<OpName, Row>
}
const emptyRow = (): Row => ({ rules: undefined, next: new Map() })
/** Of a node with more operands (a concatenation, a recurrence) all rules for its op are tried: there are too many sorts. */
const mostOperands = 3

function tableOf(chosen: readonly Rule[]): RuleTable {
  const table = emptyRow()
  const wide = emptyRow()
  return (node) => {
    const { op, operands } = node
    const isWide = operands.length > mostOperands
    let row = rowAfter(isWide ? wide : table, op)
    for (let at = 0; !isWide && at < operands.length; at++) row = rowAfter(row, operands[at]!.op)
    row.rules ??= chosen.filter((rule) => isFor(rule, node) && (isWide || reads(rule, node)))
    return row.rules
  }
}

function rowAfter(row: Row, op: OpName): Row {
  let next = row.next.get(op)
  if (!next) {
    next = emptyRow()
    row.next.set(op, next)
  }
  return next
}

function isFor({ ops, kind }: Rule, node: Node): boolean {
  if (ops && !ops.includes(node.op)) return false
  const { lower, lowerAs } = opOf(node)
  return !kind || lower.kind === kind || lowerAs !== undefined
}
const reads = ({ operands: asked }: Rule, { operands }: Node): boolean =>
  !asked || operands.some(({ op }) => asked.includes(op))

const allRules = tableOf(rules)
