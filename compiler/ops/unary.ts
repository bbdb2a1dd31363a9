/** Elementwise functions of one operand. */
import { requireDtype } from './faults.ts'
import { float, number, truth, unary } from './map-rows.ts'
import type { NoAttributes, OpDef } from './op.ts'

const positive = { ranges: [[0.1, 4]] } as const

export const neg: OpDef<'neg', NoAttributes> = unary('neg', '`-x`', number, (b, g) => b.neg(g))
export const abs: OpDef<'abs', NoAttributes> = unary('abs', '`|x|`', number, (b, g, x) => b.mul(g, b.sign(x)), {
  ranges: [[0.25, 2]],
})
export const sign: OpDef<'sign', NoAttributes> = unary('sign', '-1, 0 or 1 by the sign of `x`', number, undefined)
export const floor: OpDef<'floor', NoAttributes> = unary(
  'floor',
  'the greatest integer not above `x`',
  float,
  undefined,
)
export const ceil: OpDef<'ceil', NoAttributes> = unary('ceil', 'the least integer not below `x`', float, undefined)
export const round: OpDef<'round', NoAttributes> = unary(
  'round',
  'the nearest integer to `x`; a tie goes to the even one',
  float,
  undefined,
)
export const exp: OpDef<'exp', NoAttributes> = unary('exp', '`e^x`', float, (b, g, _x, y) => b.mul(g, y))
export const log: OpDef<'log', NoAttributes> = unary(
  'log',
  'the natural logarithm of `x`',
  float,
  (b, g, x) => b.div(g, x),
  positive,
)
export const sqrt: OpDef<'sqrt', NoAttributes> = unary(
  'sqrt',
  'the square root of `x`',
  float,
  (b, g, _x, y) => b.div(b.mul(g, 0.5), y),
  positive,
)
export const rsqrt: OpDef<'rsqrt', NoAttributes> = unary(
  'rsqrt',
  '`1 / √x`',
  float,
  (b, g, _x, y) => b.mul(b.mul(g, -0.5), b.mul(y, b.mul(y, y))),
  positive,
)
export const sin: OpDef<'sin', NoAttributes> = unary('sin', 'the sine of `x` radians', float, (b, g, x) =>
  b.mul(g, b.cos(x)),
)
export const cos: OpDef<'cos', NoAttributes> = unary('cos', 'the cosine of `x` radians', float, (b, g, x) =>
  b.neg(b.mul(g, b.sin(x))),
)
export const tanh: OpDef<'tanh', NoAttributes> = unary('tanh', 'the hyperbolic tangent of `x`', float, (b, g, _x, y) =>
  b.mul(g, b.sub(1, b.mul(y, y))),
)
// d erf(x)/dx = 2/√π · exp(-x²)
export const erf: OpDef<'erf', NoAttributes> = unary(
  'erf',
  'the error function: `2/√π` times the integral of `exp(-t²)` from 0 to `x`',
  float,
  (b, g, x) => b.mul(g, b.mul(2 / Math.sqrt(Math.PI), b.exp(b.neg(b.mul(x, x))))),
)
/** Asked of the bits: compilers of shaders may take it that no number is infinite or NaN, and fold comparisons away. */
export const finite: OpDef<'is_finite', NoAttributes> = {
  ...unary('is_finite', 'true where `x` is neither infinite nor NaN', float, undefined),
  type: (operands) => ({ shape: requireDtype(operands, 0, 'float').shape, dtype: 'bool' }),
}
export const not: OpDef<'not', NoAttributes> = unary('not', 'true where `x` is false', truth, undefined)
