/** All primitives by name. Adding one is its row and a line here; names, attributes and the builder's types follow. */
import type { Node } from '../ir/graph.ts'
import * as binary from './binary.ts'
import { contract } from './contract.ts'
import { cumsum } from './cumsum.ts'
import { gather, scatterAdd } from './gather.ts'
import { constant, iota, randomBits, size } from './generated.ts'
import { input, literal, parameter, state, stream } from './leaf.ts'
import type { AnyOpDef, Lowering } from './op.ts'
import { argmax, argmin, reduceMax, reduceMin, reduceSum } from './reduce.ts'
import { bound, scan, scanResult } from './scan.ts'
import { again, cast, select, stopGradient, unitFloat } from './select.ts'
import { concat, pad, slice } from './slice.ts'
import * as unary from './unary.ts'
import { broadcast, permute, reshape } from './view.ts'
import { fold, window } from './window.ts'

export const registry = {
  // leaves
  input,
  parameter,
  state,
  literal,
  stream,
  // functions of the index
  constant,
  size,
  iota,
  random_bits: randomBits,
  // elementwise, one operand
  neg: unary.neg,
  abs: unary.abs,
  sign: unary.sign,
  floor: unary.floor,
  ceil: unary.ceil,
  round: unary.round,
  exp: unary.exp,
  log: unary.log,
  sqrt: unary.sqrt,
  rsqrt: unary.rsqrt,
  sin: unary.sin,
  cos: unary.cos,
  tanh: unary.tanh,
  erf: unary.erf,
  not: unary.not,
  is_finite: unary.finite,
  cast,
  unit_float: unitFloat,
  stop_gradient: stopGradient,
  again,
  // elementwise, two operands
  add: binary.add,
  sub: binary.sub,
  mul: binary.mul,
  div: binary.div,
  pow: binary.pow,
  minimum: binary.minimum,
  maximum: binary.maximum,
  floor_div: binary.floorDiv,
  modulo: binary.modulo,
  eq: binary.eq,
  ne: binary.ne,
  lt: binary.lt,
  le: binary.le,
  and: binary.and,
  or: binary.or,
  // elementwise, three operands
  select,
  // views
  reshape,
  permute,
  broadcast,
  slice,
  pad,
  concat,
  window,
  // reductions
  reduce_sum: reduceSum,
  reduce_max: reduceMax,
  reduce_min: reduceMin,
  argmax,
  argmin,
  fold,
  // data-dependent places
  gather,
  scatter_add: scatterAdd,
  // prefix computations
  cumsum,
  // sums of products
  contract,
  // recurrence
  bound,
  scan,
  scan_result: scanResult,
}

export type OpName = keyof typeof registry

/** The attributes of each op, read off its row. */
export type OpAttributes = { readonly [P in OpName]: (typeof registry)[P]['samples'][number]['attributes'] }

const rows: ReadonlyMap<string, AnyOpDef> = new Map(Object.entries(registry))

export const opNames: readonly OpName[] = [...rows.keys()] as OpName[]

/** The row of a node's op. */
export function opOf(node: { readonly op: OpName }): AnyOpDef {
  return rows.get(node.op)!
}

/** What a node's op is like, where a row leaves that to the attributes too. */
export function lowerOf(node: Node): Lowering {
  const row = opOf(node)
  return row.lowerAs?.(node.attributes as never, node.dtype) ?? row.lower
}
