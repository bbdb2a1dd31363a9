/**
 * Functions that WebAssembly does not have, four values at a time. Each is a function of the module, linked where a
 * kernel calls it; one value is computed as four equal ones, so that the end of a row has the same bits as its middle.
 *
 * Relative errors are within 2 units in the last place for exp, log and erf, 3 for tanh (`test/wasm/functions.test.ts`);
 * sin and cos are within 2⁻²³ absolute for |x| ≤ 10⁴. A NaN stays one: `pmin(x, c)` and `pmax(x, c)` give x where x is NaN.
 */
import type { CodeObject } from '../../lowered.ts'
import { Block } from './block.ts'
import { type Expression, floats, get, integers, Local, number } from './code.ts'
import { finishCode } from './function.ts'
import { op } from './instructions.ts'

type Body = (block: Block, ...operands: Expression[]) => Expression

const helpers = {
  exp: (block, x) => exponential(block, x),
  log: (block, x) => logarithm(block, x),
  tanh: hyperbolicTangent,
  erf: errorFunction,
  sin: (block, x) => sine(block, x, 0),
  cos: (block, x) => sine(block, x, 1),
  pow: power,
  threefry,
} satisfies Record<string, Body>

export type Mathematics = keyof typeof helpers

export const isMathematics = (name: string): name is Mathematics => name in helpers

/** The function as code, without a place in a module. */
export function mathematicsCode(name: Mathematics): CodeObject {
  const block = new Block()
  const body: Body = helpers[name]
  const parameters = Array.from({ length: name === 'threefry' ? 4 : name === 'pow' ? 2 : 1 }, () => new Local('v128'))
  const result = body(block, ...parameters.map(get))
  return finishCode(parameters, 'v128', [block.items, result.items])
}

// ---------------------------------------------------------------- a notation for four floats

const add = (a: Expression, b: Expression) => op('f32x4.add', a, b)
const sub = (a: Expression, b: Expression) => op('f32x4.sub', a, b)
const mul = (a: Expression, b: Expression) => op('f32x4.mul', a, b)
const select = (a: Expression, b: Expression, mask: Expression) => op('v128.bitselect', a, b, mask)
const keep = (block: Block, value: Expression): Expression => {
  const local = new Local('v128')
  block.set(local, value)
  return get(local)
}
/** By Horner's rule, the highest power first. */
const polynomial = (x: Expression, coefficients: readonly number[]): Expression =>
  coefficients.slice(1).reduce((sum, c) => add(mul(sum, x), floats(c)), floats(coefficients[0]!))

const signBit = integers(0x80000000)
const infinity = floats(Number.POSITIVE_INFINITY)
const nan = integers(0x7fc00000)

// ---------------------------------------------------------------- functions

/**
 * `2ⁿ·exp(r)` with |r| ≤ ½ ln 2: adding 1.5·2²³ rounds x/ln 2 to the integer n and leaves it in the low bits. The scale is
 * two factors, so that results among the subnormal numbers and just below infinity are right. Cephes' polynomial.
 * What is 0 (masked scores, mostly) is computed at 0 and left out: processors take long for products that are too small.
 */
function exponential(block: Block, x: Expression): Expression {
  const vanishes = keep(block, op('f32x4.lt', x, floats(-104)))
  const bounded = keep(block, op('f32x4.pmin', op('v128.andnot', x, vanishes), floats(89)))
  const shifted = keep(block, add(mul(bounded, floats(Math.LOG2E)), floats(12582912)))
  const whole = keep(block, sub(shifted, floats(12582912)))
  const r = keep(block, sub(sub(bounded, mul(whole, floats(0.693359375))), mul(whole, floats(-2.1219444e-4))))
  const p = polynomial(
    r,
    [1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1],
  )
  const value = keep(block, add(add(mul(mul(p, r), r), r), floats(1)))
  const n = keep(block, op('i32x4.sub', shifted, integers(0x4b400000)))
  const half = keep(block, op('i32x4.shr_s', n, number(1)))
  const powerOfTwo = (e: Expression) => op('i32x4.shl', op('i32x4.add', e, integers(127)), number(23))
  const power = mul(mul(value, powerOfTwo(half)), powerOfTwo(op('i32x4.sub', n, half)))
  return op('v128.andnot', power, vanishes)
}

/** `log(2ᵏ·m) = k·ln 2 + log m` with √½ ≤ m < √2; the polynomial in (m - 1)/(m + 1) is that of FreeBSD's logf. */
function logarithm(block: Block, x: Expression): Expression {
  const small = keep(block, op('f32x4.lt', x, floats(2 ** -126)))
  const scaled = keep(block, select(mul(x, floats(2 ** 23)), x, small))
  const bits = keep(block, op('i32x4.add', scaled, integers(0x3f800000 - 0x3f3504f3)))
  const exponent = op('i32x4.sub', op('i32x4.shr_s', bits, number(23)), integers(127))
  const k = keep(block, sub(op('f32x4.convert_i32x4_s', exponent), op('v128.and', small, floats(23))))
  const m = op('i32x4.add', op('v128.and', bits, integers(0x007fffff)), integers(0x3f3504f3))
  const f = keep(block, sub(m, floats(1)))
  const s = keep(block, op('f32x4.div', f, add(f, floats(2))))
  const z = keep(block, mul(s, s))
  const w = keep(block, mul(z, z))
  const r = add(
    mul(z, polynomial(w, [0.28498786688, 0.66666662693])),
    mul(w, polynomial(w, [0.24279078841, 0.40000972152])),
  )
  const half = keep(block, mul(mul(f, f), floats(0.5)))
  const value = add(
    add(sub(add(mul(s, add(half, r)), mul(k, floats(9.0580006145e-6))), half), f),
    mul(k, floats(6.9313812256e-1)),
  )
  // Zero, negative numbers, infinity and NaN have logarithms of their own.
  const regular = select(
    value,
    select(x, nan, op('f32x4.eq', x, infinity)),
    op('v128.and', op('f32x4.gt', x, floats(0)), op('f32x4.lt', x, infinity)),
  )
  return select(floats(Number.NEGATIVE_INFINITY), regular, op('f32x4.eq', x, floats(0)))
}

/** Near 0 an odd polynomial; further out 1 - 2 / (exp(2|x|) + 1), which is 1 in float32 from 10 on. */
function hyperbolicTangent(block: Block, x: Expression): Expression {
  const a = keep(block, op('f32x4.pmin', op('f32x4.abs', x), floats(10)))
  const s = keep(block, mul(a, a))
  const near = mul(a, polynomial(s, [1.5504649e-2, -5.2122556e-2, 0.13310649, -0.33332345, 0.99999994]))
  const far = sub(floats(1), op('f32x4.div', floats(2), add(exponential(block, add(a, a)), floats(1))))
  return op('v128.or', select(near, far, op('f32x4.lt', a, floats(0.6))), op('v128.and', x, signBit))
}

/** Near 0 an odd polynomial; further out 1 - exp(-p(|x|)), where p is a polynomial for -log(erfc). */
function errorFunction(block: Block, x: Expression): Expression {
  const a = keep(block, op('f32x4.pmin', op('f32x4.abs', x), floats(4)))
  const s = keep(block, mul(a, a))
  const near = mul(
    a,
    polynomial(s, [7.889123e-5, -8.0208422e-4, 5.1895357e-3, -2.6854444e-2, 0.112836003, -0.37612626, 1.1283791]),
  )
  const p = polynomial(a, [-1.8556775e-4, 2.939546e-3, -2.1805074e-2, 0.10303687, 0.63822627, 1.1270397, 3.5379824e-4])
  const far = sub(floats(1), exponential(block, op('f32x4.neg', p)))
  return op('v128.or', select(near, far, op('f32x4.lt', a, floats(1))), op('v128.and', x, signBit))
}

/** By quadrants: π/2 in three parts (Cody and Waite) and the polynomials of Cephes' sinf and cosf on ±π/4. */
function sine(block: Block, x: Expression, quadrant: 0 | 1): Expression {
  const j = keep(block, op('f32x4.nearest', mul(x, floats(2 / Math.PI))))
  const parts = [1.5703125, 4.837512969970703e-4, 7.549789948768648e-8]
  const y = keep(
    block,
    parts.reduce((rest, part) => sub(rest, mul(j, floats(part))), x),
  )
  const q = keep(block, op('i32x4.add', op('i32x4.trunc_sat_f32x4_s', j), integers(quadrant)))
  const z = keep(block, mul(y, y))
  const sin = add(mul(mul(polynomial(z, [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1]), z), y), y)
  const cos = add(
    mul(mul(polynomial(z, [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2]), z), z),
    sub(floats(1), mul(z, floats(0.5))),
  )
  const odd = op('i32x4.ne', op('v128.and', q, integers(1)), integers(0))
  const negative = op('i32x4.shl', op('v128.and', q, integers(2)), number(30))
  return op('v128.xor', select(cos, sin, odd), negative)
}

/** `exp(y·log|x|)`; a negative x has a sign where y is odd, and no power where y is no whole number. */
function power(block: Block, x: Expression, y: Expression): Expression {
  const size = keep(block, exponential(block, keep(block, mul(y, logarithm(block, keep(block, op('f32x4.abs', x)))))))
  const half = keep(block, mul(y, floats(0.5)))
  const isWhole = op('f32x4.eq', op('f32x4.nearest', y), y)
  const isOdd = op('v128.andnot', isWhole, op('f32x4.eq', op('f32x4.nearest', half), half))
  const signed = op('v128.xor', size, op('v128.and', signBit, isOdd))
  const ofNegative = select(signed, nan, op('f32x4.eq', op('f32x4.nearest', y), y))
  const value = select(ofNegative, size, op('f32x4.lt', x, floats(0)))
  return select(floats(1), value, op('f32x4.eq', y, floats(0)))
}

/** Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC 2011). */
function threefry(block: Block, k0: Expression, k1: Expression, c0: Expression, c1: Expression): Expression {
  const key2 = keep(block, op('v128.xor', op('v128.xor', integers(0x1bd11bda), k0), k1))
  const keys = [k0, k1, key2]
  const [x, y] = [new Local('v128'), new Local('v128')]
  block.set(x, op('i32x4.add', c0, k0))
  block.set(y, op('i32x4.add', c1, k1))
  for (let group = 0; group < 5; group++) {
    for (const distance of group % 2 === 0 ? [13, 15, 26, 6] : [17, 29, 16, 24]) {
      block.set(x, op('i32x4.add', get(x), get(y)))
      const [left, right] = [
        op('i32x4.shl', get(y), number(distance)),
        op('i32x4.shr_u', get(y), number(32 - distance)),
      ]
      block.set(y, op('v128.xor', op('v128.or', left, right), get(x)))
    }
    block.set(x, op('i32x4.add', get(x), keys[(group + 1) % 3]!))
    block.set(y, op('i32x4.add', op('i32x4.add', get(y), keys[(group + 2) % 3]!), integers(group + 1)))
  }
  return get(x)
}
