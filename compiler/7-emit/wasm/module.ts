/** Functions → one WebAssembly module as a template: what a session fills in is listed beside it (`WasmCode`). */
import type { Size, WasmCode } from '../../../runtime/abi.ts'
import { toBase64 } from '../../base64.ts'
import type { SizedFunction } from '../../lowered.ts'
import { Bytes } from './bytes.ts'
import type { ValueType } from './code.ts'

const valueTypes: Record<ValueType, number> = { i32: 0x7f, f32: 0x7d, v128: 0x7b }
/** A size that the runtime writes: five bytes. */
const open = [0x80, 0x80, 0x80, 0x80, 0]

export function linkModule(functions: readonly SizedFunction[], workspace: number): WasmCode {
  const types = new Map<string, number>()
  const typeSection = new Bytes()
  const typeOf = ({ parameters, result }: SizedFunction['code']): number => {
    const key = `${parameters} ${result}`
    const known = types.get(key)
    if (known !== undefined) return known
    typeSection.byte(0x60)
    typeSection.unsigned(parameters.length)
    for (const parameter of parameters) typeSection.byte(valueTypes[parameter])
    typeSection.add(result ? [1, valueTypes[result]] : [0])
    types.set(key, types.size)
    return types.size - 1
  }
  const indices = new Map<string, number>()
  const typeIndices = new Bytes()
  const exported = new Bytes()
  const code = new Bytes()
  const locals = new Bytes()
  const sizes: { at: number; size: Size }[] = []
  const products: number[] = []
  let exports = 0
  for (const [index, { name }] of functions.entries()) if (name !== undefined) indices.set(name, index)
  for (const [index, { code: f, export: name }] of functions.entries()) {
    typeIndices.unsigned(typeOf(f))
    if (name !== undefined) {
      addText(exported, name)
      exported.byte(0)
      exported.unsigned(index)
      exports += 1
    }
    locals.clear()
    locals.unsigned(f.locals.length)
    for (const [count, type] of f.locals) {
      locals.unsigned(count)
      locals.byte(valueTypes[type])
    }
    code.unsigned(locals.length + f.bytes.length + 1)
    code.add(locals.view())
    const start = code.length
    code.add(f.bytes)
    for (const { at, name: called } of f.calls) code.replace(start + at, indices.get(called)!)
    code.byte(0x0b)
    for (const { at, size } of f.sizes) sizes.push({ at: start + at, size })
    for (const at of f.products) products.push(start + at)
  }

  const out = new Bytes()
  out.add([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])
  addVector(out, 1, types.size, typeSection)
  const imports = new Bytes()
  addText(imports, 'dlm')
  addText(imports, 'memory')
  imports.byte(2)
  const before = imports.length
  imports.add([3, ...open, ...open])
  addText(imports, 'dlm')
  addText(imports, 'workspace')
  imports.add([3, 0x7f, 0])
  const limits = addVector(out, 2, 2, imports) + before
  addVector(out, 3, functions.length, typeIndices)
  addVector(out, 7, exports, exported)
  const shift = addVector(out, 10, functions.length, code)
  return {
    code: toBase64(out.view()),
    sizes: sizes.map(({ at, size }) => ({ at: at + shift, size })),
    products: products.map((at) => at + shift),
    limits,
    workspace,
  }
}

function addText(to: Bytes, value: string): void {
  to.byte(value.length)
  for (let i = 0; i < value.length; i++) to.byte(value.charCodeAt(i))
}

/** A section of so many items. Gives the place of the first. */
function addVector(out: Bytes, id: number, count: number, items: Bytes): number {
  const head = new Bytes()
  head.unsigned(count)
  out.byte(id)
  out.unsigned(head.length + items.length)
  out.add(head.view())
  const at = out.length
  out.add(items.view())
  return at
}
