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

export type RuleTable = (op: OpName) => readonly Rule[]

/** The rules for each op, found when it is first met. */
export function rulesByOp(chosen: readonly Rule[] = rules): RuleTable {
  if (chosen === rules) return allRules
  return tableOf(chosen)
}

function tableOf(chosen: readonly Rule[]): RuleTable {
  const table = new Map<OpName, readonly Rule[]>()
  return (op) => {
    let found = table.get(op)
    if (!found) {
      found = chosen.filter(({ ops, kind }) => (!ops || ops.includes(op)) && (!kind || mayBe(op, kind)))
      table.set(op, found)
    }
    return found
  }
}
const allRules = tableOf(rules)

const mayBe = (op: OpName, kind: Lowering['kind']): boolean => {
  const { lower, lowerAs } = opOf({ op })
  return lower.kind === kind || lowerAs !== undefined
}
