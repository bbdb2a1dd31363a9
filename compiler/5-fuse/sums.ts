/**
 * A sum of a sum is one sum: what lies between two reductions and is linear moves inside. It keeps the gradient of a
 * penalty that all sequences of a batch share from being written out for each query and key.
 *
 *     Σ over queries, keys of distance · (Σ over batch of ds)   →   Σ over batch, queries, keys of distance · ds
 */
import { type Graph, type Node, nodesIn } from '../ir/graph.ts'
import { lowerOf } from '../ops/registry.ts'
import { reducedAxes } from '../ops/structure.ts'
import type { NodeSet } from './node-set.ts'
import { type Rebuilt, rebuild } from './rebuild.ts'
import type { Consumers } from './subject.ts'

/** The steps from the inner sum to the outer one, innermost first: the operand of each that is the step before it. */
interface Chain {
  readonly inner: Node
  readonly steps: readonly { readonly node: Node; readonly operand: number }[]
}

/** Steps that a chain has at most: a gradient has one or two. */
const longest = 5

/** Joins the sums over values that are not to be stored. */
export function joinSums(graph: Graph, consumers: Consumers, recomputed: NodeSet): Rebuilt {
  const chains = new Map<Node, Chain>()
  const kept = new Set(graph.results.map(({ node }) => node))
  for (const node of recomputed.size > 0 ? nodesIn(graph) : []) {
    const chain = isSum(node) ? chainBelow(node, consumers, recomputed, kept) : undefined
    if (chain) chains.set(node, chain)
  }
  return rebuild(
    graph,
    (node) => chains.has(node),
    (builder, node) => {
      const { inner, steps } = chains.get(node)!
      const [source] = inner.operands as [Node]
      const gone = reducedAxes(inner)!
      const shape = source.shape
      const left = shape.map((_, axis) => axis).filter((axis) => !gone.includes(axis))
      let value = source
      for (const { node: step, operand } of steps) {
        const operands = step.operands.map((other, at) =>
          at === operand ? value : builder.broadcast(other, shape, left),
        )
        value = builder.node(step.op, operands as never, step.attributes as never) as Node
      }
      return builder.sum(
        value,
        [...gone, ...reducedAxes(node)!.map((axis) => left[axis]!)].sort((a, b) => a - b),
      )
    },
  )
}

function chainBelow(
  outer: Node,
  consumers: Consumers,
  recomputed: NodeSet,
  kept: ReadonlySet<Node>,
): Chain | undefined {
  const steps: Chain['steps'][number][] = []
  let current = outer.operands[0]!
  for (;;) {
    if (kept.has(current) || consumers[current.id]!.length !== 1) return undefined
    if (isSum(current)) return recomputed.has(current.operands[0]!) ? { inner: current, steps } : undefined
    if (steps.length === longest) return undefined
    const operand = linearOperand(current, (node) => reachesSum(node, recomputed, longest - steps.length))
    if (operand === undefined) return undefined
    steps.unshift({ node: current, operand })
    current = current.operands[operand]!
  }
}

/** The operand in which a node is linear, of those that may lead to the inner sum. */
function linearOperand(node: Node, leads: (operand: Node) => boolean): number | undefined {
  const lowering = lowerOf(node)
  if (lowering.kind !== 'map') return undefined
  switch (lowering.scalar) {
    case 'mul': {
      const at = node.operands.findIndex(leads)
      return at < 0 ? undefined : at
    }
    case 'div':
    case 'neg':
      return leads(node.operands[0]!) ? 0 : undefined
    default:
      return undefined
  }
}

/** Whether elementwise work leads from a node to a sum over values that are not to be stored. */
function reachesSum(node: Node, recomputed: NodeSet, within: number): boolean {
  if (isSum(node)) return recomputed.has(node.operands[0]!)
  return (
    within > 0 &&
    lowerOf(node).kind === 'map' &&
    node.operands.some((operand) => reachesSum(operand, recomputed, within - 1))
  )
}

function isSum(node: Node): boolean {
  const lowering = lowerOf(node)
  return lowering.kind === 'reduce' && lowering.combine === 'sum' && reducedAxes(node) !== undefined
}
