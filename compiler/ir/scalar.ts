/**
 * The scalar functions of kernels: what one lane computes. Each is declared once with its arity, its float64 meaning
 * and its cost class; the WGSL (and later WebAssembly) printers have one line for each, closed by `satisfies`.
 */

import { erf } from './erf.ts'
import type { DType } from './graph.ts'
import { threefry } from './threefry.ts'

export type ScalarFunction =
  // arithmetic
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'pow'
  | 'min'
  | 'max'
  | 'floor_div'
  | 'modulo'
  // one argument
  | 'neg'
  | 'abs'
  | 'sign'
  | 'floor'
  | 'ceil'
  | 'round'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'rsqrt'
  | 'sin'
  | 'cos'
  | 'tanh'
  | 'erf'
  // truth
  | 'eq'
  | 'ne'
  | 'lt'
  | 'le'
  | 'and'
  | 'or'
  | 'not'
  | 'is_finite'
  | 'select'
  // conversion
  | 'to_float'
  | 'to_int'
  | 'to_uint'
  | 'to_bool'
  // bits
  | 'threefry'
  | 'unit_float'

export interface ScalarMeaning {
  readonly arity: number
  /** Recomputing it costs about as much as reading a stored result: fusion may duplicate it freely. */
  readonly cheap: boolean
  /** The meaning over float64 (bools are 0 and 1); for integers see `scalarMeaningFor`. */
  readonly apply: (...operands: number[]) => number
}

/** `select` takes (condition, value if true, value if false); `threefry` takes (key 0, key 1, counter 0, counter 1). */
export const scalarMeaning = {
  add: cheap(2, (a, b) => a! + b!),
  sub: cheap(2, (a, b) => a! - b!),
  mul: cheap(2, (a, b) => a! * b!),
  div: cheap(2, (a, b) => a! / b!),
  pow: costly(2, (a, b) => a! ** b!),
  min: cheap(2, (a, b) => Math.min(a!, b!)),
  max: cheap(2, (a, b) => Math.max(a!, b!)),
  floor_div: cheap(2, (a, b) => Math.floor(a! / b!)),
  modulo: cheap(2, (a, b) => a! - Math.floor(a! / b!) * b!),
  neg: cheap(1, (a) => -a!),
  abs: cheap(1, (a) => Math.abs(a!)),
  sign: cheap(1, (a) => Math.sign(a!)),
  floor: cheap(1, (a) => Math.floor(a!)),
  ceil: cheap(1, (a) => Math.ceil(a!)),
  round: cheap(1, (a) => roundHalfToEven(a!)),
  exp: costly(1, (a) => Math.exp(a!)),
  log: costly(1, (a) => Math.log(a!)),
  sqrt: costly(1, (a) => Math.sqrt(a!)),
  rsqrt: costly(1, (a) => 1 / Math.sqrt(a!)),
  sin: costly(1, (a) => Math.sin(a!)),
  cos: costly(1, (a) => Math.cos(a!)),
  tanh: costly(1, (a) => Math.tanh(a!)),
  erf: costly(1, (a) => erf(a!)),
  eq: cheap(2, (a, b) => (a === b ? 1 : 0)),
  ne: cheap(2, (a, b) => (a !== b ? 1 : 0)),
  lt: cheap(2, (a, b) => (a! < b! ? 1 : 0)),
  le: cheap(2, (a, b) => (a! <= b! ? 1 : 0)),
  and: cheap(2, (a, b) => (a && b ? 1 : 0)),
  or: cheap(2, (a, b) => (a || b ? 1 : 0)),
  not: cheap(1, (a) => (a ? 0 : 1)),
  is_finite: cheap(1, (a) => (Number.isFinite(a!) ? 1 : 0)),
  select: cheap(3, (condition, a, b) => (condition ? a! : b!)),
  to_float: cheap(1, (a) => a!),
  // WGSL: a float becomes the nearest representable integer towards zero.
  to_int: cheap(1, (a) => Math.min(2147483647, Math.max(-2147483648, Math.trunc(a!) || 0))),
  to_uint: cheap(1, (a) => Math.min(4294967295, Math.max(0, Math.trunc(a!) || 0))),
  to_bool: cheap(1, (a) => (a ? 1 : 0)),
  threefry: costly(4, (k0, k1, c0, c1) => threefry(k0!, k1!, c0!, c1!)[0]),
  // The top 24 bits fill a float32's significand, so the value is exact and below 1 in every precision.
  unit_float: cheap(1, (a) => (a! >>> 8) / 16777216),
} satisfies Record<ScalarFunction, ScalarMeaning>

/** The meaning for operands of a dtype: 32-bit integers wrap around, and their division by zero gives zero. */
export function scalarMeaningFor(fn: ScalarFunction, dtype: DType): (...operands: number[]) => number {
  if (dtype === 'int') return wrapping[fn]?.((value) => value | 0) ?? scalarMeaning[fn].apply
  if (dtype === 'uint') return wrapping[fn]?.((value) => value >>> 0) ?? scalarMeaning[fn].apply
  return scalarMeaning[fn].apply
}

type Wrap = (value: number) => number
const wrapping: Partial<Record<ScalarFunction, (wrap: Wrap) => (...operands: number[]) => number>> = {
  neg: (wrap) => (a) => wrap(-a!),
  abs: (wrap) => (a) => wrap(Math.abs(a!)),
  add: (wrap) => (a, b) => wrap(a! + b!),
  sub: (wrap) => (a, b) => wrap(a! - b!),
  mul: (wrap) => (a, b) => wrap(Math.imul(a!, b!)),
  floor_div: (wrap) => (a, b) => (b === 0 ? 0 : wrap(Math.floor(a! / b!))),
  modulo: (wrap) => (a, b) => (b === 0 ? 0 : wrap(a! - Math.floor(a! / b!) * b!)),
}

function cheap(arity: number, apply: (...operands: number[]) => number): ScalarMeaning {
  return { arity, cheap: true, apply }
}
function costly(arity: number, apply: (...operands: number[]) => number): ScalarMeaning {
  return { arity, cheap: false, apply }
}

/** As WGSL and IEEE 754 round: a tie goes to the even neighbour. */
function roundHalfToEven(value: number): number {
  const below = Math.floor(value)
  const fraction = value - below
  if (fraction !== 0.5) return Math.round(value)
  return below % 2 === 0 ? below : below + 1
}
