/** Functions → one WebAssembly module as a template: what a session fills in is listed beside it (`WasmCode`). */
import type { Size, WasmCode } from '../../../runtime/abi.ts'
import type { SizedFunction } from '../../lowered.ts'
import { unsignedLeb, type ValueType } from './code.ts'

const valueTypes: Record<ValueType, number> = { i32: 0x7f, f32: 0x7d, v128: 0x7b }
/** A size that the runtime writes: five bytes. */
const open = [0x80, 0x80, 0x80, 0x80, 0]

export function linkModule(functions: readonly SizedFunction[], workspace: number): WasmCode {
  const types = new Map<string, number>()
  const typeOf = ({ parameters, result }: SizedFunction['code']): number => {
    const key = [parameters.length, ...parameters.map((p) => valueTypes[p])]
    const bytes = [0x60, ...key, ...(result ? [1, valueTypes[result]] : [0])].join()
    if (!types.has(bytes)) types.set(bytes, types.size)
    return types.get(bytes)!
  }
  const indices = new Map(functions.flatMap((f, i) => (f.name === undefined ? [] : [[f.name, i] as const])))
  const typeIndices = functions.map((f) => typeOf(f.code))

  const out = new Bytes([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])
  out.section(1, vector([...types.keys()].map((key) => key.split(',').map(Number))))
  const before = [2, ...text('dlm'), ...text('memory'), 2]
  const imports = [...before, 3, ...open, ...open, ...text('dlm'), ...text('workspace'), 3, 0x7f, 0]
  const limits = out.section(2, imports) + before.length
  out.section(3, vector(typeIndices.map(unsignedLeb)))
  const exported = functions.flatMap((f, i) =>
    f.export === undefined ? [] : [[...text(f.export), 0, ...unsignedLeb(i)]],
  )
  out.section(7, vector(exported))

  const code = new Bytes(unsignedLeb(functions.length))
  const sizes: { at: number; size: Size }[] = []
  const products: number[] = []
  for (const { code: f } of functions) {
    const locals = vector(f.locals.map(([count, type]) => [...unsignedLeb(count), valueTypes[type]]))
    code.add(unsignedLeb(locals.length + f.bytes.length + 1))
    code.add(locals)
    const start = code.length
    const body = Uint8Array.from(f.bytes)
    for (const { at, name } of f.calls) body.set(padded(indices.get(name)!), at)
    code.add(body)
    code.add([0x0b])
    for (const { at, size } of f.sizes) sizes.push({ at: start + at, size })
    for (const at of f.products) products.push(start + at)
  }
  const shift = out.section(10, code.bytes())
  return {
    code: base64(out.bytes()),
    sizes: sizes.map(({ at, size }) => ({ at: at + shift, size })),
    products: products.map((at) => at + shift),
    limits,
    workspace,
  }
}

const text = (value: string): number[] => [value.length, ...[...value].map((c) => c.charCodeAt(0))]
const vector = (items: readonly (readonly number[])[]): number[] => [...unsignedLeb(items.length), ...items.flat()]
const padded = (value: number): number[] =>
  [0, 7, 14, 21, 28].map((shift, i) => ((value >> shift) & 0x7f) | (i < 4 ? 0x80 : 0))

class Bytes {
  readonly #parts: Uint8Array[] = []
  length = 0
  constructor(first: ArrayLike<number>) {
    this.add(first)
  }
  add(bytes: ArrayLike<number>): void {
    this.#parts.push(Uint8Array.from(bytes))
    this.length += bytes.length
  }
  /** Gives the place of the contents. */
  section(id: number, contents: ArrayLike<number>): number {
    this.add([id, ...unsignedLeb(contents.length)])
    const at = this.length
    this.add(contents)
    return at
  }
  bytes(): Uint8Array {
    const all = new Uint8Array(this.length)
    let at = 0
    for (const part of this.#parts) {
      all.set(part, at)
      at += part.length
    }
    return all
  }
}

function base64(bytes: Uint8Array): string {
  let characters = ''
  for (const byte of bytes) characters += String.fromCharCode(byte)
  return btoa(characters)
}
