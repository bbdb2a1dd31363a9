/**
 * A scan's body → the same, simplified by the rules that hold everywhere, with what the graph around it tells of its
 * leaves: equal stacks are one element, what is the same at each step is a capture, numbers are written into the body.
 * Carries that reach no result are gone.
 */
import { type Graph, type Node, nodesOf } from '../ir/graph.ts'
import { GraphBuilder } from '../ops/builder.ts'
import { isFree } from '../ops/scan-build.ts'
import { transplant } from '../ops/transplant.ts'
import { nodesDownTo, type Results, type ScanParts } from './scan-parts.ts'

export function normalScan(
  b: GraphBuilder,
  parts: ScanParts,
  simplify: (graph: Graph) => Graph,
  results: Results,
): ScanParts {
  const body = new GraphBuilder()
  const copies = new Map<Node, Node>()
  const elements = new Map<Node, Node>()
  const captures = new Map<Node, Node>()
  const once = (table: Map<Node, Node>, outer: Node, leaf: Pick<Node, 'shape' | 'dtype'>): Node => {
    const known = table.get(outer)
    if (known) return known
    const made = body.bound(leaf.shape, leaf.dtype)
    table.set(outer, made)
    return made
  }
  // Views that only repeat or turn what they show cost nothing where they are read; outside they would be copies.
  const capture = (value: Node): Node => {
    if (isFree(value)) return transplant(body, [value], b.origins).get(value)!
    if (value.op === 'broadcast' || value.op === 'permute' || value.op === 'reshape')
      return body.node(value.op, [capture(value.operands[0]!)], value.attributes as never)
    return once(captures, value, value)
  }
  const element = (stack: Node, leaf: Pick<Node, 'shape' | 'dtype'>): Node => {
    const [shown] = stack.operands
    const down = (axes: readonly number[]) => axes.slice(1).map((axis) => axis - 1)
    if (stack.op === 'broadcast') {
      const { axes } = stack.attributes
      const inner = axes[0] === 0 ? element(shown!, sliceOf(shown!)) : capture(shown!)
      return body.broadcast(inner, leaf.shape, axes[0] === 0 ? down(axes) : axes.map((axis) => axis - 1))
    }
    if (stack.op === 'permute' && stack.attributes.order[0] === 0)
      return body.permute(element(shown!, sliceOf(shown!)), down(stack.attributes.order))
    return once(elements, stack, leaf)
  }

  for (const { leaf, stack } of parts.elements) copies.set(leaf, element(stack, leaf))
  for (const { leaf, value } of parts.captures) copies.set(leaf, capture(value))
  const carries = parts.carries.flatMap(({ leaf, initial, next, result }) => {
    if (next === leaf) {
      // Never changed: it is what it was at first.
      copies.set(leaf, capture(initial))
      results.set(result, initial)
      return []
    }
    const made = body.bound(leaf.shape, leaf.dtype)
    copies.set(leaf, made)
    return [{ leaf: made, initial, next, result }]
  })

  const roots = [...carries.map(({ next }) => next), ...parts.yields.map(({ node }) => node)]
  const moved = transplant(body, roots, parts.origins, copies)
  const simple = simplify(
    body.graph(
      'body',
      roots.map((node, i) => ({ name: `${i}`, node: moved.get(node)!, role: 'output' })),
    ),
  )
  const final = simple.results.map(({ node }) => node)
  const bound = new Map(
    nodesOf(simple.results).flatMap((node) => (node.op === 'bound' ? [[node.attributes.id, node] as const] : [])),
  )
  const leafOf = (leaf: Node): Node => (leaf.op === 'bound' && bound.get(leaf.attributes.id)) || leaf
  return {
    ...parts,
    elements: [...elements].map(([stack, leaf]) => ({ leaf: leafOf(leaf), stack })),
    carries: carries.map((carry, i) => ({ ...carry, leaf: leafOf(carry.leaf), next: final[i]! })),
    captures: [...captures].map(([value, leaf]) => ({ leaf: leafOf(leaf), value })),
    yields: parts.yields.map(({ result }, i) => ({ node: final[carries.length + i]!, result })),
    origins: simple.origins,
  }
}

/** The type of a stack's elements. */
const sliceOf = ({ shape, dtype }: Node) => ({ shape: shape.slice(1), dtype })

/** Without the carries whose value no result shows. */
export function liveScan(parts: ScanParts, used: ReadonlySet<number>): ScanParts {
  const leaves = new Set([...parts.elements, ...parts.carries, ...parts.captures].map(({ leaf }) => leaf))
  const live = new Set(parts.carries.filter(({ result }) => used.has(result)))
  for (;;) {
    const read = new Set(
      nodesDownTo([...[...live].map(({ next }) => next), ...parts.yields.map(({ node }) => node)], leaves),
    )
    const more = parts.carries.filter((carry) => !live.has(carry) && read.has(carry.leaf))
    if (more.length === 0) break
    for (const carry of more) live.add(carry)
  }
  return { ...parts, carries: parts.carries.filter((carry) => live.has(carry)) }
}
