/**
 * WebAssembly code under construction. An expression is a typed run of items: bytes, and things whose bytes are not
 * known yet (which number a local will have, what a dim will be in a session, where a called function will stand).
 */
import type { Dim } from '../../ir/dim.ts'

export type ValueType = 'i32' | 'f32' | 'v128'

/** A variable of a function; its number is given when the function is finished. */
export class Local {
  readonly type: ValueType
  constructor(type: ValueType) {
    this.type = type
  }
}

export type Item =
  /** A byte. */
  | number
  | Local
  /** A constant of five bytes that is this size. */
  | { readonly dim: Dim }
  | { readonly call: string }
  /** Marks where `get c, get a, get b, mul, add` begins. */
  | { readonly product: true }

export interface Expression {
  readonly type: ValueType
  readonly items: readonly Item[]
  /** Where it is nothing but the value of a local. */
  readonly local?: Local
  /** Where it is a number known now. */
  readonly constant?: number
}

export const get = (local: Local): Expression => ({ type: local.type, items: [0x20, local], local })

/** An i32 constant. */
export const number = (value: number): Expression => ({
  type: 'i32',
  items: [0x41, ...signedLeb(value | 0)],
  constant: value | 0,
})

/** A size, times an integer, as an i32 constant. */
export function size(dim: Dim): Expression {
  return dim.constant === undefined ? { type: 'i32', items: [0x41, { dim }] } : number(dim.constant)
}

export const float = (value: number): Expression => ({
  type: 'f32',
  items: [0x43, ...floatBytes(value)],
  constant: Math.fround(value),
})

/** The byte address of this thread's work space: the one global of the module. */
export const workspace: Expression = { type: 'i32', items: [0x23, 0] }

/** Four equal floats, or four equal integers. */
export const floats = (value: number): Expression => splatBytes(floatBytes(value))
export const integers = (value: number): Expression => splatBytes(intBytes(value))
export const integerLanes = (values: readonly number[]): Expression => ({
  type: 'v128',
  items: [0xfd, 0x0c, ...values.flatMap(intBytes)],
})
const splatBytes = (bytes: readonly number[]): Expression => ({
  type: 'v128',
  items: [0xfd, 0x0c, ...bytes, ...bytes, ...bytes, ...bytes],
})

export function signedLeb(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value; ; ) {
    const byte = rest & 0x7f
    rest >>= 7
    const done = (rest === 0 && (byte & 0x40) === 0) || (rest === -1 && (byte & 0x40) !== 0)
    bytes.push(done ? byte : byte | 0x80)
    if (done) return bytes
  }
}

export function unsignedLeb(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest]
    bytes.push((rest % 128) | 0x80)
  }
}

function floatBytes(value: number): number[] {
  return [...new Uint8Array(new Float32Array([value]).buffer)]
}
function intBytes(value: number): number[] {
  return [...new Uint8Array(new Int32Array([value | 0]).buffer)]
}
