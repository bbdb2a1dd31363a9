/**
 * As much of WebAssembly's binary format as the threads' own program needs (`conductor.ts`). Code is a list of bytes. No session
 * loads this: the program is kept assembled.
 */
export type Code = readonly number[]

export const unsigned = (value: number): Code =>
  value < 128 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)]
const signed = (value: number): Code =>
  value >= -64 && value < 64 ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)]

export const number = (value: number): Code => [0x41, ...signed(value)]
export const get = (local: number): Code => [0x20, local]
export const set = (local: number, value: Code): Code => [...value, 0x21, local]
/** An imported constant. */
export const global = (index: number): Code => [0x23, ...unsigned(index)]
export const call = (fn: number, ...operands: Code[]): Code => [...operands.flat(), 0x10, fn]

type Binary = (a: Code, b: Code) => Code
const binary =
  (opcode: number): Binary =>
  (a, b) => [...a, ...b, opcode]
export const equal = binary(0x46)
export const unequal = binary(0x47)
export const less = binary(0x48)
export const below = binary(0x49)
export const add = binary(0x6a)
export const subtract = binary(0x6b)
export const multiply = binary(0x6c)
export const divide = binary(0x6e)
export const and = binary(0x71)
export const or = binary(0x72)
export const shiftLeft = binary(0x74)
export const not = (a: Code): Code => [...a, 0x45]
export const choose = (first: Code, second: Code, condition: Code): Code => [...first, ...second, ...condition, 0x1b]

// ---------------------------------------------------------------- control: labels are counted from the innermost, as they stand

export const block = (...body: Code[]): Code => [0x02, 0x40, ...body.flat(), 0x0b]
export const loop = (...body: Code[]): Code => [0x03, 0x40, ...body.flat(), 0x0b]
export const branch = (label: number): Code => [0x0c, label]
export const branchIf = (label: number, condition: Code): Code => [...condition, 0x0d, label]
export const when = (condition: Code, ...body: Code[]): Code => [...condition, 0x04, 0x40, ...body.flat(), 0x0b]
/** While the condition holds; a branch to label 0 is the next turn. */
export const loopWhile = (condition: Code, ...body: Code[]): Code =>
  block(loop(branchIf(1, not(condition)), ...body, branch(0)))
export const giveBack = (...value: Code[]): Code => [...value.flat(), 0x0f]

// ---------------------------------------------------------------- memory: byte addresses, and bytes past them

const at = (offset: number): Code => [2, ...unsigned(offset)]
export const load = (address: Code, offset = 0): Code => [...address, 0x28, ...at(offset)]
export const store = (address: Code, value: Code, offset = 0): Code => [...address, ...value, 0x36, ...at(offset)]
export const copy = (to: Code, from: Code, bytes: Code): Code => [...to, ...from, ...bytes, 0xfc, 10, 0, 0]
export const atomicLoad = (address: Code, offset = 0): Code => [...address, 0xfe, 0x10, ...at(offset)]
export const atomicStore = (address: Code, value: Code, offset = 0): Code => [
  ...[...address, ...value, 0xfe, 0x17, ...at(offset)],
]
/** These three give what was there before. */
export const atomicAdd = (address: Code, value: Code, offset = 0): Code => [
  ...[...address, ...value, 0xfe, 0x1e, ...at(offset)],
]
export const exchange = (address: Code, value: Code, offset = 0): Code => [
  ...[...address, ...value, 0xfe, 0x41, ...at(offset)],
]
export const compareExchange = (address: Code, expected: Code, value: Code, offset = 0): Code => [
  ...[...address, ...expected, ...value, 0xfe, 0x48, ...at(offset)],
]
/** Wakes all who wait at the address. */
export const notify = (address: Code, offset = 0): Code => [
  ...[...address, ...number(-1), 0xfe, 0x00, ...at(offset), 0x1a],
]
/** Sleeps while the word has this value, for at most so many nanoseconds; for ever where that is negative. */
export const wait = (address: Code, value: Code, nanoseconds: number, offset = 0): Code => [
  ...[...address, ...value, 0x42, ...signed(nanoseconds), 0xfe, 0x01, ...at(offset), 0x1a],
]

// ---------------------------------------------------------------- modules

/** Parameters and results, all of them i32. */
export type Signature = readonly [parameters: number, results: number]
export interface AssembledFunction {
  readonly signature: Signature
  /** Locals beside the parameters, i32. */
  readonly locals: number
  readonly body: Code
  readonly export?: string
}
export interface Imports {
  /** Constants of type i32. */
  readonly globals: readonly string[]
  readonly functions: readonly (readonly [name: string, signature: Signature])[]
}

/**
 * A module that imports a shared memory and a table of functions, `memory` and `table`, beside what is named; all from
 * `dlm`. `types` come first among its types; functions are numbered after those that are imported.
 */
export function assemble(
  types: readonly Signature[],
  imports: Imports,
  functions: readonly AssembledFunction[],
): Uint8Array<ArrayBuffer> {
  const i32s = (count: number): Code => [...unsigned(count), ...new Array<number>(count).fill(0x7f)]
  const imported = (name: string, what: Code): Code => [...text('dlm'), ...text(name), ...what]
  const signatures = [
    ...types,
    ...imports.functions.map(([, signature]) => signature),
    ...functions.map((f) => f.signature),
  ]
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector(signatures.map(([parameters, results]) => [0x60, ...i32s(parameters), ...i32s(results)]))),
    ...section(
      2,
      vector([
        imported('memory', [2, 3, 0, ...unsigned(65_536)]),
        imported('table', [1, 0x70, 0, 0]),
        ...imports.globals.map((name) => imported(name, [3, 0x7f, 0])),
        ...imports.functions.map(([name], i) => imported(name, [0, ...unsigned(types.length + i)])),
      ]),
    ),
    ...section(3, vector(functions.map((_, i) => unsigned(types.length + imports.functions.length + i)))),
    ...section(
      7,
      vector(
        functions.flatMap((f, i) =>
          f.export === undefined ? [] : [[...text(f.export), 0, ...unsigned(imports.functions.length + i)]],
        ),
      ),
    ),
    ...section(
      10,
      vector(
        functions.map(({ locals, body }) => {
          const code = [...vector(locals > 0 ? [[...unsigned(locals), 0x7f]] : []), ...body, 0x0b]
          return [...unsigned(code.length), ...code]
        }),
      ),
    ),
  ])
}

const text = (value: string): Code => [value.length, ...[...value].map((c) => c.charCodeAt(0))]
const vector = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()]
const section = (id: number, contents: Code): Code => [id, ...unsigned(contents.length), ...contents]
