/** Elementwise functions of two operands of one shape. */
import type { Node } from '../ir/graph.ts'
import type { GraphBuilder } from './builder.ts'
import { binary, every, float, number, ordered, truth } from './map-rows.ts'
import type { NoAttributes, OpDef } from './op.ts'

type Binary<Name extends string> = OpDef<Name, NoAttributes>

export const add: Binary<'add'> = binary('add', '`a + b`', {
  scalar: 'add',
  domain: number,
  gradient: (_b, g) => [g, g],
})
export const sub: Binary<'sub'> = binary('sub', '`a - b`', {
  scalar: 'sub',
  domain: number,
  gradient: (b, g) => [g, b.neg(g)],
})
export const mul: Binary<'mul'> = binary('mul', '`a · b`', {
  scalar: 'mul',
  domain: number,
  gradient: (b, g, x, y) => [b.mul(g, y), b.mul(g, x)],
})
export const div: Binary<'div'> = binary('div', '`a / b`', {
  scalar: 'div',
  domain: float,
  ranges: [undefined, [0.5, 2]],
  gradient: (b, g, _x, y, quotient) => [b.div(g, y), b.neg(b.div(b.mul(g, quotient), y))],
})
export const pow: Binary<'pow'> = binary('pow', '`a^b`; for negative `a` the result is not defined', {
  scalar: 'pow',
  domain: float,
  ranges: [
    [0.2, 2],
    [-2, 2],
  ],
  gradient: (b, g, x, y, power) => [
    b.mul(g, b.mul(y, b.pow(x, b.sub(y, 1)))),
    // a^b · ln a tends to 0 with a (for b > 0), where ln alone has no value.
    b.mul(g, b.mul(power, b.select(b.lt(0, x), b.log(b.select(b.lt(0, x), x, 1)), 0))),
  ],
})
export const minimum: Binary<'minimum'> = binary('minimum', 'the lesser of `a` and `b`', {
  scalar: 'min',
  domain: number,
  distinct: true,
  gradient: (b, g, x, y, least) => extremum(b, g, x, y, (other) => b.lt(least, other)),
})
export const maximum: Binary<'maximum'> = binary('maximum', 'the greater of `a` and `b`', {
  scalar: 'max',
  domain: number,
  distinct: true,
  gradient: (b, g, x, y, most) => extremum(b, g, x, y, (other) => b.lt(other, most)),
})
export const floorDiv: Binary<'floor_div'> = binary('floor_div', 'the greatest integer not above `a / b`', {
  scalar: 'floor_div',
  domain: number,
  ranges: [undefined, [0.5, 2]],
})
export const modulo: Binary<'modulo'> = binary('modulo', '`a - floor(a / b) · b`, of the sign of `b`', {
  scalar: 'modulo',
  domain: number,
  ranges: [
    [0.1, 0.4],
    [0.5, 2],
  ],
  gradient: (b, g, x, y) => [g, b.neg(b.mul(g, b.floor(b.div(x, y))))],
})
export const eq: Binary<'eq'> = binary('eq', 'whether `a` equals `b`', { scalar: 'eq', domain: every, result: 'bool' })
export const ne: Binary<'ne'> = binary('ne', 'whether `a` differs from `b`', {
  scalar: 'ne',
  domain: every,
  result: 'bool',
})
export const lt: Binary<'lt'> = binary('lt', 'whether `a` is less than `b`', {
  scalar: 'lt',
  domain: ordered,
  result: 'bool',
})
export const le: Binary<'le'> = binary('le', 'whether `a` is at most `b`', {
  scalar: 'le',
  domain: ordered,
  result: 'bool',
})
export const and: Binary<'and'> = binary('and', 'whether both are true', { scalar: 'and', domain: truth })
export const or: Binary<'or'> = binary('or', 'whether one or both are true', { scalar: 'or', domain: truth })

/**
 * The cotangent goes to the operand that wins, half to each on a tie. Beside a constant it goes to the other operand
 * where the result beats the constant, so that relu's gradient needs relu's result alone, not its operand.
 */
function extremum(
  b: GraphBuilder,
  g: Node,
  x: Node,
  y: Node,
  resultBeats: (other: Node) => Node,
): readonly (Node | undefined)[] {
  if (isConstant(y)) return [b.select(resultBeats(y), g, 0), undefined]
  if (isConstant(x)) return [undefined, b.select(resultBeats(x), g, 0)]
  const half = b.mul(g, 0.5)
  const onTie = b.select(b.eq(x, y), half, g)
  return [
    b.select(resultBeats(y), g, b.select(resultBeats(x), 0, onTie)),
    b.select(resultBeats(x), g, b.select(resultBeats(y), 0, onTie)),
  ]
}

function isConstant(node: Node): boolean {
  if (node.op === 'constant') return true
  return (node.op === 'broadcast' || node.op === 'reshape') && isConstant(node.operands[0]!)
}
