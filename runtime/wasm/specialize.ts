/**
 * The WebAssembly module of a program → bytes for one session: sizes under its dims as constants, the limits of its
 * memory, and fused multiply-add where the engine has it.
 */
import type { DimValues, WasmCode } from '../abi.ts'
import { bytesOfBase64 } from '../contents.ts'
import { evaluate } from '../size.ts'

export interface Specialization {
  readonly dims: DimValues
  /** Of the memory that will be imported. */
  readonly pages: { readonly minimum: number; readonly maximum: number; readonly shared: boolean }
  /** Whether the engine has relaxed SIMD (`hasRelaxedSimd`). */
  readonly relaxed: boolean
}

/** `bytes`: the code unpacked, which is changed. */
export function specialize(
  wasm: WasmCode,
  { dims, pages, relaxed }: Specialization,
  bytes = bytesOfBase64(wasm.code),
): Uint8Array<ArrayBuffer> {
  for (const { at, size } of wasm.sizes) writeLeb(bytes, at, evaluate(size, dims))
  bytes[wasm.limits] = pages.shared ? 3 : 1
  writeLeb(bytes, wasm.limits + 1, pages.minimum)
  writeLeb(bytes, wasm.limits + 6, pages.maximum)
  if (relaxed) for (const at of wasm.products) fuse(bytes, at)
  return bytes
}

/** `get c, get a, get b, mul, add` → `get a, get b, get c, relaxed_madd` and three `nop`s: as many bytes. */
function fuse(bytes: Uint8Array, at: number): void {
  const [c0, c1] = [bytes[at]!, bytes[at + 1]!]
  bytes.copyWithin(at, at + 2, at + 6)
  bytes.set([c0, c1, 0xfd, 0x85, 0x02, 0x01, 0x01, 0x01], at + 4)
}

/** A number below 2³² as five bytes of LEB128. A constant of type i32 is signed, so its last byte carries the sign. */
function writeLeb(bytes: Uint8Array, at: number, value: number): void {
  let rest = value | 0
  for (let i = 0; i < 5; i++) {
    bytes[at + i] = i < 4 ? (rest & 0x7f) | 0x80 : rest & 0x7f
    rest >>= 7
  }
}

/** A function `(a, b, c) → f32x4.relaxed_madd(a, b, c)`, which an engine either knows or not. */
const probe = new Uint8Array([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 8, 1, 0x60, 3, 0x7b, 0x7b, 0x7b, 1, 0x7b, 3, 2, 1, 0],
  ...[10, 13, 1, 11, 0, 0x20, 0, 0x20, 1, 0x20, 2, 0xfd, 0x85, 0x02, 0x0b],
])

/** Whether this engine has `f32x4.relaxed_madd`. Node 20 has it behind a flag, which a process may set for itself. */
export const hasRelaxedSimd = (): boolean => WebAssembly.validate(probe)
