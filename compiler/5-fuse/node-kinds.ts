/**
 * What a node does, as a number: equal for nodes of equal op, attributes and operand types, whatever they are made from
 * and whatever their leaves are called. Made once for each node, where its text would be made for each question.
 */
import { type Dim, sameDims } from '../ir/dim.ts'
import type { DType, Node } from '../ir/graph.ts'
import { attributesKey, mixed, nextPlace, sameAttributes } from '../ops/interning.ts'
import type { Lowering } from '../ops/op.ts'
import { lowerOf } from '../ops/registry.ts'
import { estimateElements } from './estimate.ts'

export class NodeKinds {
  /** Those of the graph at hand by id: two graphs are seldom asked about in turn. */
  private readonly nodes: (Node | undefined)[] = []
  private readonly kindOf: number[] = []
  private readonly typesOf: number[] = []

  /** What nodes of each kind are like. */
  private readonly lowerings: Lowering[] = []
  private readonly leaves = new Map<string, number>()
  /** Where a kind is looked for, and the first node of each. */
  private readonly places = new Map<number, number>()
  private readonly firsts: (Node | undefined)[] = []
  private readonly shapes: Node['shape'][] = []
  private readonly elements: number[] = []
  private readonly shapePlaces = new Map<number, number>()
  private readonly sizes = new Map<Dim, number>()

  of(node: Node): number {
    const { id } = node
    if (this.nodes[id] === node) return this.kindOf[id]!
    const type = this.typeNumber(node)
    const kind = lowerOf(node).kind === 'leaf' ? this.leafKind(node, type) : this.kind(node)
    // Nodes that no graph has are asked about but once.
    if (id < 0) return kind
    // Lists without holes that are written far from their end become tables.
    for (let free = this.nodes.length; free < id; free++) {
      this.nodes.push(undefined)
      this.kindOf.push(0)
      this.typesOf.push(0)
    }
    this.nodes[id] = node
    this.kindOf[id] = kind
    this.typesOf[id] = type
    return kind
  }

  /** The same of its dtype and shape alone. */
  typeOf(node: Node): number {
    return this.nodes[node.id] === node ? this.typesOf[node.id]! : this.typeNumber(node)
  }

  loweringOf(node: Node): Lowering {
    return this.lowerings[this.of(node)]!
  }
  /** `estimateElements`, asked once for each shape. */
  elementsOf(node: Node): number {
    const type = this.typeOf(node) >>> 2
    this.elements[type] ??= estimateElements(node)
    return this.elements[type]!
  }

  private kind(node: Node): number {
    const { op, attributes, operands, likeness } = node
    let place = likeness
    for (let at = 0; at < operands.length; at++) place = mixed(place, this.typeOf(operands[at]!))
    for (let kind = this.places.get(place); kind !== undefined; kind = this.places.get(place)) {
      const first = this.firsts[kind]!
      if (first.op === op && this.haveTypes(operands, first) && sameAttributes(first.attributes, attributes))
        return kind
      place = nextPlace(place)
    }
    this.places.set(place, this.firsts.length)
    return this.add(node, node)
  }
  private haveTypes(operands: readonly Node[], { operands: others }: Node): boolean {
    if (operands.length !== others.length) return false
    for (let at = 0; at < operands.length; at++) {
      const node = operands[at]!
      const other = others[at]!
      if (node.dtype !== other.dtype || !sameDims(node.shape, other.shape)) return false
    }
    return true
  }

  private leafKind(node: Node, type: number): number {
    const { op, attributes } = node
    const key = `${op}${attributesKey(attributes, names)} ${type}`
    const known = this.leaves.get(key)
    if (known !== undefined) return known
    this.leaves.set(key, this.firsts.length)
    return this.add(node, undefined)
  }

  private add(node: Node, first: Node | undefined): number {
    this.firsts.push(first)
    return this.lowerings.push(lowerOf(node)) - 1
  }

  private typeNumber({ dtype, shape }: Node): number {
    let place = shape.length
    for (let at = 0; at < shape.length; at++) place = mixed(place, shape[at]!.constant ?? this.sizeNumber(shape[at]!))
    for (let type = this.shapePlaces.get(place); type !== undefined; type = this.shapePlaces.get(place)) {
      if (sameDims(this.shapes[type]!, shape)) return 4 * type + dtypes[dtype]
      place = nextPlace(place)
    }
    this.shapePlaces.set(place, this.shapes.length)
    this.shapes.push(shape)
    return 4 * (this.shapes.length - 1) + dtypes[dtype]
  }
  private sizeNumber(size: Dim): number {
    const known = this.sizes.get(size) ?? this.sizes.size
    this.sizes.set(size, known)
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
