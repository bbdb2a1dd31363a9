/** One function under construction: its locals, the tensors it binds, and the finished `EmittedStage`. */
import { type Dim, one } from '../../ir/dim.ts'
import type { KernelSlot } from '../../ir/kernel.ts'
import type { CodeObject, EmittedStage } from '../../lowered.ts'
import { Identities, type Variable } from '../wgsl/identity.ts'
import { Block } from './block.ts'
import { type Expression, get, type Item, Local, unsignedLeb, type ValueType } from './code.ts'
import { op } from './instructions.ts'

type Target = EmittedStage['bindings'][number]['target']

/** Functions are called with the run of groups that they shall compute. */
export class KernelFunction {
  readonly identities = new Identities()
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

/** Numbers the locals, and turns items into bytes with a list of what is still open. */
export function finishCode(
  parameters: readonly Local[],
  result: ValueType | undefined,
  items: readonly Item[],
): CodeObject {
  const numbers = new Map<Local, number>(parameters.map((local, i) => [local, i]))
  const groups = new Map<ValueType, Local[]>([
    ['v128', []],
    ['f32', []],
    ['i32', []],
  ])
  const seen = new Set<Local>(parameters)
  for (const item of items)
    if (item instanceof Local && !seen.has(item)) {
      seen.add(item)
      groups.get(item.type)!.push(item)
    }
  const locals: [number, ValueType][] = []
  for (const [type, list] of groups) {
    for (const local of list) numbers.set(local, numbers.size)
    if (list.length > 0) locals.push([list.length, type])
  }
  const bytes: number[] = []
  const sizes: { at: number; dim: Dim }[] = []
  const calls: { at: number; name: string }[] = []
  const products: number[] = []
  for (const item of items) {
    if (typeof item === 'number') bytes.push(item)
    else if (item instanceof Local) bytes.push(...unsignedLeb(numbers.get(item)!))
    else if ('product' in item) products.push(bytes.length)
    else {
      if ('dim' in item) sizes.push({ at: bytes.length, dim: item.dim })
      else calls.push({ at: bytes.length, name: item.call })
      bytes.push(0x80, 0x80, 0x80, 0x80, 0)
    }
  }
  return {
    parameters: parameters.map((p) => p.type),
    result,
    locals,
    bytes: Uint8Array.from(bytes),
    sizes,
    calls,
    products,
  }
}

/** `c + a·b`, as an engine with relaxed SIMD may do it in one step. All three are locals with numbers below 128. */
export const product = (a: Local, b: Local, c: Local): Expression => ({
  type: 'v128',
  items: [{ product: true }, ...op('f32x4.add', get(c), op('f32x4.mul', get(a), get(b))).items],
})
