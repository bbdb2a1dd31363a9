/** Instructions by their names in the specification, as functions of expressions. */
import { type Expression, type Item, number, unsignedLeb, type ValueType } from './code.ts'

/** Opcode and result; the operands are on the stack. */
const plain = {
  'i32.eqz': [[0x45], 'i32'],
  'i32.eq': [[0x46], 'i32'],
  'i32.ne': [[0x47], 'i32'],
  'i32.lt_s': [[0x48], 'i32'],
  'i32.lt_u': [[0x49], 'i32'],
  'i32.gt_s': [[0x4a], 'i32'],
  'i32.gt_u': [[0x4b], 'i32'],
  'i32.le_s': [[0x4c], 'i32'],
  'i32.le_u': [[0x4d], 'i32'],
  'i32.ge_s': [[0x4e], 'i32'],
  'i32.add': [[0x6a], 'i32'],
  'i32.sub': [[0x6b], 'i32'],
  'i32.mul': [[0x6c], 'i32'],
  'i32.div_s': [[0x6d], 'i32'],
  'i32.div_u': [[0x6e], 'i32'],
  'i32.rem_s': [[0x6f], 'i32'],
  'i32.rem_u': [[0x70], 'i32'],
  'i32.and': [[0x71], 'i32'],
  'i32.or': [[0x72], 'i32'],
  'i32.xor': [[0x73], 'i32'],
  'i32.shl': [[0x74], 'i32'],
  'i32.shr_s': [[0x75], 'i32'],
  'i32.shr_u': [[0x76], 'i32'],
  'i32.trunc_sat_f32_s': [[0xfc, 0x00], 'i32'],
  'i32.trunc_sat_f32_u': [[0xfc, 0x01], 'i32'],
  'f32.eq': [[0x5b], 'i32'],
  'f32.ne': [[0x5c], 'i32'],
  'f32.lt': [[0x5d], 'i32'],
  'f32.gt': [[0x5e], 'i32'],
  'f32.le': [[0x5f], 'i32'],
  'f32.abs': [[0x8b], 'f32'],
  'f32.neg': [[0x8c], 'f32'],
  'f32.ceil': [[0x8d], 'f32'],
  'f32.floor': [[0x8e], 'f32'],
  'f32.nearest': [[0x90], 'f32'],
  'f32.sqrt': [[0x91], 'f32'],
  'f32.add': [[0x92], 'f32'],
  'f32.sub': [[0x93], 'f32'],
  'f32.mul': [[0x94], 'f32'],
  'f32.div': [[0x95], 'f32'],
  'f32.min': [[0x96], 'f32'],
  'f32.max': [[0x97], 'f32'],
  'f32.convert_i32_s': [[0xb2], 'f32'],
  'f32.convert_i32_u': [[0xb3], 'f32'],
  'i8x16.swizzle': [simd(14), 'v128'],
  'i32x4.splat': [simd(17), 'v128'],
  'f32x4.splat': [simd(19), 'v128'],
  'i32x4.eq': [simd(55), 'v128'],
  'i32x4.ne': [simd(56), 'v128'],
  'i32x4.lt_s': [simd(57), 'v128'],
  'i32x4.lt_u': [simd(58), 'v128'],
  'i32x4.gt_s': [simd(59), 'v128'],
  'i32x4.gt_u': [simd(60), 'v128'],
  'i32x4.le_s': [simd(61), 'v128'],
  'i32x4.le_u': [simd(62), 'v128'],
  'f32x4.eq': [simd(65), 'v128'],
  'f32x4.ne': [simd(66), 'v128'],
  'f32x4.lt': [simd(67), 'v128'],
  'f32x4.gt': [simd(68), 'v128'],
  'f32x4.le': [simd(69), 'v128'],
  'f32x4.ge': [simd(70), 'v128'],
  'v128.not': [simd(77), 'v128'],
  'v128.and': [simd(78), 'v128'],
  'v128.andnot': [simd(79), 'v128'],
  'v128.or': [simd(80), 'v128'],
  'v128.xor': [simd(81), 'v128'],
  'v128.bitselect': [simd(82), 'v128'],
  'v128.any_true': [simd(83), 'i32'],
  'f32x4.ceil': [simd(103), 'v128'],
  'f32x4.floor': [simd(104), 'v128'],
  'f32x4.nearest': [simd(106), 'v128'],
  'i32x4.abs': [simd(160), 'v128'],
  'i32x4.neg': [simd(161), 'v128'],
  'i32x4.all_true': [simd(163), 'i32'],
  'i32x4.shl': [simd(171), 'v128'],
  'i32x4.shr_s': [simd(172), 'v128'],
  'i32x4.shr_u': [simd(173), 'v128'],
  'i32x4.add': [simd(174), 'v128'],
  'i32x4.sub': [simd(177), 'v128'],
  'i32x4.mul': [simd(181), 'v128'],
  'i32x4.min_s': [simd(182), 'v128'],
  'i32x4.min_u': [simd(183), 'v128'],
  'i32x4.max_s': [simd(184), 'v128'],
  'i32x4.max_u': [simd(185), 'v128'],
  'f32x4.abs': [simd(224), 'v128'],
  'f32x4.neg': [simd(225), 'v128'],
  'f32x4.sqrt': [simd(227), 'v128'],
  'f32x4.add': [simd(228), 'v128'],
  'f32x4.sub': [simd(229), 'v128'],
  'f32x4.mul': [simd(230), 'v128'],
  'f32x4.div': [simd(231), 'v128'],
  'f32x4.min': [simd(232), 'v128'],
  'f32x4.max': [simd(233), 'v128'],
  'f32x4.pmin': [simd(234), 'v128'],
  'f32x4.pmax': [simd(235), 'v128'],
  'i32x4.trunc_sat_f32x4_s': [simd(248), 'v128'],
  'i32x4.trunc_sat_f32x4_u': [simd(249), 'v128'],
  'f32x4.convert_i32x4_s': [simd(250), 'v128'],
  'f32x4.convert_i32x4_u': [simd(251), 'v128'],
} as const satisfies Record<string, readonly [readonly number[], ValueType]>

export type Instruction = keyof typeof plain

function simd(opcode: number): readonly number[] {
  return unsignedLeb(opcode, [0xfd])
}
/** The operands' code and then `last`. A list that is written down is no longer than it must be; one that grows is. */
function join(operands: readonly Expression[], last: readonly Item[]): Item[] {
  switch (operands.length) {
    case 1:
      return [operands[0]!.items, last]
    case 2:
      return [operands[0]!.items, operands[1]!.items, last]
    case 3:
      return [operands[0]!.items, operands[1]!.items, operands[2]!.items, last]
    default:
      return [...operands.map(({ items }) => items), last]
  }
}

export function op(name: Instruction, ...operands: readonly Expression[]): Expression {
  const instruction = plain[name]
  return { type: instruction[1], items: join(operands, instruction[0]) }
}

/** `first` where the condition holds, else `second`; both are evaluated. */
export const choose = (first: Expression, second: Expression, condition: Expression): Expression => ({
  type: first.type,
  items: join([first, second, condition], [0x1b]),
})

export const call = (name: string, type: ValueType, ...operands: readonly Expression[]): Expression => ({
  type,
  items: join(operands, [0x10, { call: name }]),
})

/** A call of a function without a result. */
export const callItems = (name: string, ...operands: readonly Expression[]): Item[] =>
  join(operands, [0x10, { call: name }])

// ---------------------------------------------------------------- sums of integers, simplified where a part is known

export function plus(a: Expression, b: Expression): Expression {
  if (a.constant === 0) return b
  if (b.constant === 0) return a
  if (a.constant !== undefined && b.constant !== undefined) return number(a.constant + b.constant)
  return op('i32.add', a, b)
}
export function times(a: Expression, b: Expression): Expression {
  if (a.constant === 1) return b
  if (b.constant === 1) return a
  if (a.constant === 0 || b.constant === 0) return number(0)
  if (a.constant !== undefined && b.constant !== undefined) return number(Math.imul(a.constant, b.constant))
  const by = b.constant ?? 0
  const isPowerOfTwo = by > 0 && (by & (by - 1)) === 0
  return isPowerOfTwo ? op('i32.shl', a, number(31 - Math.clz32(by))) : op('i32.mul', a, b)
}

// ---------------------------------------------------------------- memory

/** Bytes past the address are part of the instruction, so that they cost nothing. */
function access(opcode: readonly number[], align = 2): (offset: number) => readonly number[] {
  const here = [...opcode, align, 0]
  return (offset) => (offset === 0 ? here : unsignedLeb(offset, [...opcode, align]))
}
const accesses = {
  loadFloat: access([0x2a]),
  loadInt: access([0x28]),
  loadVector: access(simd(0)),
  loadSplat: access(simd(9)),
  loadLane: access(simd(86)),
  store: { f32: access([0x38]), i32: access([0x36]), v128: access(simd(11)) },
  storeLane: access(simd(90)),
}

export const loadFloat = (address: Expression, offset = 0): Expression => ({
  type: 'f32',
  items: [address.items, accesses.loadFloat(offset)],
})
export const loadInt = (address: Expression, offset = 0): Expression => ({
  type: 'i32',
  items: [address.items, accesses.loadInt(offset)],
})
/** Four neighbouring words. */
export const loadVector = (address: Expression, offset = 0): Expression => ({
  type: 'v128',
  items: [address.items, accesses.loadVector(offset)],
})
/** One word in all lanes. */
export const loadSplat = (address: Expression, offset = 0): Expression => ({
  type: 'v128',
  items: [address.items, accesses.loadSplat(offset)],
})
/** One word in one lane, the others as they were. */
export const loadLane = (address: Expression, vector: Expression, lane: number, offset = 0): Expression => ({
  type: 'v128',
  items: [address.items, vector.items, accesses.loadLane(offset), lane],
})

export const storeItems = (address: Expression, value: Expression, offset = 0): Item[] => [
  address.items,
  value.items,
  accesses.store[value.type](offset),
]
export const storeLaneItems = (address: Expression, vector: Expression, lane: number, offset = 0): Item[] => [
  address.items,
  vector.items,
  accesses.storeLane(offset),
  lane,
]

// ---------------------------------------------------------------- lanes

export const splat = (value: Expression): Expression =>
  value.type === 'v128' ? value : op(value.type === 'f32' ? 'f32x4.splat' : 'i32x4.splat', value)

export const extract = (vector: Expression, type: 'f32' | 'i32', lane: number): Expression => ({
  type,
  items: [vector.items, extracts[type], lane],
})
export const replace = (vector: Expression, value: Expression, lane: number): Expression => ({
  type: 'v128',
  items: [vector.items, value.items, value.type === 'f32' ? replaceFloat : replaceInt, lane],
})
const extracts = { f32: simd(31), i32: simd(27) }
const replaceFloat = simd(32)
const replaceInt = simd(28)
/** Words 0 to 3 are those of `a`, 4 to 7 those of `b`. */
export const shuffle = (
  a: Expression,
  b: Expression,
  words: readonly [number, number, number, number],
): Expression => ({
  type: 'v128',
  items: [a.items, b.items, ...simd(13), ...words.flatMap((w) => [4 * w, 4 * w + 1, 4 * w + 2, 4 * w + 3])],
})
