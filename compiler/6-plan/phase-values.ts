/** The values of one phase of an entry: a node → what gets a place for it. Equal names are one value throughout the program. */
import type { Storage } from '../../runtime/abi.ts'
import { type Dim, dim, multiply, substitute } from '../ir/dim.ts'
import type { Node, Result } from '../ir/graph.ts'
import type { EmittedKernel, FusedPhase } from '../lowered.ts'
import { alignment, bytesOf, storageOf } from './sizes.ts'
import type { MemoryValue, ValueClass } from './staged.ts'

interface Phase {
  /** The name of the entry. */
  readonly entry: string
  /** The number of the phase in it. */
  readonly index: number
  readonly pool: string
  /** Values of symbols that are fixed for this phase. */
  readonly fixed: ReadonlyMap<string, Dim>
  readonly values: Values
  /** Scalars that earlier phases left, by name. */
  readonly produced: ReadonlyMap<string, MemoryValue>
}

/** The values of a program, by key: all entries share them. */
export interface Values {
  readonly byKey: Map<string, MemoryValue>
  count: number
}

export function phaseValues(phase: FusedPhase, { entry, index, pool, fixed, values, produced }: Phase) {
  const make = (key: string, valueClass: ValueClass, node: Typed, storage = storageOf(node.dtype)): MemoryValue => {
    const known = values.byKey.get(key)
    if (known) return known
    const value = made(key, valueClass, node, storage)
    values.byKey.set(key, value)
    return value
  }
  const made = (key: string, valueClass: ValueClass, node: Typed, storage: Storage): MemoryValue => ({
    number: values.count++,
    key,
    class: valueClass,
    bytes: substitute(bytesOf(node, storage), fixed),
    storage,
    shape: node.shape.map((d) => substitute(d, fixed)),
    dtype: node.dtype,
  })
  /** Values that segments hand to each other, by name. */
  const named = new Map<string, MemoryValue>()
  const intermediate = (name: string, node: Typed) =>
    make(`${entry} ${index} ${name}`, intermediateClass, node, phase.half?.values.has(node as Node) ? 'f16' : undefined)
  /** For this plan alone. */
  const scratch = (name: string, { elements, storage }: EmittedKernel['scratch'][number]): MemoryValue => {
    const shape = [elements]
    const dtype = storage === 'f32' ? 'float' : storage === 'i32' ? 'int' : 'uint'
    return made(`${entry} ${index} ${name}`, intermediateClass, { shape, dtype }, storage)
  }
  const turnsOf = (length: Dim): MemoryValue => {
    const shape = [substitute(length, fixed)]
    return make(
      `turns ${shape[0]!.key}`,
      { kind: 'turns' },
      { shape: [multiply(dim(alignment / 4), shape[0]!)], dtype: 'uint' },
    )
  }

  const leafValue = (node: Node): MemoryValue | undefined => {
    switch (node.op) {
      case 'parameter':
      case 'state':
      case 'literal':
      case 'stream': {
        const made = leaves.get(node) ?? namedLeaf(node)
        leaves.set(node, made)
        return made
      }
      case 'input':
        return inputValue(node)
      default:
        return undefined
    }
  }
  /** Of leaves that are the same value throughout the phase. */
  const leaves = new Map<Node, MemoryValue>()
  const namedLeaf = (node: Node<'parameter'> | Node<'state'> | Node<'literal'> | Node<'stream'>): MemoryValue => {
    switch (node.op) {
      case 'parameter':
        if (phase.half?.parameters.has(node.attributes.path))
          return make(`half ${node.attributes.path}`, { kind: 'half', path: node.attributes.path }, node, 'f16')
        return make(`parameter ${node.attributes.path}`, { kind: 'parameter', path: node.attributes.path }, node)
      case 'state':
        return make(`state ${node.attributes.path}`, { kind: 'state', path: node.attributes.path }, node)
      case 'literal':
        return make(literalKey(node), { kind: 'constant', data: node.attributes.data }, node)
      case 'stream':
        return make(`stream ${node.attributes.stream}`, { kind: 'stream', stream: node.attributes.stream }, node)
      default:
        return node satisfies never
    }
  }
  const inputValue = (node: Node<'input'>): MemoryValue => {
    const { name, role } = node.attributes
    if (role === 'cut' || role === 'iteration') {
      const known = named.get(name)
      if (!known) throw new Error(`${phase.graph.name}: nothing has left ${name}`)
      return known
    }
    if (phase.flat !== undefined) {
      const group = phase.flat
      const tag = group === 'all' ? 'all' : String(group.index)
      if (name === 'param') return make(`flat parameters ${tag}`, { kind: 'flat', arena: 'parameters', group }, node)
      if (name === 'grad') return make(`flat gradients ${tag}`, { kind: 'flat', arena: 'gradients', group }, node)
      if (role === 'moment')
        return make(`flat moments ${tag} ${name}`, { kind: 'flat', arena: 'moments', group, moment: name }, node)
    }
    if (role === 'carried') return make(`carried ${name}`, { kind: 'carried', name }, node)
    const earlier = produced.get(name)
    if (role === 'step') {
      if (earlier) return earlier
      const field =
        name === 'rate' && phase.flat !== undefined && phase.flat !== 'all' ? `rate.${phase.flat.index}` : name
      return make(`step ${field}`, { kind: 'step', name: field }, node)
    }
    return make(`batch ${name}`, { kind: 'batch', name, role: role === 'target' ? 'target' : 'input' }, node)
  }

  const resultValue = ({ name, role, node, replaces }: Result): MemoryValue => {
    if (replaces) return leafValue(replaces)!
    // Only a training step keeps its gradients in the arena that the optimizer reads as one flat run.
    if (role === 'gradient' && entry === 'step')
      return make(`gradient ${name}`, { kind: 'gradient', path: name.slice('grad.'.length) }, node)
    if (role === 'half') return make('flat half all', { kind: 'flat', arena: 'half', group: 'all' }, node, 'f16')
    return make(`result ${pool} ${name}`, { kind: 'result', name, role }, node)
  }
  return { named, intermediate, scratch, turnsOf, leafValue, resultValue }
}

export type PhaseValues = ReturnType<typeof phaseValues>

type Typed = Pick<Node, 'shape' | 'dtype'>

const intermediateClass: ValueClass = { kind: 'intermediate' }

/** Literals of equal numbers are one value. Each entry and target asks. */
function literalKey(node: Node<'literal'>): string {
  const known = literalKeys.get(node)
  if (known !== undefined) return known
  const { shape, data } = node.attributes
  const key = `constant ${node.dtype} ${JSON.stringify(shape)} ${data.join()}`
  literalKeys.set(node, key)
  return key
}
const literalKeys = new WeakMap<Node, string>()
