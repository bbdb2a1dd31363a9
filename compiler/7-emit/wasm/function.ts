/** One function under construction: its locals, the tensors it binds, and the finished `EmittedStage`. */
import { type Dim, one } from '../../ir/dim.ts'
import type { KernelSlot } from '../../ir/kernel.ts'
import type { CodeObject, EmittedStage } from '../../lowered.ts'
import { Identities, type Variable } from '../wgsl/identity.ts'
import { Block } from './block.ts'
import { Bytes } from './bytes.ts'
import { type Expression, get, type Item, isRun, Local, unnumbered, type ValueType } from './code.ts'
import { op } from './instructions.ts'

type Target = EmittedStage['bindings'][number]['target']

/** Functions are called with the run of groups that they shall compute. */
export class KernelFunction {
  readonly identities: Identities
  readonly body = new Block()
  readonly slots: readonly KernelSlot[]
  readonly first = new Local('i32')
  readonly end = new Local('i32')
  /** What the lanes of variables with four values hold; floats where nothing is said. */
  readonly vectorTypes = new Map<Variable, 'f32' | 'i32'>()
  readonly #bindings = new Map<string, { address: Local; target: Target; access: 'read' | 'write' }>()

  readonly #scratchAccess: 'read' | 'write'

  /** Numbers of slots beyond the kernel's are scratch tensors. */
  constructor(slots: readonly KernelSlot[], scratchAccess: 'read' | 'write' = 'read') {
    this.slots = slots
    this.identities = new Identities(slots)
    this.#scratchAccess = scratchAccess
  }

  /** The byte address of a slot's tensor. A slot that this kernel writes anywhere is bound for writing. */
  slot(slot: number): Local {
    if (slot >= this.slots.length) return this.scratch(slot - this.slots.length, this.#scratchAccess)
    const access = this.slots[slot]!.access === 'read' ? 'read' : 'write'
    return this.#bind(`slot ${slot}`, { kind: 'slot', slot }, access)
  }
  scratch(scratch: number, access: 'read' | 'write'): Local {
    return this.#bind(`scratch ${scratch}`, { kind: 'scratch', scratch }, access)
  }
  #bind(key: string, target: Target, access: 'read' | 'write'): Local {
    const known = this.#bindings.get(key)
    if (known) return known.address
    const address = new Local('i32')
    this.#bindings.set(key, { address, target, access })
    return address
  }

  /** Runs `fill` for every group from `first` to `end`. */
  forEachGroup(fill: (inner: Block, group: Local) => void): void {
    const group = new Local('i32')
    this.body.set(group, get(this.first))
    this.body.loop(group, get(this.end), oneExpression, (inner) => fill(inner, group))
  }

  finish(name: string, groups: Dim): EmittedStage {
    const bindings = [...this.#bindings.values()]
    const parameters = [this.first, this.end, ...bindings.map((b) => b.address)]
    return {
      name,
      wgsl: '',
      code: finishCode(parameters, undefined, this.body.items),
      constants: new Map(),
      workgroup: [1, 1, 1],
      workgroups: [groups, one, one],
      bindings: bindings.map(({ target, access }) => ({ target, access })),
      features: [],
    }
  }
}
const oneExpression: Expression = { type: 'i32', items: [0x41, 1], constant: 1 }

/** Turns items into bytes with a list of what is still open. Locals are numbered by type when all are met, and then filled in. */
export function finishCode(
  parameters: readonly Local[],
  result: ValueType | undefined,
  items: readonly Item[],
): CodeObject {
  for (let i = 0; i < parameters.length; i++) parameters[i]!.number = i
  bytes.clear()
  met = { v128: [], f32: [], i32: [] }
  used = []
  places = []
  sizes = []
  calls = []
  products = []
  write(items)
  const locals: [number, ValueType][] = []
  let next = parameters.length
  for (const type of ['v128', 'f32', 'i32'] as const) {
    const list = met[type]
    for (let i = 0; i < list.length; i++) list[i]!.number = next++
    if (list.length > 0) locals.push([list.length, type])
  }
  const code = { parameters: parameters.map((p) => p.type), result, locals }
  if (next > oneByte) return { ...code, ...widened() }
  for (let i = 0; i < used.length; i++) bytes.setByte(places[i]!, used[i]!.number)
  return { ...code, bytes: bytes.copy(), sizes, calls, products }
}

/** One function after another: what is written of it so far. */
const bytes = new Bytes()
const open = [0x80, 0x80, 0x80, 0x80, 0]
let met: Record<ValueType, Local[]>
/** Locals as they are used, and where. */
let used: Local[]
let places: number[]
let sizes: { at: number; dim: Dim }[]
let calls: { at: number; name: string }[]
let products: number[]

function write(run: readonly Item[]): void {
  const { length } = run
  for (let i = 0; i < length; i++) {
    const item = run[i]!
    if (typeof item === 'number') bytes.byte(item)
    else if (isRun(item)) write(item)
    else if (item instanceof Local) {
      if (item.number === unnumbered) {
        item.number = 0
        met[item.type].push(item)
      }
      used.push(item)
      places.push(bytes.length)
      bytes.byte(0)
    } else if ('product' in item) products.push(bytes.length)
    else {
      if ('dim' in item) sizes.push({ at: bytes.length, dim: item.dim })
      else calls.push({ at: bytes.length, name: item.call })
      bytes.add(open)
    }
  }
}

/** Numbers below take one byte. */
const oneByte = 128

/** With numbers of several bytes, whatever comes behind one lies further on. */
function widened(): Pick<CodeObject, 'bytes' | 'sizes' | 'calls' | 'products'> {
  const narrow = bytes.copy()
  /** By how much a place moves: the places asked for come in their order. */
  const moves = (): ((at: number) => number) => {
    let local = 0
    let by = 0
    return (at) => {
      while (local < places.length && places[local]! < at) by += lengthOf(used[local++]!.number) - 1
      return at + by
    }
  }
  bytes.clear()
  let from = 0
  for (let i = 0; i < used.length; i++) {
    bytes.add(narrow.subarray(from, places[i]!))
    bytes.unsigned(used[i]!.number)
    from = places[i]! + 1
  }
  bytes.add(narrow.subarray(from))
  const [ofSize, ofCall, ofProduct] = [moves(), moves(), moves()]
  return {
    bytes: bytes.copy(),
    sizes: sizes.map(({ at, dim }) => ({ at: ofSize(at), dim })),
    calls: calls.map(({ at, name }) => ({ at: ofCall(at), name })),
    products: products.map(ofProduct),
  }
}
const lengthOf = (number: number): number => (number < oneByte ? 1 : number < oneByte * oneByte ? 2 : 3)

/** `c + a·b`, as an engine with relaxed SIMD may do it in one step. All three are locals with numbers below 128. */
export const product = (a: Local, b: Local, c: Local): Expression => ({
  type: 'v128',
  items: [{ product: true }, op('f32x4.add', get(c), op('f32x4.mul', get(a), get(b))).items],
})
