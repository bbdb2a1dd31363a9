/**
 * Softmax by its structure: `exp(x − max x) / Σ exp(x − max x)` along some axes, on the way to a contraction. Between
 * the two may stand whatever only scales a weight or moves it: a dropout's mask, a factor, a change of layout.
 */
import type { Node } from '../ir/graph.ts'
import { lowerOf } from '../ops/registry.ts'
import { constantNumber, reducedAxes, repeatedAxes } from '../ops/structure.ts'
import type { Consumers } from './subject.ts'

export interface Softmax {
  /** The contraction that sums with the weights, and which of its operands they are. */
  readonly product: Node<'contract'>
  readonly side: 0 | 1
  /** What the operand is linear in: the weights, or the exponentials where nothing has divided them yet. */
  readonly weights: Node
  readonly normalised: boolean
  readonly score: Node
  readonly greatest: Node
  readonly total: Node
}

export function softmaxBefore(product: Node<'contract'>, consumers: Consumers): Softmax | undefined {
  for (const side of [0, 1] as const) {
    const seen = new Set<Node>()
    const pending = [product.operands[side]!]
    while (pending.length > 0) {
      const node = pending.pop()!
      if (seen.has(node)) continue
      seen.add(node)
      const found = softmaxAt(node, consumers)
      if (found) return { product, side, ...found }
      pending.push(...linearIn(node))
    }
  }
  return undefined
}

type Weights = Pick<Softmax, 'weights' | 'normalised' | 'score' | 'greatest' | 'total'>

function softmaxAt(node: Node, consumers: Consumers): Weights | undefined {
  const dividend = scalarOf(node) === 'div' ? itself(node.operands[0]!) : undefined
  const exponential = exponentialAt(dividend ?? node)
  if (!exponential) return undefined
  const isTotal = (other: Node | undefined): other is Node =>
    other !== undefined &&
    isReduction(other, 'sum', exponential.axes) &&
    itself(other.operands[0]!) === exponential.node
  if (dividend) {
    const total = spreadFrom(node.operands[1]!, exponential.axes)
    return isTotal(total) ? { ...exponential, weights: node, normalised: true, total } : undefined
  }
  const total = (consumers[node.id] ?? []).find(isTotal)
  return total && { ...exponential, weights: node, normalised: false, total }
}

/** `exp(x − max x)`, the maximum along the given axes. */
function exponentialAt(node: Node): { node: Node; score: Node; greatest: Node; axes: readonly number[] } | undefined {
  if (scalarOf(node) !== 'exp') return undefined
  const shifted = itself(node.operands[0]!)
  if (scalarOf(shifted) !== 'sub') return undefined
  const score = itself(shifted.operands[0]!)
  const spread = itself(shifted.operands[1]!)
  const axes = repeatedAxes(spread)
  const greatest = axes && spreadFrom(spread, axes)
  if (!greatest || !isReduction(greatest, 'max', axes) || itself(greatest.operands[0]!) !== score) return undefined
  return { node, score, greatest, axes }
}

/** What a value per row is, where the node is that value at every element of the row. */
function spreadFrom(node: Node, axes: readonly number[]): Node | undefined {
  const spread = itself(node)
  return repeatedAxes(spread)?.join() === axes.join() ? itself(spread.operands[0]!) : undefined
}

/** The operands in which a node is linear and 0 where they are 0. */
function linearIn(node: Node): readonly Node[] {
  if (lowerOf(node).kind === 'view') return node.operands.length === 1 ? node.operands : []
  switch (scalarOf(node)) {
    case 'mul':
      return node.operands
    case 'div':
    case 'neg':
    case 'to_float':
      return [node.operands[0]!]
    case 'select': {
      const [, first, second] = node.operands as readonly [Node, Node, Node]
      return isZero(second) ? [first] : isZero(first) ? [second] : []
    }
    default:
      return []
  }
}

/** The node behind conversions to what it is already (the stop of a gradient is one). */
export function itself(node: Node): Node {
  let current = node
  while (scalarOf(current) === `to_${current.dtype}` && current.operands[0]!.dtype === current.dtype)
    current = current.operands[0]!
  return current
}

function scalarOf(node: Node): string | undefined {
  const lowering = lowerOf(node)
  return lowering.kind === 'map' ? lowering.scalar : undefined
}

function isReduction(node: Node, combine: string, axes: readonly number[]): boolean {
  const lowering = lowerOf(node)
  return lowering.kind === 'reduce' && lowering.combine === combine && reducedAxes(node)?.join() === axes.join()
}

function isZero(node: Node): boolean {
  let current = node
  while (lowerOf(current).kind === 'view' && current.operands.length === 1) current = current.operands[0]!
  return constantNumber(current) === 0
}
