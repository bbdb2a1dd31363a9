/**
 * How each scalar function is written in WGSL, one line each, and the helper functions they call.
 *
 * WGSL bounds the error of its built-in tanh by 10⁻⁵ and has no erf, so both are our own: a polynomial near 0 and an
 * exponential further out, each within 2·10⁻⁷ relative in float32 (fitted by iteratively reweighted least squares at
 * Chebyshev nodes; `test/wgsl/functions.test.ts` holds them to it). WGSL also lets implementations assume that no
 * value is infinite or NaN, so nothing here relies on either.
 */
import type { DType } from '../../ir/graph.ts'
import type { ScalarFunction } from '../../ir/scalar.ts'

export type Helper = keyof typeof helpers

/** Arguments as text (atomic or in parentheses) with their dtypes; `use` notes that a helper is called and gives its name. */
export type FunctionPrinter = (
  operands: readonly string[],
  dtypes: readonly DType[],
  use: (helper: Helper) => string,
) => string

const infix =
  (operator: string): FunctionPrinter =>
  ([a, b]) =>
    `(${a} ${operator} ${b})`
const call =
  (name: string): FunctionPrinter =>
  (operands) =>
    `${name}(${operands.join(', ')})`
const helped =
  (helper: Helper): FunctionPrinter =>
  (operands, _, use) =>
    `${use(helper)}(${operands.join(', ')})`
/** Another text for floats than for integers, which know no fractions. */
const byKind =
  (float: FunctionPrinter, int: FunctionPrinter, uint: FunctionPrinter = int): FunctionPrinter =>
  (operands, dtypes, use) =>
    (dtypes[0] === 'float' ? float : dtypes[0] === 'uint' ? uint : int)(operands, dtypes, use)
const itself: FunctionPrinter = ([a]) => a!

export const functionPrinters = {
  add: infix('+'),
  sub: infix('-'),
  mul: infix('*'),
  div: infix('/'),
  pow: helped('power'),
  min: call('min'),
  max: call('max'),
  floor_div: byKind(([a, b]) => `floor(${a} / ${b})`, helped('floor_div'), helped('divide')),
  modulo: byKind(helped('modulo'), helped('floor_mod'), helped('remainder')),
  neg: byKind(
    ([a]) => `(-${a})`,
    ([a]) => `(0 - ${a})`,
    ([a]) => `(0u - ${a})`,
  ),
  abs: call('abs'),
  sign: byKind(call('sign'), call('sign'), ([a]) => `min(${a}, 1u)`),
  floor: byKind(call('floor'), itself),
  ceil: byKind(call('ceil'), itself),
  // WGSL rounds a tie to the even neighbour.
  round: byKind(call('round'), itself),
  // Below -126 the result is 0 in float32; the bound keeps x·log₂e finite for the lowest float, which masks use for -∞.
  exp: ([a]) => `exp(max(${a}, -126.0f))`,
  log: call('log'),
  sqrt: call('sqrt'),
  rsqrt: call('inverseSqrt'),
  sin: call('sin'),
  cos: call('cos'),
  tanh: helped('tanh_accurate'),
  erf: helped('erf'),
  eq: infix('=='),
  ne: infix('!='),
  lt: infix('<'),
  le: infix('<='),
  and: infix('&&'),
  or: infix('||'),
  not: ([a]) => `(!${a})`,
  is_finite: ([a]) => `((bitcast<u32>(${a}) & 0x7f800000u) != 0x7f800000u)`,
  select: ([condition, whenTrue, whenFalse]) => `select(${whenFalse}, ${whenTrue}, ${condition})`,
  to_float: ([a], [from]) => (from === 'float' ? a! : from === 'bool' ? `select(0.0f, 1.0f, ${a})` : `f32(${a})`),
  to_int: ([a], [from]) => (from === 'int' ? a! : from === 'bool' ? `select(0i, 1i, ${a})` : `i32(${a})`),
  to_uint: ([a], [from]) => (from === 'uint' ? a! : from === 'bool' ? `select(0u, 1u, ${a})` : `u32(${a})`),
  to_bool: ([a], [from]) => (from === 'bool' ? a! : `(${a} != ${zeroOf(from)})`),
  threefry: (operands, dtypes, use) =>
    `${use('threefry')}(${operands.map((a, i) => (dtypes[i] === 'uint' ? a : `u32(${a})`)).join(', ')})`,
  // 2⁻²⁴ is exact, and so is every 24-bit integer.
  unit_float: ([a]) => `(f32(${a} >> 8u) * 0x1p-24f)`,
} satisfies Record<ScalarFunction, FunctionPrinter>

const zeroOf = (dtype: DType | undefined): string => (dtype === 'float' ? '0.0f' : dtype === 'uint' ? '0u' : '0i')

const helpers = {
  // Highest power first, by Horner's rule.
  erf: `
// The error function. Near 0 an odd polynomial; further out 1 - exp(-p(|x|)), where p is a polynomial for -log(erfc).
fn erf(x: f32) -> f32 {
  let a = min(abs(x), 4.0f);
  let s = a * a;
  let near = (((((7.889123e-5f * s - 8.0208422e-4f) * s + 5.1895357e-3f) * s - 2.6854444e-2f) * s + 0.112836003f) * s - 0.37612626f) * s + 1.1283791f;
  let p = (((((-1.8556775e-4f * a + 2.9395460e-3f) * a - 2.1805074e-2f) * a + 0.10303687f) * a + 0.63822627f) * a + 1.1270397f) * a + 3.5379824e-4f;
  return select(sign(x) * (1.0f - exp(-p)), x * near, a < 1.0f);
}`,
  tanh_accurate: `
// The hyperbolic tangent. Near 0 an odd polynomial; further out 1 - 2 / (exp(2|x|) + 1), which is 1 in float32 from 10 on.
fn tanh_accurate(x: f32) -> f32 {
  let a = min(abs(x), 10.0f);
  let s = a * a;
  let near = (((1.5504649e-2f * s - 5.2122556e-2f) * s + 0.13310649f) * s - 0.33332345f) * s + 0.99999994f;
  return select(sign(x) * (1.0f - 2.0f / (exp(2.0f * a) + 1.0f)), x * near, a < 0.6f);
}`,
  power: `
// x to the power y, also for a negative x where y is a whole number.
fn power(x: f32, y: f32) -> f32 {
  let size = select(exp2(y * log2(abs(x))), select(0.0f, 1.0f, y == 0.0f), x == 0.0f || y == 0.0f);
  return select(size, -size, x < 0.0f && abs(y - 2.0f * round(y * 0.5f)) == 1.0f);
}`,
  modulo: `
fn modulo(a: f32, b: f32) -> f32 { return a - floor(a / b) * b; }`,
  floor_div: `
// The quotient towards minus infinity; 0 where b is 0.
fn floor_div(a: i32, b: i32) -> i32 {
  let d = select(b, 1i, b == 0i);
  let q = a / d;
  let r = a - q * d;
  return select(q - select(0i, 1i, r != 0i && ((r < 0i) != (d < 0i))), 0i, b == 0i);
}`,
  floor_mod: `
// What the quotient towards minus infinity leaves; 0 where b is 0.
fn floor_mod(a: i32, b: i32) -> i32 {
  let d = select(b, 1i, b == 0i);
  let r = a % d;
  return select(r + select(0i, d, r != 0i && ((r < 0i) != (d < 0i))), 0i, b == 0i);
}`,
  divide: `
fn divide(a: u32, b: u32) -> u32 { return select(a / max(b, 1u), 0u, b == 0u); }`,
  remainder: `
fn remainder(a: u32, b: u32) -> u32 { return select(a % max(b, 1u), 0u, b == 0u); }`,
  threefry: `
// Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC 2011).
fn threefry_rounds(v: vec2u, r: vec4u) -> vec2u {
  var x = v.x;
  var y = v.y;
  x += y; y = ((y << r.x) | (y >> (32u - r.x))) ^ x;
  x += y; y = ((y << r.y) | (y >> (32u - r.y))) ^ x;
  x += y; y = ((y << r.z) | (y >> (32u - r.z))) ^ x;
  x += y; y = ((y << r.w) | (y >> (32u - r.w))) ^ x;
  return vec2u(x, y);
}
fn threefry(key0: u32, key1: u32, counter0: u32, counter1: u32) -> u32 {
  let even = vec4u(13u, 15u, 26u, 6u);
  let odd = vec4u(17u, 29u, 16u, 24u);
  let key2 = 0x1bd11bdau ^ key0 ^ key1;
  var v = vec2u(counter0 + key0, counter1 + key1);
  v = threefry_rounds(v, even) + vec2u(key1, key2 + 1u);
  v = threefry_rounds(v, odd) + vec2u(key2, key0 + 2u);
  v = threefry_rounds(v, even) + vec2u(key0, key1 + 3u);
  v = threefry_rounds(v, odd) + vec2u(key1, key2 + 4u);
  v = threefry_rounds(v, even) + vec2u(key2, key0 + 5u);
  return v.x;
}`,
} as const

/** In the table's order, so that equal sets give equal text. */
export function helperSources(used: ReadonlySet<Helper>): string[] {
  return (Object.keys(helpers) as Helper[]).filter((name) => used.has(name)).map((name) => helpers[name].trim())
}
