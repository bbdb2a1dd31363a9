/**
 * One shader module under construction: its bindings, overridable constants, helper functions, workgroup variables and
 * the body of its entry point; and the finished `EmittedStage`.
 *
 * Nothing that a user wrote gets into the text: tensors are `t0`, axes and values are numbered, dims are `n0` with the
 * size in a comment from which everything but letters, digits and arithmetic is removed. Source lines are kept out as
 * well, because kernels of equal structure (the layers of a stack) must be one text and so one pipeline; they are
 * printed above the text by whoever shows it (`sourceComment`).
 */
import type { Binding, Feature, Storage } from '../../../runtime/abi.ts'
import { type Dim, product } from '../../ir/dim.ts'
import type { Axis, KernelSlot } from '../../ir/kernel.ts'
import type { EmittedStage, PrintedStage, ScanStage } from '../../lowered.ts'
import { Block } from './block.ts'
import { type Helper, helperSources } from './functions.ts'
import { Identities } from './identity.ts'
import type { Aligned } from './vector.ts'

export type ScratchStorage = 'f32' | 'i32' | 'u32' | 'vec4<f32>'

/** Which slots are bound as vectors of four, and along which axes everything begins at multiples of four. */
export interface Vectors {
  readonly slots: ReadonlySet<number>
  readonly aligned: Aligned
}
const noVectors: Vectors = { slots: new Set(), aligned: new Set<Axis>() }

interface BindingEntry {
  readonly name: string
  readonly target: (EmittedStage | ScanStage)['bindings'][number]['target']
  readonly access: Binding['access']
  readonly type: string
}

interface StageOptions {
  readonly name: string
  readonly comment: string
  readonly workgroup: readonly [number, number, number]
  readonly workgroups: readonly [Dim, Dim, Dim]
}

const wgslTypes: ReadonlySet<string> = new Set(['i32', 'u32', 'f32', 'f16', 'vec2', 'vec3', 'vec4'])

/** Where the elements of a slot are that has no binding of its own: element i is `array[offset + i]`. */
export interface SlotView {
  readonly array: string
  readonly offset?: string
}

export class Shader {
  readonly identities: Identities
  readonly body = new Block()
  readonly slots: readonly KernelSlot[]
  readonly storages: readonly Storage[]
  readonly vectors: Vectors
  readonly #bindings = new Map<string, BindingEntry>()
  readonly #dims = new Map<Dim, string>()
  readonly #helpers = new Set<Helper>()
  readonly #arrays: string[] = []
  readonly #builtins = new Set<string>()
  readonly #features = new Set<Feature>()
  readonly #views = new Map<number, SlotView>()
  readonly #copies = new Map<number, { readonly array: string; readonly base: string }>()
  readonly #offsets = new Map<string, Dim>()
  /** Names so far: the number of the next. */
  names = 0
  /** Set where text would be another if a name in it were longer. */
  isTight = false

  constructor(slots: readonly KernelSlot[], storages: readonly Storage[], vectors: Vectors = noVectors) {
    this.slots = slots
    this.identities = new Identities(slots)
    this.storages = storages
    this.vectors = vectors
  }

  fresh(prefix: string): string {
    const name = `${prefix}${this.names++}`
    // A variable that is called as a type would hide it.
    return wgslTypes.has(name) ? this.fresh(prefix) : name
  }

  /** Numbers from here on are in names of `fresh` alone: not in those of slots and dims, nor in a type's. */
  get otherNumbers(): number {
    return Math.max(32, this.slots.length, this.#dims.size)
  }

  /** The variable of a slot's binding. A slot that this kernel writes anywhere is bound for writing. */
  slot(index: number): string {
    const slot = this.slots[index]
    const storage = this.storages[index]
    if (!slot || !storage) throw new Error(`kernel has no slot ${index}`)
    const access = slot.uniform ? 'uniform' : slot.access === 'read' ? 'read' : 'write'
    const type = this.vectors.slots.has(index) ? `vec4<${storage}>` : storage
    return this.#bind({ name: `t${index}`, target: { kind: 'slot', slot: index }, access, type })
  }

  /** An element of a slot, to be read or written. */
  element(slot: number, index: string): string {
    const copy = this.#copies.get(slot)
    return copy ? `${copy.array}[${index} - ${copy.base}]` : this.bound(slot, index)
  }
  /** The same in the tensor that is bound, where the kernel works on a copy. */
  bound(slot: number, index: string): string {
    const view = this.#views.get(slot)
    if (!view) return this.slots[slot]?.uniform ? this.slot(slot) : `${this.slot(slot)}[${index}]`
    return `${view.array}[${view.offset === undefined ? index : `${view.offset} + ${index}`}]`
  }

  /** From here on the slot has no binding of its own. */
  view(slot: number, view: SlotView): void {
    this.#views.set(slot, view)
  }
  /** From here on the kernel works on a copy of some elements of the slot, of which the first is element `base` of it. */
  copy(slot: number, array: string, base: string): void {
    this.#copies.set(slot, { array, base })
  }

  /** The binding that several slots of one arena share. */
  group(number: number, storage: Storage, access: 'read' | 'write'): string {
    return this.#bind({ name: `m${number}`, target: { kind: 'group', group: number }, access, type: storage })
  }
  /** The number of the turn of the loop around the dispatch. */
  turn(): string {
    return this.#bind({ name: 'turns', target: { kind: 'turn' }, access: 'read', type: 'u32' })
  }
  /** Elements from the start of a shared binding: always a constant by name, so that layers at different places are one text. */
  offset(name: string, elements: Dim): string {
    this.#offsets.set(name, elements)
    return name
  }

  scratch(index: number, type: ScratchStorage, access: 'read' | 'write'): string {
    return this.#bind({ name: `scratch${index}`, target: { kind: 'scratch', scratch: index }, access, type })
  }

  #bind(entry: BindingEntry): string {
    if (entry.type.includes('f16')) this.need('shader-f16')
    if (!this.#bindings.has(entry.name)) this.#bindings.set(entry.name, entry)
    return entry.name
  }

  /** A size as text of type u32; a size that depends on free dims is an overridable constant. */
  size(dim: Dim): string {
    if (dim.constant !== undefined) {
      if (dim.constant < 0) throw new Error('a negative size')
      return `${dim.constant}u`
    }
    const known = this.#dims.get(dim)
    if (known) return known
    const name = `n${this.#dims.size}`
    this.#dims.set(dim, name)
    return name
  }

  /**
   * A size to divide by. An empty tensor's size is 0, and dividing by an overridable constant that turns out 0 is an error
   * when the pipeline is made, even where no lane ever gets there.
   */
  divisor(dim: Dim): string {
    if (dim.constant !== undefined) return `${Math.max(1, dim.constant)}u`
    return `max(${this.size(dim)}, 1u)`
  }

  helper(helper: Helper): string {
    this.#helpers.add(helper)
    return helper
  }
  /** The same, as a function of its own. */
  readonly use = (helper: Helper): string => this.helper(helper)

  need(feature: Feature): void {
    this.#features.add(feature)
  }

  workgroupArray(type: string, length: number): string {
    const name = this.fresh('shared')
    this.#arrays.push(`var<workgroup> ${name}: array<${type}, ${length}>;`)
    return name
  }

  /** Declares a built-in input of the entry point and returns its name. */
  builtin(name: keyof typeof builtins): string {
    this.#builtins.add(name)
    return name
  }

  finish(options: StageOptions): EmittedStage {
    return this.#finish(options) as EmittedStage
  }
  /** The stage of a recurrence, which binds slots in groups and no scratch. */
  finishScan(options: StageOptions): ScanStage {
    return this.#finish(options) as ScanStage
  }

  #finish(options: StageOptions): PrintedStage<BindingEntry['target']> {
    const bindings = [...this.#bindings.values()]
    const parts = [...this.#features].sort(byExtension).map((feature) => `enable ${extensions[feature]};`)
    parts.push(...options.comment.split('\n').map((line) => `// ${line}`), '')
    for (const [dim, name] of this.#dims) parts.push(`override ${name}: u32; // ${dimComment(dim)}`)
    for (const name of this.#offsets.keys()) parts.push(`override ${name}: u32;`)
    bindings.forEach((b, i) => {
      const variable =
        b.access === 'uniform'
          ? `var<uniform> ${b.name}: ${b.type};`
          : `var<storage, ${b.access === 'read' ? 'read' : 'read_write'}> ${b.name}: array<${b.type}>;`
      parts.push(`@group(0) @binding(${i}) ${variable}`)
    })
    parts.push(...this.#arrays, '')
    for (const source of helperSources(this.#helpers)) parts.push(source, '')
    const inputs = [...this.#builtins].map((name) => `${builtins[name as keyof typeof builtins]}`)
    parts.push(`@compute @workgroup_size(${trimOnes(options.workgroup).join(', ')})`)
    parts.push(`fn main(${inputs.join(', ')}) {`)
    this.body.lines(parts, '  ')
    parts.push('}', '')
    return {
      name: options.name,
      wgsl: parts.join('\n'),
      constants: new Map([...[...this.#dims].map(([dim, name]) => [name, dim] as const), ...this.#offsets]),
      workgroup: options.workgroup,
      workgroups: options.workgroups,
      bindings: bindings.map(({ target, access }) => ({ target, access })),
      features: [...this.#features].sort(),
    }
  }
}

/** What a text enables, by the feature of the adapter. */
const extensions = {
  'shader-f16': 'f16',
  subgroups: 'subgroups',
  'chromium-experimental-subgroup-matrix': 'chromium_experimental_subgroup_matrix',
} as const satisfies Record<Feature, string>
const order = Object.keys(extensions)
const byExtension = (a: Feature, b: Feature): number => order.indexOf(a) - order.indexOf(b)

const builtins = {
  group: '@builtin(workgroup_id) group: vec3u',
  groups: '@builtin(num_workgroups) groups: vec3u',
  lane: '@builtin(local_invocation_index) lane: u32',
  sublane: '@builtin(subgroup_invocation_id) sublane: u32',
  sublanes: '@builtin(subgroup_size) sublanes: u32',
  subgroup: '@builtin(subgroup_id) subgroup: u32',
  subgroups: '@builtin(num_subgroups) subgroups: u32',
} as const

function trimOnes(sizes: readonly [number, number, number]): number[] {
  if (sizes[2] !== 1) return [...sizes]
  return sizes[1] !== 1 ? [sizes[0], sizes[1]] : [sizes[0]]
}

/** Sizes are polynomials over names that a user chose: only harmless characters of them are shown. */
function dimComment(dim: Dim): string {
  return dim.key
    .replace(/[^A-Za-z0-9_+\-*/() ]/g, '?')
    .replace(/\*\//g, '* /')
    .replace(/\/\*/g, '/ *')
    .slice(0, 80)
}

export const elements = (axes: readonly { readonly extent: Dim }[]): Dim => product(axes.map((a) => a.extent))
