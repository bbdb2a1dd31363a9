/** Sums of paddings that do not overlap are concatenations: what the gradients of slices of one tensor come to. */
import { add, type Dim, subtract, zero } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import { rule } from './rule.ts'
import type { Rewrite, Rule } from './rules.ts'

interface Part {
  readonly node: Node
  readonly low: readonly Dim[]
  readonly start: number
  readonly end: number
}

export const paddings: readonly Rule[] = [
  // pad(x; 0) + pad(y; 0) + … = pad(concat(x, y, …); 0), where they lie side by side
  rule('sum-of-paddings', 'add', ['pad', 'add'], (node, b, { isShared }) => {
    const terms = paddedTerms(node, isShared)
    const axis = terms && paddedAxis(terms)
    if (!terms || axis === undefined) return undefined
    const parts: Part[] = []
    for (const { operands, attributes } of terms) {
      const [x] = operands
      const [start, length] = [attributes.low[axis]!.constant, x!.shape[axis]!.constant]
      if (start === undefined || length === undefined) return undefined
      parts.push({ node: x!, low: attributes.low, start, end: start + length })
    }
    parts.sort((a, c) => a.start - c.start)
    if (parts.some(({ start }, i) => i > 0 && start !== parts[i - 1]!.end)) return undefined
    const joined = b.concat(
      parts.flatMap(({ node: part }) =>
        part.op === 'concat' && part.attributes.axis === axis ? part.operands : [part],
      ),
      axis,
    )
    const { low } = parts[0]!
    const high = low.map((size, at) => subtract(node.shape[at]!, add(size, joined.shape[at]!)))
    return b.pad(joined, low, high, 0)
  }),
]

/** The terms of a sum, all paddings with zeros. */
function paddedTerms(root: Node, isShared: Rewrite['isShared']): Node<'pad'>[] | undefined {
  const terms: Node<'pad'>[] = []
  const pending = [...root.operands]
  for (let node = pending.pop(); node; node = pending.pop())
    if (node.op === 'add' && !isShared(node) && terms.length + pending.length < 64) pending.push(...node.operands)
    else if (node.op === 'pad' && node.attributes.value === 0) terms.push(node)
    else return undefined
  return terms
}

/** The only axis along which any of them is padded. */
function paddedAxis(terms: readonly Node<'pad'>[]): number | undefined {
  const padded = new Set(
    terms.flatMap(({ attributes: { low, high } }) =>
      low.flatMap((size, axis) => (size === zero && high[axis] === zero ? [] : [axis])),
    ),
  )
  return padded.size === 1 ? [...padded][0] : undefined
}
