/**
 * Which values no kernel stores, because there are too many of them: the scores and weights of attention, queries ×
 * keys, and their gradients. Every kernel that needs one computes it from the operands of the contraction it comes from.
 *
 *     q, k → scores → softmax → weights, v → out        before: three tensors of queries × keys elements
 *                                                        after: `out`, and the maximum and sum of each query
 *
 * It applies where all that is made of the scores is reduced along axes or contracted again; a value that is a result
 * itself has to be in memory, and then so may those behind it.
 */
import { type Dim, multiply, product, substitute } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import { lowerOf } from '../ops/registry.ts'
import { isContraction, reducedAxes } from '../ops/structure.ts'
import { NodeSet } from './node-set.ts'
import { itself, type Softmax } from './softmax.ts'
import type { Consumers, Subject } from './subject.ts'

export interface Recomputed {
  readonly nodes: NodeSet
  /** By the contraction that sums with the weights. */
  readonly softmax: ReadonlyMap<Node, Softmax>
  /** Why scores are in memory after all, by the contraction that makes them. */
  readonly reasons: ReadonlyMap<Node, string>
  /** Nodes that were found not to have to be in memory: as long as that holds, so does the rest. */
  readonly free: NodeSet
}

interface Search {
  readonly consumers: Consumers
  /** Why a node has to be in memory; `undefined` where it has not. */
  readonly keptFor: (node: Node) => string | undefined
  readonly policy: RecomputePolicy
  readonly behind: Map<Node, readonly Node<'contract'>[]>
}

export interface RecomputePolicy {
  /** Whether so many times as many scores as elements of the two operands are enough. */
  readonly isMany: (times: number) => boolean
  /** Values of free dims that are known already. */
  readonly sizes: ReadonlyMap<string, Dim>
}

/** `before`: what was found for the same graph when fewer were forced. */
export function findRecomputed(
  { length, consumers, results, softmax: softmaxes }: Subject,
  forced: ReadonlySet<Node>,
  policy: RecomputePolicy,
  before?: Recomputed,
): Recomputed {
  if (before && !someIn(forced, before.free)) return before
  const free = new NodeSet(length)
  const keptFor = (node: Node): string | undefined => {
    if (results.has(node)) return 'the weights or scores are results themselves'
    if (forced.has(node)) return 'one kernel would bind too many tensors'
    free.add(node)
    return undefined
  }
  const search = { consumers, keptFor, policy, behind: new Map() }
  const nodes = new Set<Node>()
  const softmax = new Map<Node, Softmax>()
  const reasons = new Map<Node, string>()
  for (const [node, found] of softmaxes) {
    const scores = contractionsBehind(itself(found.score), search)
    const added = scores.map((score) => spanOf(score, search))
    if (added.length === 0 || added.some((span) => typeof span === 'string')) {
      for (const [at, span] of added.entries()) if (typeof span === 'string') reasons.set(scores[at]!, span)
      continue
    }
    softmax.set(node, found)
    for (const span of added) for (const each of span as ReadonlySet<Node>) nodes.add(each)
  }
  widen(nodes, search)
  return { nodes: new NodeSet(length, nodes), softmax, reasons, free }
}

function someIn(some: Iterable<Node>, all: NodeSet): boolean {
  for (const node of some) if (all.has(node)) return true
  return false
}

/** What else is combined with recomputed values: the gradients of weights, and masks and biases made on the spot. */
function widen(nodes: Set<Node>, search: Search): void {
  const refused = new Set<Node>()
  for (let again = nodes.size > 0; again; ) {
    again = false
    for (const node of nodes)
      for (const operand of isContraction(node) ? [] : node.operands)
        for (const other of contractionsBehind(operand, search)) {
          if (nodes.has(other) || refused.has(other)) continue
          const span = spanOf(other, search)
          if (typeof span === 'string') refused.add(other)
          else {
            for (const each of span) nodes.add(each)
            again = true
          }
        }
  }
  // Operands first: what only they are made for follows.
  const size = Math.min(...[...nodes].filter(isContraction).map(planeOf))
  const isGenerated = (node: Node) => ['map', 'view', 'index'].includes(lowerOf(node).kind)
  for (const node of [...nodes].sort((a, b) => b.id - a.id)) {
    const pending = isContraction(node) ? [] : [...node.operands]
    while (pending.length > 0) {
      const next = pending.pop()!
      if (nodes.has(next) || !isGenerated(next) || large(product(next.shape)) < size || search.keptFor(next)) continue
      if (!search.consumers[next.id]!.every((c) => nodes.has(c) && !isContraction(c))) continue
      nodes.add(next)
      pending.push(...next.operands)
    }
  }
}

/** The contractions that a value is elementwise work on. */
function contractionsBehind(value: Node, { behind }: Search): readonly Node<'contract'>[] {
  const known = behind.get(value)
  if (known) return known
  const found: Node<'contract'>[] = []
  const seen = new Set<Node>()
  const pending = [value]
  while (pending.length > 0) {
    const node = pending.pop()!
    if (seen.has(node)) continue
    seen.add(node)
    const { kind } = lowerOf(node)
    if (isContraction(node)) found.push(node)
    else if (kind === 'map' || kind === 'view') pending.push(...node.operands)
  }
  const ranked = found.filter((node) => node.shape.length > 0)
  behind.set(value, ranked)
  return ranked
}

/** All elementwise work on a contraction, up to reductions and other contractions; or why it must be in memory. */
function spanOf(
  from: Node<'contract'>,
  { consumers, keptFor, policy: { isMany, sizes } }: Search,
): ReadonlySet<Node> | string {
  const operands = from.operands.reduce((sum, operand) => sum + large(product(operand.shape), sizes), 0)
  if (!isMany(large(product(from.shape), sizes) / operands))
    return 'there are few of them, and read again they cost less than made again'
  const span = new Set<Node>()
  const pending: Node[] = [from]
  while (pending.length > 0) {
    const node = pending.pop()!
    if (span.has(node)) continue
    const reason = keptFor(node)
    if (reason) return reason
    span.add(node)
    for (const consumer of consumers[node.id]!) {
      const { kind } = lowerOf(consumer)
      if (kind === 'map' || (kind === 'view' && consumer.operands.length === 1)) pending.push(consumer)
      else if (kind === 'contract' ? consumer.operands[0] === consumer.operands[1] : !reducedAxes(consumer))
        return 'what is made of them is needed element by element'
    }
  }
  for (const node of span)
    for (const consumer of consumers[node.id]!)
      if (isContraction(consumer) && consumer.operands.every((operand) => span.has(operand)))
        return 'both operands of a contraction are made of them'
  return span
}

/** Sizes with each free dim large: what grows with one is to be compared as if it had grown. */
const grown = 4096
function large(size: Dim, sizes: ReadonlyMap<string, Dim> = new Map()): number {
  let sum = 0
  for (const term of substitute(size, sizes).terms) {
    let value = term.coefficient
    for (const atom of term.atoms)
      value *= atom.kind === 'symbol' ? grown : large(atom.numerator) / Math.max(1, large(atom.denominator))
    sum += value
  }
  return sum
}

/** Rows × columns of a contraction: what a mask has at least that is made for each element. */
function planeOf(node: Node): number {
  const { axes, left, right, output } = (node as Node<'contract'>).attributes
  const reads = (accesses: typeof left) => new Set(accesses.flatMap(({ terms }) => terms.map(({ axis }) => axis)))
  const [inLeft, inRight] = [reads(left), reads(right)]
  const plane = axes.filter(({ name }) => output.includes(name) && inLeft.has(name) !== inRight.has(name))
  return large(plane.reduce((size, axis) => multiply(size, axis.size), product([])))
}
