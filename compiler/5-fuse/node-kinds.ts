/**
 * What a node does, as a number: equal for nodes of equal op, attributes and operand types, whatever they are made from
 * and whatever their leaves are called. Made once for each node, where its text would be made for each question.
 */
import type { Node } from '../ir/graph.ts'
import { attributesKey } from '../ops/interning.ts'
import { lowerOf } from '../ops/registry.ts'

export class NodeKinds {
  private readonly numbers = new Map<string, number>()
  private readonly kinds = new WeakMap<Node, number>()
  private readonly types = new WeakMap<Node, number>()

  of(node: Node): number {
    const known = this.kinds.get(node)
    if (known !== undefined) return known
    const isLeaf = lowerOf(node).kind === 'leaf'
    let key = `${node.op}${attributesKey(node.attributes, isLeaf ? names : nothing)}`
    for (const operand of node.operands) key += ` ${typeKey(operand)}`
    const kind = this.numberOf(isLeaf ? `${key} ${typeKey(node)}` : key)
    this.kinds.set(node, kind)
    return kind
  }

  /** The same of its dtype and shape alone. */
  typeOf(node: Node): number {
    const known = this.types.get(node)
    if (known !== undefined) return known
    const type = this.numberOf(`: ${typeKey(node)}`)
    this.types.set(node, type)
    return type
  }

  private numberOf(key: string): number {
    const known = this.numbers.get(key) ?? this.numbers.size
    this.numbers.set(key, known)
    return known
  }
}
const names: ReadonlySet<string> = new Set(['name', 'path'])
const nothing: ReadonlySet<string> = new Set()

export function typeKey({ dtype, shape }: Node): string {
  return `${dtype}${shapeKey(shape)}`
}
export function shapeKey(shape: Node['shape']): string {
  let key = ''
  for (const size of shape) key += `[${size.key}]`
  return key
}
