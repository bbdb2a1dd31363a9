/**
 * What a node does, as a number: equal for nodes of equal op, attributes and operand types, whatever they are made from
 * and whatever their leaves are called. Made once for each node, where its text would be made for each question.
 */
import type { Node } from '../ir/graph.ts'
import { attributesKey, copiedText } from '../ops/interning.ts'
import { lowerOf } from '../ops/registry.ts'

export class NodeKinds {
  private readonly numbers = new Map<string, number>()
  private readonly kinds = new WeakMap<Node, number>()
  private readonly types = new WeakMap<Node, number>()

  of(node: Node): number {
    const known = this.kinds.get(node)
    if (known !== undefined) return known
    let key: string
    if (lowerOf(node).kind === 'leaf') key = `${node.op}${attributesKey(node.attributes, names)} ${this.typeOf(node)}`
    else {
      key = copiedText(node.op, node.attributes)
      for (const operand of node.operands) key += ` ${this.typeOf(operand)}`
    }
    const kind = this.numberOf(key)
    this.kinds.set(node, kind)
    return kind
  }

  /** The same of its dtype and shape alone. */
  typeOf(node: Node): number {
    const known = this.types.get(node)
    if (known !== undefined) return known
    const type = this.numberOf(`: ${node.dtype}${shapeKey(node.shape)}`)
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

export function shapeKey(shape: Node['shape']): string {
  let key = ''
  for (const size of shape) key += `[${size.key}]`
  return key
}
