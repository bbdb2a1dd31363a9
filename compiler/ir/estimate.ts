/** Sizes for decisions: a dim's value with each free symbol at a typical one. Never used for anything that must be exact. */
import { type Dim, product } from './dim.ts'
import type { Node } from './graph.ts'

/** What a free dim counts as where its value is not known yet. */
const typical = 64

export function estimate(d: Dim): number {
  let sum = 0
  for (const term of d.terms) {
    let value = term.coefficient
    for (const atom of term.atoms)
      value *=
        atom.kind === 'symbol'
          ? typical
          : Math.floor(estimate(atom.numerator) / Math.max(1, estimate(atom.denominator)))
    sum += value
  }
  return sum
}

const known = new WeakMap<Node, number>()
export function estimateElements(node: Node): number {
  const cached = known.get(node)
  if (cached !== undefined) return cached
  const elements = estimate(product(node.shape))
  known.set(node, elements)
  return elements
}
