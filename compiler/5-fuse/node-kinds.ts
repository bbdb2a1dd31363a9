/**
 * What a node does, as a number: equal for nodes of equal op, attributes and operand types, whatever they are made from
 * and whatever their leaves are called. Made once for each node, where its text would be made for each question.
 */
import type { DType, Node } from '../ir/graph.ts'
import { attributesKey, copiedText } from '../ops/interning.ts'
import { lowerOf } from '../ops/registry.ts'

export class NodeKinds {
  private readonly numbers = new Map<string, number>()
  private readonly kinds = new WeakMap<Node, number>()
  private readonly shapes = new WeakMap<Node['shape'], number>()
  private readonly attributes = new WeakMap<object, string>()

  of(node: Node): number {
    const known = this.kinds.get(node)
    if (known !== undefined) return known
    let key: string
    if (lowerOf(node).kind === 'leaf') key = `${node.op}${attributesKey(node.attributes, names)} ${this.typeOf(node)}`
    else {
      key = this.textOf(node)
      for (const operand of node.operands) key += ` ${this.typeOf(operand)}`
    }
    const kind = this.numberOf(key)
    this.kinds.set(node, kind)
    return kind
  }

  /** The same of its dtype and shape alone. */
  typeOf({ dtype, shape }: Node): number {
    let number = this.shapes.get(shape)
    if (number === undefined) {
      number = this.numberOf(`: ${shapeKey(shape)}`)
      this.shapes.set(shape, number)
    }
    return 4 * number + dtypes[dtype]
  }

  /** Attributes go from pass to pass as they are. */
  private textOf({ op, attributes }: Node): string {
    let number = this.attributes.get(attributes)
    if (number === undefined) {
      number = String(this.numberOf(copiedText(op, attributes)))
      this.attributes.set(attributes, number)
    }
    return number
  }

  private numberOf(key: string): number {
    const known = this.numbers.get(key) ?? this.numbers.size
    this.numbers.set(key, known)
    return known
  }
}
const dtypes: Readonly<Record<DType, number>> = { float: 0, int: 1, uint: 2, bool: 3 }
const names: ReadonlySet<string> = new Set(['name', 'path', 'stream'])

export function shapeKey(shape: Node['shape']): string {
  let key = ''
  for (const size of shape) key += `[${size.key}]`
  return key
}
