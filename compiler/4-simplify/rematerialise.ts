/**
 * A training step that keeps less: values of the forward pass that the backward pass reads are computed a second time,
 * from a few that are kept (Chen et al., 2016, arXiv 1604.06174).
 *
 * before: x → f → g → h → loss, gradients read f, g, h      after: … gradients read f′, g′, h′, made of x anew
 *
 * Kept are *bottlenecks*: values through which every way from the data to the loss goes, such as the residual stream
 * between two layers. Each further bottleneck that is kept costs its memory; each that is not, a longer stretch that is
 * alive at once when the backward pass reaches it. Which, and how many, is found by looking at the certificate of each
 * choice: the pass itself only carries one out. What is computed again stands in the graph beside its first reader, so
 * that kernels run in that order and memory is taken late.
 */
import { type Graph, type Node, nodesOf, type Result } from '../ir/graph.ts'
import { GraphBuilder } from '../ops/builder.ts'
import { lowerOf } from '../ops/registry.ts'

/** Keeps the last of each `stride` bottlenecks; 1 keeps all. A graph without a backward pass stays as it is. */
export function rematerialise(graph: Graph, stride: number): Graph {
  const forward = forwardOf(graph)
  if (!graph.results.some(({ role }) => role === 'gradient')) return graph
  const kept = new Set(bottlenecks(graph, forward).filter((_, i, all) => (all.length - 1 - i) % stride === 0))
  return rebuild(graph, forward, kept)
}

/** How many values of the forward pass the step could keep. */
export const bottleneckCount = (graph: Graph): number => bottlenecks(graph, forwardOf(graph)).length

const isMeasured = ({ role }: Result) => role === 'loss' || role === 'metric' || role === 'output' || role === 'state'

function forwardOf(graph: Graph): ReadonlySet<Node> {
  return new Set(nodesOf(graph.results.filter(isMeasured)))
}

/**
 * Values at which the way from data to loss is a single one: between them and the loss nothing reads what came before.
 * Parameters, constants, draws of chance and masks are no data: they are there for all of a step, or made of little.
 */
function bottlenecks(graph: Graph, forward: ReadonlySet<Node>): Node[] {
  const loss = graph.results.find(({ role }) => role === 'loss')
  if (!loss) return []
  const nodes = nodesOf([loss])
  const ofData = new Set<Node>()
  for (const node of nodes)
    if (node.dtype !== 'bool' && (isData(node) || node.operands.some((operand) => ofData.has(operand))))
      ofData.add(node)
  // An edge passes over a node when it starts before it and ends after it, in the order of the graph.
  const last = new Map<Node, number>()
  nodes.forEach((node, at) => {
    for (const operand of node.operands) if (ofData.has(operand) && !isData(operand)) last.set(operand, at)
  })
  const found: Node[] = []
  let furthest = -1
  nodes.forEach((node, at) => {
    if (!ofData.has(node) || isData(node)) return
    // Nothing that stands before is read after this node.
    if (furthest <= at && node !== loss.node && node.dtype === 'float' && forward.has(node) && node.shape.length > 0)
      found.push(node)
    furthest = Math.max(furthest, last.get(node) ?? at)
  })
  return found
}

/** What a batch brings. */
function isData({ attributes }: Node): boolean {
  return 'role' in attributes && (attributes.role === 'input' || attributes.role === 'target')
}

function rebuild(graph: Graph, forward: ReadonlySet<Node>, kept: ReadonlySet<Node>): Graph {
  const builder = new GraphBuilder()
  const first = new Map<Node, Node>()
  const second = new Map<Node, Node>()
  const place = (node: Node, operands: readonly Node[]): Node =>
    builder.withOrigin(graph.origins.get(node), () => builder.copy(node, operands))
  const needed = nodesOf([
    ...graph.results,
    ...graph.results.flatMap(({ replaces }) => (replaces ? [{ node: replaces }] : [])),
  ])
  /** What a recurrence gives is kept: to have it again would be to run it again as a whole. */
  const stays = (node: Node): boolean => {
    const { kind } = lowerOf(node)
    return kept.has(node) || kind === 'project' || kind === 'scan' || graph.results.some((r) => r.node === node)
  }
  /** A value of the forward pass as the backward pass has it. */
  const recomputed = (wanted: Node): Node => {
    const pending = [wanted]
    for (let node = pending.at(-1); node; node = pending.at(-1)) {
      if (second.has(node)) {
        pending.pop()
        continue
      }
      if (node.operands.length === 0 || stays(node)) {
        const isFunction = lowerOf(node).kind === 'index'
        const made = first.get(node)!
        second.set(node, isFunction ? made : builder.withOrigin(graph.origins.get(node), () => builder.again(made)))
        continue
      }
      const missing = node.operands.filter((operand) => !second.has(operand))
      if (missing.length > 0) pending.push(...missing)
      else
        second.set(
          node,
          place(
            node,
            node.operands.map((operand) => second.get(operand)!),
          ),
        )
    }
    return second.get(wanted)!
  }
  for (const node of needed) {
    const operands = node.operands.map((operand) => {
      const plain = first.get(operand)!
      if (forward.has(node) || !forward.has(operand) || operand.operands.length === 0 || stays(operand)) return plain
      return recomputed(operand)
    })
    first.set(node, place(node, operands))
  }
  const results = graph.results.map(
    ({ replaces, ...result }): Result => ({
      ...result,
      node: first.get(result.node)!,
      ...(replaces && { replaces: first.get(replaces)! }),
    }),
  )
  return { name: graph.name, results, origins: builder.origins }
}
