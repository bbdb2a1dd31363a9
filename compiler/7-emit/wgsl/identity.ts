/**
 * Identity of scalars and indices: structurally equal expressions get one number, and each number knows the variables
 * its value depends on. Printing asks both questions of every expression: was this computed already, and how far out
 * of the loops may it be computed.
 */
import type { Dim } from '../../ir/dim.ts'
import type { Axis, Guard, Index, KernelSlot, Scalar } from '../../ir/kernel.ts'

/** Marks expressions that read memory: a guard binds it, so that no load moves out of its guard. */
export const memory = Symbol('memory')
/** The finished sum of a contraction. */
export const accumulator = Symbol('accumulator')

/** What an expression's value depends on: axes, results of earlier stages (by number), the accumulator, memory. */
export type Variable = Axis | number | typeof memory | typeof accumulator

export interface Identity {
  readonly id: number
  readonly free: ReadonlySet<Variable>
  /** The same, to be gone through. */
  readonly variables: readonly Variable[]
}

/** The identities in one text under construction, and how often each is used there. */
export class Identities {
  readonly #expressions: Expressions
  /** By number. */
  readonly #uses: number[] = []

  /** Every text that is made of a kernel, on whatever target, asks of the same expressions: they have the kernel's slots in common. */
  constructor(slots: readonly KernelSlot[]) {
    const known = expressionsOf.get(slots) ?? new Expressions()
    expressionsOf.set(slots, known)
    this.#expressions = known
  }

  of(item: Scalar | Index): Identity {
    return this.#expressions.of(item)
  }

  /** How many expressions use this one, among all that were counted. */
  uses(identity: Identity): number {
    return this.#uses[identity.id] ?? 0
  }

  /** Counts one use of `root` and, the first time, one use of each thing below it. */
  count(root: Scalar | Index): void {
    const { id } = this.of(root)
    const known = this.#uses[id] ?? 0
    this.#uses[id] = known + 1
    if (known === 0) for (const child of childrenOf(root)) this.count(child)
  }
}

class Expressions {
  readonly #bySignature = new Map<string, Identity>()
  readonly #byObject = new Map<Scalar | Index, Identity>()
  readonly #objects = new Map<object, number>()

  of(item: Scalar | Index): Identity {
    const known = this.#byObject.get(item)
    if (known) return known
    const made = this.#intern(item)
    this.#byObject.set(item, made)
    return made
  }

  #intern(item: Scalar | Index): Identity {
    const signature = this.#signature(item)
    const known = this.#bySignature.get(signature)
    if (known) return known
    const { free, variables } = this.#dependencies(item)
    const made: Identity = { id: this.#bySignature.size, free, variables }
    this.#bySignature.set(signature, made)
    return made
  }

  #dependencies(item: Scalar | Index): Dependencies {
    switch (item.kind) {
      case 'axis':
        return only(item.axis)
      case 'stage':
        return only(item.stage)
      case 'accumulator':
        return only(accumulator)
      case 'reduce':
        return only(...this.of(item.value).variables.filter((v) => !(item.axes as readonly Variable[]).includes(v)))
      case 'load':
        return together(this.of(item.index), readingMemory)
      default: {
        let all = nothing
        for (const child of childrenOf(item)) all = together(all, this.of(child))
        return all
      }
    }
  }

  #number(object: object): number {
    const known = this.#objects.get(object)
    if (known !== undefined) return known
    this.#objects.set(object, this.#objects.size)
    return this.#objects.size - 1
  }

  #signature(item: Scalar | Index): string {
    switch (item.kind) {
      case 'dim':
        return `dim ${dimKey(item.dim)}`
      case 'axis':
        return `axis ${this.#number(item.axis)}`
      case 'sum': {
        let text = 'sum'
        for (const { factor, index } of item.terms) text += ` ${dimKey(factor)}*${this.of(index).id}`
        return `${text} + ${dimKey(item.offset)}`
      }
      case 'quotient':
      case 'remainder':
        return `${item.kind} ${this.of(item.index).id} ${dimKey(item.by)}`
      case 'data':
        return `data ${this.of(item.value).id} ${dimKey(item.size)}`
      case 'number':
        return `number ${Object.is(item.value, -0) ? '-0' : item.value} ${item.dtype}`
      case 'load':
        return `load ${item.slot} ${this.of(item.index).id} ${item.dtype}`
      case 'apply': {
        let text = `apply ${item.fn}`
        for (const argument of item.arguments) text += ` ${this.of(argument).id}`
        return `${text} ${item.dtype}`
      }
      case 'position':
        return `position ${this.of(item.index).id} ${item.dtype}`
      case 'guarded':
        return `guarded ${item.guards.map((g) => this.#guard(g)).join(', ')}: ${this.of(item.value).id} ${this.of(item.otherwise).id}`
      case 'reduce':
        return `reduce ${item.combine} ${item.axes.map((axis) => this.#number(axis)).join(' ')}: ${this.of(item.value).id} ${item.dtype}`
      case 'stage':
        return `stage ${item.stage} ${item.dtype}`
      case 'accumulator':
        return 'accumulator'
      default:
        return item satisfies never
    }
  }
  #guard(guard: Guard): string {
    return `${guard.kind} ${this.of(guard.index).id} ${dimKey(guard.kind === 'inside' ? guard.size : guard.by)}`
  }
}

const expressionsOf = new WeakMap<readonly KernelSlot[], Expressions>()

type Dependencies = Pick<Identity, 'free' | 'variables'>

const only = (...variables: readonly Variable[]): Dependencies => ({ free: new Set(variables), variables })
const nothing = only()
const readingMemory = only(memory)

/** Both: where one has all of the other it is that one itself. */
function together(a: Dependencies, b: Dependencies): Dependencies {
  if (hasAll(a, b)) return a
  if (hasAll(b, a)) return b
  return only(...a.variables, ...b.variables.filter((variable) => !a.free.has(variable)))
}
function hasAll({ free }: Dependencies, { variables }: Dependencies): boolean {
  for (let i = 0; i < variables.length; i++) if (!free.has(variables[i]!)) return false
  return true
}

const dimKey = (d: Dim): string => `[${d.key}]`

export function childrenOf(item: Scalar | Index): readonly (Scalar | Index)[] {
  switch (item.kind) {
    case 'sum':
      return item.terms.map((t) => t.index)
    case 'quotient':
    case 'remainder':
    case 'load':
    case 'position':
      return [item.index]
    case 'data':
    case 'reduce':
      return [item.value]
    case 'apply':
      return item.arguments
    case 'guarded':
      return [...item.guards.map((g) => g.index), item.value, item.otherwise]
    case 'dim':
    case 'axis':
    case 'number':
    case 'stage':
    case 'accumulator':
      return []
    default:
      return item satisfies never
  }
}
