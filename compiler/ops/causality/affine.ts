/** Whether a node's elements are a sum of multiples of their own indices and a number, as positions are: `iota + 3`. */
import { add, type Dim, dim, multiply, scale, zero } from '../../ir/dim.ts'
import type { Node } from '../../ir/graph.ts'
import { lowerOf } from '../registry.ts'
import type { Link } from './links.ts'

export interface Affine {
  /** By axis of the node; none is 0. */
  readonly terms: ReadonlyMap<number, number>
  readonly constant: Dim
}

export function affineOf(
  node: Node,
  links: readonly Link[],
  of: (operand: Node) => Affine | undefined,
): Affine | undefined {
  if (node.dtype !== 'int' && node.dtype !== 'float') return undefined
  const [left, right] = node.operands.map(of)
  switch (node.op) {
    case 'constant':
      return Number.isSafeInteger(node.attributes.value)
        ? { terms: new Map(), constant: dim(node.attributes.value) }
        : undefined
    case 'size':
      return { terms: new Map(), constant: node.attributes.dim }
    case 'iota':
      return { terms: new Map([[node.attributes.axis, 1]]), constant: zero }
    case 'cast':
    case 'stop_gradient':
      return left
    case 'neg':
      return left && times(left, -1)
    case 'add':
      return left && right && sum(left, right)
    case 'sub':
      return left && right && sum(left, times(right, -1))
    case 'mul': {
      const number = [left, right].find((side) => side?.terms.size === 0 && side.constant.constant !== undefined)
      const other = number === left ? right : left
      return number && other && times(other, number.constant.constant!)
    }
    default: {
      // A view that leaves an axis whole leaves its indices, a slice moves them.
      if (lowerOf(node).kind !== 'view' || node.operands.length !== 1 || !left || node.op === 'pad') return undefined
      let { constant } = left
      const terms = new Map<number, number>()
      for (const [axis, factor] of left.terms) {
        const link = links.find((l) => l.axis === axis)
        if (!link || link.result === undefined || link.low !== link.high) return undefined
        terms.set(link.result, factor)
        constant = add(constant, multiply(dim(factor), link.low))
      }
      return { terms, constant }
    }
  }
}

function sum(a: Affine, b: Affine): Affine {
  const terms = new Map(a.terms)
  for (const [axis, factor] of b.terms) {
    const both = (terms.get(axis) ?? 0) + factor
    if (both === 0) terms.delete(axis)
    else terms.set(axis, both)
  }
  return { terms, constant: add(a.constant, b.constant) }
}

function times({ terms, constant }: Affine, factor: number): Affine {
  if (factor === 0) return { terms: new Map(), constant: zero }
  if (!Number.isSafeInteger(factor)) return { terms: new Map([[-1, 1]]), constant }
  return { terms: new Map([...terms].map(([axis, f]) => [axis, f * factor])), constant: scale(constant, factor) }
}

export const difference = (a: Affine, b: Affine): Affine => sum(a, times(b, -1))
