/**
 * Nodes of a body, computed outside of the scan: for all steps at once where they vary from step to step, once where
 * they do not, and summed over all steps without any step's summand where a sum is all that is wanted.
 */
import type { Dim } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import { type Batched, batch, repeated, sumOfContract, sumOfScatter } from '../ops/batching.ts'
import type { GraphBuilder } from '../ops/builder.ts'
import { splat } from './rule.ts'
import { nodesDownTo, type ScanParts } from './scan-parts.ts'

export class Outside {
  readonly #builder: GraphBuilder
  readonly #length: Dim
  readonly #origins: ScanParts['origins']
  readonly #known = new Map<Node, Batched>()
  readonly #totals = new Map<Node, Node>()

  constructor(builder: GraphBuilder, { length, origins, elements, captures }: ScanParts) {
    this.#builder = builder
    this.#length = length
    this.#origins = origins
    for (const { leaf, stack } of elements) this.#known.set(leaf, { node: stack, varies: true })
    for (const { leaf, value } of captures) this.#known.set(leaf, { node: value, varies: false })
  }

  /** Says what a node of the body is outside: the stack of a yield. */
  know(node: Node, stack: Node): void {
    this.#known.set(node, { node: stack, varies: true })
  }

  of(root: Node): Batched {
    for (const node of nodesDownTo([root], this.#known)) {
      if (this.#known.has(node)) continue
      const operands = node.operands.map((operand) => this.#known.get(operand)!)
      const varies = operands.some((operand) => operand.varies)
      const made = this.#builder.withOrigin(this.#origins.get(node), () =>
        varies
          ? batch(this.#builder, node, operands, this.#length)
          : this.#builder.copy(
              node,
              operands.map((operand) => operand.node),
            ),
      )
      this.#known.set(node, { node: made, varies })
    }
    return this.#known.get(root)!
  }

  /** Every step's value, along a new axis 0. */
  stack(node: Node): Node {
    return repeated(this.#builder, this.of(node), this.#length)
  }

  /** The sum of a node over all steps. */
  total(node: Node): Node {
    const known = this.#totals.get(node)
    if (known) return known
    const made = this.#builder.withOrigin(this.#origins.get(node), () => this.#total(node))
    this.#totals.set(node, made)
    return made
  }

  #total(node: Node): Node {
    const b = this.#builder
    const available = this.#known.get(node)
    if (available) return available.varies ? b.sum(available.node, [0]) : this.#times(available.node)
    const operands = () => node.operands.map((operand) => this.of(operand))
    switch (summation(node)) {
      case 'each':
        return b.node(
          node.op,
          node.operands.map((operand) => this.total(operand)),
          node.attributes as never,
        )
      case 'first':
        return b.mul(this.total(node.operands[0]!), this.of(node.operands[1]!).node)
      case 'own':
        if (!this.of(node.operands[0]!).varies && !this.of(node.operands[1] ?? node.operands[0]!).varies)
          return this.#times(this.of(node).node)
        if (node.op === 'contract') return sumOfContract(b, node, operands(), this.#length)
        if (node.op === 'scatter_add') return sumOfScatter(b, node, operands(), this.#length)
        if (node.op === 'reduce_sum')
          return b.sum(this.stack(node.operands[0]!), [0, ...node.attributes.axes.map((axis) => axis + 1)])
        throw new Error(`no sum of ${node.op} over steps`)
      case 'stack': {
        const { node: value, varies } = this.of(node)
        return varies ? b.sum(value, [0]) : this.#times(value)
      }
    }
  }

  /** As often as there are steps. */
  #times(value: Node): Node {
    return this.#builder.mul(value, this.#builder.size(this.#length))
  }
}

/**
 * How a sum over steps is taken of a node: of `each` operand instead (it is linear in them), of the `first` (the other is
 * a number), by the node's `own` summation over one more axis, or of the `stack` of its values.
 */
export function summation(node: Node): 'each' | 'first' | 'own' | 'stack' {
  switch (node.op) {
    case 'add':
    case 'sub':
    case 'neg':
    case 'reshape':
    case 'permute':
    case 'broadcast':
    case 'slice':
    case 'concat':
      return 'each'
    case 'pad':
      return node.attributes.value === 0 ? 'each' : 'stack'
    case 'window':
      return node.attributes.fill === 0 ? 'each' : 'stack'
    case 'mul':
      return splat(node.operands[1]!) === undefined ? 'stack' : 'first'
    case 'contract':
    case 'scatter_add':
    case 'reduce_sum':
      return 'own'
    default:
      return 'stack'
  }
}

/** What is stacked, or summed by an op of its own, to sum a node over steps. */
export function summands(root: Node): Set<Node> {
  const found = new Set<Node>()
  const seen = new Set<Node>()
  const pending = [root]
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (seen.has(node)) continue
    seen.add(node)
    const how = summation(node)
    if (how === 'each') pending.push(...node.operands)
    else if (how === 'first') pending.push(node.operands[0]!)
    else found.add(node)
  }
  return found
}
