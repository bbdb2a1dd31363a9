/** All rules of the simplifier. A rule is one row: its name, the ops it looks at, and its law as a comment and in code. */
import type { Node } from '../ir/graph.ts'
import type { GraphBuilder } from '../ops/builder.ts'
import type { OpName } from '../ops/registry.ts'
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

export function rulesByOp(chosen: readonly Rule[] = rules): (op: OpName) => readonly Rule[] {
  const table = new Map<OpName, readonly Rule[]>()
  return (op) => {
    const found = table.get(op) ?? chosen.filter(({ ops }) => !ops || ops.includes(op))
    table.set(op, found)
    return found
  }
}
