/** Laws of truth values, choice and conversion. */
import type { Node } from '../ir/graph.ts'
import { any, binaryRule, number, rule, splat, unaryRule } from './rule.ts'
import type { Rule } from './rules.ts'

export const choice: readonly Rule[] = [
  // select(true, x, y) = x, select(false, x, y) = y
  rule('decided-choice', 'select', number, ({ operands: [c, x, y] }) => {
    const value = splat(c!)
    return value === undefined ? undefined : value ? x : y
  }),
  // select(c, x, x) = x
  rule('choice-of-equals', 'select', any, ({ operands: [, x, y] }) => (x === y ? x : undefined)),
  // select(not c, x, y) = select(c, y, x)
  rule('choice-by-negation', 'select', ['not'], ({ operands: [c, x, y] }, b) =>
    c!.op === 'not' ? b.select(c!.operands[0]!, y!, x!) : undefined,
  ),
  // select(c, select(c, x, y), z) = select(c, x, z)
  rule('choice-made-before', 'select', ['select'], ({ operands: [c, x, z] }, b) =>
    x!.op === 'select' && x!.operands[0] === c ? b.select(c!, x!.operands[1]!, z!) : undefined,
  ),
  // select(c, x, select(c, y, z)) = select(c, x, z)
  rule('choice-refused-before', 'select', ['select'], ({ operands: [c, x, y] }, b) =>
    y!.op === 'select' && y!.operands[0] === c ? b.select(c!, x!, y!.operands[2]!) : undefined,
  ),
  // not not x = x
  unaryRule('double-denial', 'not', ['not'], (_b, x) => (x.op === 'not' ? x.operands[0] : undefined)),
  // x and true = x, x and false = false, x and x = x
  binaryRule('and-with-known', 'and', any, (_b, x, y) => connective(x, y, 1)),
  // x or false = x, x or true = true, x or x = x
  binaryRule('or-with-known', 'or', any, (_b, x, y) => connective(x, y, 0)),
  // min(x, x) = x
  binaryRule('minimum-of-equals', 'minimum', any, (_b, x, y) => (x === y ? x : undefined)),
  // max(x, x) = x
  binaryRule('maximum-of-equals', 'maximum', any, (_b, x, y) => (x === y ? x : undefined)),
  // cast(cast(x: bool)) = cast(x): 0 and 1 are the same number in every dtype
  unaryRule('double-cast', 'cast', ['cast'], (b, x, node) =>
    x.op === 'cast' && x.operands[0]!.dtype === 'bool' ? b.cast(x.operands[0]!, node.dtype) : undefined,
  ),
  // stop_gradient(x) = x, once gradients are taken
  unaryRule('gradient-stopped', 'stop_gradient', any, (_b, x) => x),
]

/** `neutral` is the value that leaves the other side as it is. */
function connective(x: Node, y: Node, neutral: 0 | 1): Node | undefined {
  if (x === y) return x
  for (const [known, other] of [
    [x, y],
    [y, x],
  ] as const) {
    const value = splat(known)
    if (value !== undefined) return (value ? 1 : 0) === neutral ? other : known
  }
  return undefined
}
