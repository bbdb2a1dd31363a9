/** How each scalar function is written, for one value and for four: one line each, closed by `satisfies`. */
import type { DType } from '../../ir/graph.ts'
import type { ScalarFunction } from '../../ir/scalar.ts'
import type { Block } from './block.ts'
import { type Expression, float, floats, get, integers, isConstantVector, Local, number } from './code.ts'
import { call, choose, extract, type Instruction, op, splat } from './instructions.ts'
import type { Mathematics } from './mathematics.ts'

/** Operands of the same width, with their dtypes; what has to be computed before goes to the block. */
export interface Writer {
  readonly one: (operands: readonly Expression[], dtypes: readonly DType[], block: Block) => Expression
  /** `undefined`: lane by lane. */
  readonly four: ((operands: readonly Expression[], dtypes: readonly DType[], block: Block) => Expression) | undefined
}

/** The same instruction for i32, f32 and their vectors; uint where it differs from int. */
const arithmetic = (name: 'add' | 'sub' | 'mul'): Writer => ({
  one: (v, [d]) => op(`${d === 'float' ? 'f32' : 'i32'}.${name}`, ...v),
  four: (v, [d]) => op(`${d === 'float' ? 'f32x4' : 'i32x4'}.${name}`, ...v),
})
const comparison = (float: 'eq' | 'ne' | 'lt' | 'le', suffix: boolean): Writer => {
  const kind = (d: DType | undefined) => `${float}${suffix ? (d === 'int' ? '_s' : '_u') : ''}`
  return {
    one: (v, [d]) => op((d === 'float' ? `f32.${float}` : `i32.${kind(d)}`) as Instruction, ...v),
    four: (v, [d]) => op((d === 'float' ? `f32x4.${float}` : `i32x4.${kind(d)}`) as Instruction, ...v),
  }
}
const logic = (name: 'and' | 'or'): Writer => ({
  one: (v) => op(`i32.${name}`, ...v),
  four: (v) => op(`v128.${name}`, ...v),
})
const extreme = (name: 'min' | 'max'): Writer => ({
  one: (v, [d], block) => {
    if (d === 'float') return op(`f32.${name}`, ...v)
    const [a, b] = v.map((x) => keep(block, x))
    const less = op(d === 'int' ? 'i32.lt_s' : 'i32.lt_u', a!, b!)
    return name === 'min' ? choose(a!, b!, less) : choose(b!, a!, less)
  },
  four: (v, [d]) => {
    const [a, b] = v
    // Against a number known not to be NaN the one-instruction form keeps a NaN of the other.
    if (d === 'float' && isConstantVector(b!)) return op(`f32x4.p${name}`, a!, b!)
    return op(d === 'float' ? `f32x4.${name}` : `i32x4.${name}_${d === 'int' ? 's' : 'u'}`, a!, b!)
  },
})

/** A function of the module, always of four values. */
const mathematics = (name: Mathematics): Writer => ({
  one: (v, _, block) => extract(call(name, 'v128', ...v.map((x) => keep(block, splat(x)))), 'f32', 0),
  four: (v) => call(name, 'v128', ...v),
})
/** Of floats; integers know no fractions. */
const rounding = (name: 'floor' | 'ceil' | 'nearest'): Writer => ({
  one: (v, [d]) => (d === 'float' ? op(`f32.${name}`, ...v) : v[0]!),
  four: (v, [d]) => (d === 'float' ? op(`f32x4.${name}`, ...v) : v[0]!),
})
const keep = (block: Block, value: Expression): Expression => {
  if (value.local || value.constant !== undefined) return value
  const local = new Local(value.type)
  block.set(local, value)
  return get(local)
}

export const functionWriters = {
  add: arithmetic('add'),
  sub: arithmetic('sub'),
  mul: arithmetic('mul'),
  div: { one: (v) => op('f32.div', ...v), four: (v) => op('f32x4.div', ...v) },
  pow: mathematics('pow'),
  min: extreme('min'),
  max: extreme('max'),
  floor_div: {
    one: (v, [d], block) =>
      d === 'float'
        ? op('f32.floor', op('f32.div', ...v))
        : (d === 'int' ? floorDivide : divide)(keep(block, v[0]!), keep(block, v[1]!), block),
    four: undefined,
  },
  modulo: {
    one: (v, [d], block) => {
      const [a, b] = [keep(block, v[0]!), keep(block, v[1]!)]
      if (d === 'float') return op('f32.sub', a, op('f32.mul', op('f32.floor', op('f32.div', a, b)), b))
      return (d === 'int' ? floorModulo : remainder)(a, b, block)
    },
    four: undefined,
  },
  neg: {
    one: (v, [d]) => (d === 'float' ? op('f32.neg', ...v) : op('i32.sub', number(0), v[0]!)),
    four: (v, [d]) => op(d === 'float' ? 'f32x4.neg' : 'i32x4.neg', ...v),
  },
  abs: {
    one: (v, [d], block) => {
      if (d === 'float') return op('f32.abs', ...v)
      const a = keep(block, v[0]!)
      return d === 'int' ? choose(op('i32.sub', number(0), a), a, op('i32.lt_s', a, number(0))) : a
    },
    four: (v, [d]) => (d === 'float' ? op('f32x4.abs', ...v) : d === 'int' ? op('i32x4.abs', ...v) : v[0]!),
  },
  sign: {
    one: (v, [d], block) => {
      const x = keep(block, v[0]!)
      if (d === 'uint') return op('i32.ne', x, number(0))
      if (d === 'int') return op('i32.sub', op('i32.gt_s', x, number(0)), op('i32.lt_s', x, number(0)))
      // Zeros and NaNs are their own signs.
      const below = choose(float(-1), x, op('f32.lt', x, float(0)))
      return choose(float(1), below, op('f32.gt', x, float(0)))
    },
    four: (v, [d], block) => {
      const x = keep(block, v[0]!)
      if (d === 'uint') return op('i32x4.min_u', x, integers(1))
      if (d === 'int') return op('i32x4.max_s', op('i32x4.min_s', x, integers(1)), integers(-1))
      const below = op('v128.bitselect', floats(-1), x, op('f32x4.lt', x, floats(0)))
      return op('v128.bitselect', floats(1), below, op('f32x4.gt', x, floats(0)))
    },
  },
  floor: rounding('floor'),
  ceil: rounding('ceil'),
  // A tie goes to the even neighbour.
  round: rounding('nearest'),
  exp: mathematics('exp'),
  log: mathematics('log'),
  sqrt: { one: (v) => op('f32.sqrt', ...v), four: (v) => op('f32x4.sqrt', ...v) },
  rsqrt: {
    one: (v) => op('f32.div', float(1), op('f32.sqrt', ...v)),
    four: (v) => op('f32x4.div', floats(1), op('f32x4.sqrt', ...v)),
  },
  sin: mathematics('sin'),
  cos: mathematics('cos'),
  tanh: mathematics('tanh'),
  erf: mathematics('erf'),
  eq: comparison('eq', false),
  ne: comparison('ne', false),
  // Four bools are masks: as unsigned numbers the true one is the greater, as it is of one bool.
  lt: comparison('lt', true),
  le: comparison('le', true),
  and: logic('and'),
  or: logic('or'),
  not: { one: (v) => op('i32.eqz', ...v), four: (v) => op('v128.not', ...v) },
  // The difference of an infinity, or a NaN, from itself is NaN, which equals nothing.
  is_finite: {
    one: (v, _, block) => {
      const x = keep(block, v[0]!)
      return op('f32.eq', op('f32.sub', x, x), float(0))
    },
    four: (v, _, block) => {
      const x = keep(block, v[0]!)
      return op('f32x4.eq', op('f32x4.sub', x, x), floats(0))
    },
  },
  select: {
    one: ([condition, a, b]) => choose(a!, b!, condition!),
    four: ([condition, a, b]) => op('v128.bitselect', a!, b!, condition!),
  },
  to_float: {
    one: (v, [d]) => (d === 'float' ? v[0]! : op(d === 'uint' ? 'f32.convert_i32_u' : 'f32.convert_i32_s', ...v)),
    four: (v, [d]) =>
      d === 'float'
        ? v[0]!
        : d === 'bool'
          ? op('v128.and', v[0]!, floats(1))
          : op(d === 'uint' ? 'f32x4.convert_i32x4_u' : 'f32x4.convert_i32x4_s', ...v),
  },
  to_int: whole('s'),
  to_uint: whole('u'),
  to_bool: {
    one: (v, [d]) =>
      d === 'bool'
        ? v[0]!
        : d === 'float'
          ? op('f32.gt', op('f32.abs', ...v), float(0))
          : op('i32.ne', v[0]!, number(0)),
    four: (v, [d]) =>
      d === 'bool'
        ? v[0]!
        : d === 'float'
          ? op('f32x4.gt', op('f32x4.abs', ...v), floats(0))
          : op('i32x4.ne', v[0]!, integers(0)),
  },
  threefry: {
    one: (v, _, block) => extract(call('threefry', 'v128', ...v.map((x) => keep(block, splat(x)))), 'i32', 0),
    four: (v) => call('threefry', 'v128', ...v),
  },
  // 2⁻²⁴ is exact, and so is every 24-bit integer.
  unit_float: {
    one: (v) => op('f32.mul', op('f32.convert_i32_s', op('i32.shr_u', v[0]!, number(8))), float(2 ** -24)),
    four: (v) => op('f32x4.mul', op('f32x4.convert_i32x4_s', op('i32x4.shr_u', v[0]!, number(8))), floats(2 ** -24)),
  },
} satisfies Record<ScalarFunction, Writer>

/** A float becomes the nearest representable integer towards zero, NaN 0. */
function whole(sign: 's' | 'u'): Writer {
  return {
    one: (v, [d]) => (d === 'float' ? op(`i32.trunc_sat_f32_${sign}`, ...v) : v[0]!),
    four: (v, [d]) =>
      d === 'float'
        ? op(`i32x4.trunc_sat_f32x4_${sign}`, ...v)
        : d === 'bool'
          ? op('v128.and', v[0]!, integers(1))
          : v[0]!,
  }
}

type Two = (a: Expression, b: Expression, block: Block) => Expression

const divide: Two = (a, b) => choose(number(0), op('i32.div_u', a, choose(b, number(1), b)), op('i32.eqz', b))
const remainder: Two = (a, b) => choose(number(0), op('i32.rem_u', a, choose(b, number(1), b)), op('i32.eqz', b))

/** What the quotient towards minus infinity leaves; 0 where b is 0. */
const floorModulo: Two = (a, b, block) => {
  const d = keep(block, choose(b, number(1), b))
  const r = keep(block, op('i32.rem_s', a, d))
  const wrong = op('i32.and', op('i32.ne', r, number(0)), op('i32.lt_s', op('i32.xor', r, d), number(0)))
  return op('i32.add', r, choose(d, number(0), wrong))
}
/** The quotient towards minus infinity; 0 where b is 0. The one quotient that does not fit, -2³¹ / -1, wraps around. */
const floorDivide: Two = (a, b, block) => {
  // A divisor of 0 or -1 has its own answers, and would trap.
  const unsafe = op('i32.lt_u', op('i32.add', b, number(1)), number(2))
  const d = keep(block, choose(number(1), b, unsafe))
  const q = keep(block, op('i32.div_s', a, d))
  const rest = keep(block, op('i32.sub', a, op('i32.mul', q, d)))
  const below = op('i32.and', op('i32.ne', rest, number(0)), op('i32.lt_s', op('i32.xor', rest, d), number(0)))
  const negated = op('i32.sub', number(0), a)
  return choose(choose(number(0), negated, op('i32.eqz', b)), op('i32.sub', q, below), unsafe)
}
