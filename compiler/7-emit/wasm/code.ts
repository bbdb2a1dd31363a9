/**
 * WebAssembly code under construction. An expression is a typed run of items: bytes, things whose bytes are not known yet
 * (which number a local will have, what a dim will be in a session, where a called function will stand), and runs of
 * other expressions. What contains another run refers to it: all is written once, when the function is finished.
 */
import type { Dim } from '../../ir/dim.ts'

export type ValueType = 'i32' | 'f32' | 'v128'

export const unnumbered = -1

/** A variable of a function; its number is given when the function is finished. */
export class Local {
  readonly type: ValueType
  number = unnumbered
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
  /** The items of a part, which are not changed any more. */
  | readonly Item[]

export const isRun = (item: Item): item is readonly Item[] => Array.isArray(item)

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
export function number(value: number): Expression {
  const constant = value | 0
  const known = small[constant]
  if (known) return known
  const made: Expression = { type: 'i32', items: signedLeb(constant, [0x41]), constant }
  if (constant >= 0 && constant < mostSmall) small[constant] = made
  return made
}
/** Those that are in nearly every line are made once. */
const mostSmall = 1024
const small: (Expression | undefined)[] = Array.from({ length: mostSmall }, () => undefined)

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
/** Whether it is four constants. */
export const isConstantVector = ({ items }: Expression): boolean => items.length === 18 && items[1] === 0x0c

/** Appends to `bytes`. */
function signedLeb(value: number, bytes: number[]): number[] {
  for (let rest = value; ; ) {
    const byte = rest & 0x7f
    rest >>= 7
    const done = (rest === 0 && (byte & 0x40) === 0) || (rest === -1 && (byte & 0x40) !== 0)
    bytes.push(done ? byte : byte | 0x80)
    if (done) return bytes
  }
}

export function unsignedLeb(value: number, bytes: number[] = []): number[] {
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80)
  bytes.push(rest)
  return bytes
}

const word = new DataView(new ArrayBuffer(4))
function floatBytes(value: number): number[] {
  word.setFloat32(0, value, true)
  return wordBytes()
}
function intBytes(value: number): number[] {
  word.setInt32(0, value, true)
  return wordBytes()
}
const wordBytes = (): number[] => [word.getUint8(0), word.getUint8(1), word.getUint8(2), word.getUint8(3)]
