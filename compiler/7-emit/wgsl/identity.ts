/**
 * Identity of scalars and indices: structurally equal expressions get one number, and each number knows the variables
 * its value depends on. Printing asks both questions of every expression: was this computed already, and how far out
 * of the loops may it be computed.
 */
import type { Dim } from '../../ir/dim.ts'
import type { Axis, Guard, Index, Scalar } from '../../ir/kernel.ts'

/** Marks expressions that read memory: a guard binds it, so that no load moves out of its guard. */
export const memory = Symbol('memory')
/** The finished sum of a contraction. */
export const accumulator = Symbol('accumulator')

/** What an expression's value depends on: axes, results of earlier stages (by number), the accumulator, memory. */
export type Variable = Axis | number | typeof memory | typeof accumulator

export interface Identity {
  readonly id: number
  readonly free: ReadonlySet<Variable>
}

export class Identities {
  readonly #bySignature = new Map<string, Identity>()
  readonly #byObject = new Map<Scalar | Index, Identity>()
  readonly #objects = new Map<object, number>()
  readonly #uses = new Map<number, number>()

  /** How many expressions use this one, among all that were counted. */
  uses(identity: Identity): number {
    return this.#uses.get(identity.id) ?? 0
  }

  /** Counts one use of `root` and, the first time, one use of each thing below it. */
  count(root: Scalar | Index): void {
    const { id } = this.of(root)
    const known = this.#uses.get(id) ?? 0
    this.#uses.set(id, known + 1)
    if (known === 0) for (const child of childrenOf(root)) this.count(child)
  }

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
    const free = new Set<Variable>()
    for (const child of childrenOf(item)) for (const variable of this.of(child).free) free.add(variable)
    if (item.kind === 'axis') free.add(item.axis)
    else if (item.kind === 'stage') free.add(item.stage)
    else if (item.kind === 'accumulator') free.add(accumulator)
    else if (item.kind === 'load') free.add(memory)
    else if (item.kind === 'reduce') for (const axis of item.axes) free.delete(axis)
    const made: Identity = { id: this.#bySignature.size, free }
    this.#bySignature.set(signature, made)
    return made
  }

  #number(object: object): number {
    const known = this.#objects.get(object)
    if (known !== undefined) return known
    this.#objects.set(object, this.#objects.size)
    return this.#objects.size - 1
  }

  #signature(item: Scalar | Index): string {
    const id = (child: Scalar | Index) => this.of(child).id
    const guard = (g: Guard) => `${g.kind} ${id(g.index)} ${dimKey(g.kind === 'inside' ? g.size : g.by)}`
    switch (item.kind) {
      case 'dim':
        return `dim ${dimKey(item.dim)}`
      case 'axis':
        return `axis ${this.#number(item.axis)}`
      case 'sum':
        return `sum ${item.terms.map((t) => `${dimKey(t.factor)}*${id(t.index)}`).join(' ')} + ${dimKey(item.offset)}`
      case 'quotient':
      case 'remainder':
        return `${item.kind} ${id(item.index)} ${dimKey(item.by)}`
      case 'data':
        return `data ${id(item.value)} ${dimKey(item.size)}`
      case 'number':
        return `number ${Object.is(item.value, -0) ? '-0' : item.value} ${item.dtype}`
      case 'load':
        return `load ${item.slot} ${id(item.index)} ${item.dtype}`
      case 'apply':
        return `apply ${item.fn} ${item.arguments.map(id).join(' ')} ${item.dtype}`
      case 'position':
        return `position ${id(item.index)} ${item.dtype}`
      case 'guarded':
        return `guarded ${item.guards.map(guard).join(', ')}: ${id(item.value)} ${id(item.otherwise)}`
      case 'reduce':
        return `reduce ${item.combine} ${item.axes.map((axis) => this.#number(axis)).join(' ')}: ${id(item.value)} ${item.dtype}`
      case 'stage':
        return `stage ${item.stage} ${item.dtype}`
      case 'accumulator':
        return 'accumulator'
      default:
        return item satisfies never
    }
  }
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
