/**
 * A causal graph over whole sequences → the graphs of its incremental form:
 *
 * - `begin`: what does not change is computed, what is carried is as before the first position;
 * - `prefill`: the next positions, several at a time, give what is carried and nothing else;
 * - `advance`: the next position of each row gives the outputs there;
 * - `reorder`: row r goes on from what row `rows.from[r]` carries.
 *
 * Throws `LooksAhead` where an output depends on later positions, or may.
 */
import { type Dim, dim, product, symbolsOf, zero } from '../../ir/dim.ts'
import { type Graph, type Node, nodesOf, type Result } from '../../ir/graph.ts'
import { GraphBuilder } from '../builder.ts'
import { atMost } from '../causality/known.ts'
import { LooksAhead, NeedsUnrolling, type Timing, timingOf } from '../causality/reach.ts'
import { transplant, transplantInto } from '../transplant.ts'
import { Advance, type Source } from './advance.ts'
import { type Carried, CarriedTensors } from './carried.ts'
import { keptNodes } from './kept.ts'
import { unrolled } from './unroll.ts'

export interface IncrementalForms {
  readonly begin: Graph
  readonly prefill: Graph
  readonly advance: Graph
  /** `undefined` where rows cannot be told apart in what is carried. */
  readonly reorder: Graph | undefined
  /** Whether anything grows with the context, or depends on the place in it: then a sequence cannot outgrow it. */
  readonly bounded: boolean
}

/** Positions that `prefill` takes at a time. */
export const prefillLength = 16

/** `streams` names the inputs whose axis 1 counts positions; so does axis 1 of all results. Axis 0 of each is the row. */
export function incrementalForms(given: Graph, streams: readonly string[]): IncrementalForms {
  const { graph, timing } = timed(given, streams)
  const nodes = nodesOf(graph.results)
  const inputs = nodes.filter((node): node is Node<'input'> => isStream(node, streams))
  const b = new GraphBuilder()
  const position = b.cast(b.input('position', [], 'float', 'step'), 'int')
  const zeros = new Map<Node, Node>(inputs.map((node) => [node, b.full(node.shape, 0, node.dtype)]))
  const still = copier(b, graph, new Map())
  const source: Source = {
    timing,
    streams: new Map(inputs.map((node) => [node, 1])),
    origins: graph.origins,
    builder: b,
    position,
    carried: new CarriedTensors(b),
    still,
    blank: copier(b, graph, zeros),
  }
  const formOf = (count: number, suffix: string) => {
    const leaves = new Map<Node, Node>(
      inputs.map((node) => [
        node,
        b.input(`${node.attributes.name}.${suffix}`, node.shape.with(1, dim(count)), node.dtype),
      ]),
    )
    const advance = new Advance(source, { count: dim(count), streams: leaves })
    const results = graph.results.map(
      ({ name, node }): Result => ({ name, node: advance.coming(node, 1), role: 'output' }),
    )
    return { results, next: advance.next, leaves: [...leaves.values()] }
  }
  const several = formOf(prefillLength, 'coming')
  const single = formOf(1, 'next')

  const changing = [...source.carried.all]
  const varying = new Set([
    ...several.leaves,
    ...single.leaves,
    position.operands[0]!,
    ...changing.map(({ leaf }) => leaf),
  ])
  const roots = [...several.next.values(), ...single.next.values(), ...single.results.map(({ node }) => node)]
  const kept = keptNodes(roots, varying).map(
    (node): Carried => source.carried.take('still', `${node.id}`, node.shape, node.dtype, () => node),
  )
  const replaced = new Map(kept.map(({ leaf, initial }) => [initial, leaf]))
  const moved = transplant(b, roots, b.origins, replaced)
  const final = (node: Node): Node => moved.get(node) ?? node
  const carriedOn = (next: ReadonlyMap<Node, Node>): Result[] =>
    [...next].map(([leaf, node]) => replacing(leaf, final(node)))
  const advance = [
    ...single.results.map((result): Result => ({ ...result, node: final(result.node) })),
    ...carriedOn(single.next),
  ]
  const reads = new Set(nodesOf(advance))
  return {
    begin: b.graph(
      `${graph.name}.begin`,
      source.carried.all.map(({ leaf, initial }) => replacing(leaf, initial)),
    ),
    prefill: b.graph(`${graph.name}.prefill`, carriedOn(several.next)),
    advance: b.graph(`${graph.name}.advance`, advance),
    reorder: reordered(`${graph.name}.reorder`, b, changing, inputs[0]!.shape[0]!),
    bounded: reads.has(position),
  }
}

const isStream = (node: Node, streams: readonly string[]): boolean =>
  node.op === 'input' && node.attributes.role === 'input' && streams.includes(node.attributes.name)

const replacing = (leaf: Node, node: Node): Result => ({
  name: (leaf as Node<'input'>).attributes.name,
  node,
  role: 'carried',
  replaces: leaf,
})

/** How far each node looks, with recurrences written out that are none over positions; checked at the results. */
function timed(given: Graph, streams: readonly string[]): { graph: Graph; timing: ReadonlyMap<Node, Timing> } {
  for (let graph = given; ; ) {
    const nodes = nodesOf(graph.results)
    try {
      const timing = timingOf(nodes, new Map(nodes.filter((n) => isStream(n, streams)).map((node) => [node, 1])))
      for (const { node } of graph.results)
        for (const [axis, ahead] of timing.get(node)!.reach)
          if (axis !== 1 || !atMost(ahead, zero)) throw new LooksAhead(firstAhead(nodes, timing) ?? node, 'reads-later')
      return { graph, timing }
    } catch (error) {
      if (!(error instanceof NeedsUnrolling)) throw error
      graph = unrolled(graph, error.scan)
    }
  }
}

/** The first node that looks further ahead than all that it is made of. */
function firstAhead(nodes: readonly Node[], timing: ReadonlyMap<Node, Timing>): Node | undefined {
  const isAhead = (node: Node) => [...timing.get(node)!.reach.values()].some((ahead: Dim) => !atMost(ahead, zero))
  return nodes.find((node) => isAhead(node) && !node.operands.some(isAhead))
}

/** Copies nodes one by one as they are asked for, equal ones once. */
function copier(b: GraphBuilder, graph: Graph, replacements: ReadonlyMap<Node, Node>): (node: Node) => Node {
  const copies = new Map(replacements)
  return (node) => {
    const known = copies.get(node)
    if (known) return known
    transplantInto(copies, b, [node], graph.origins)
    return copies.get(node)!
  }
}

function reordered(name: string, b: GraphBuilder, carried: readonly Carried[], rows: Dim): Graph | undefined {
  const from = b.input('rows.from', [rows], 'int')
  const [symbol] = symbolsOf(rows)
  const results: Result[] = []
  for (const { leaf } of carried) {
    const axes = leaf.shape.flatMap((size, axis) => (size === rows ? [axis] : []))
    const depends = symbol !== undefined && symbolsOf(product(leaf.shape)).has(symbol)
    if (axes.length === 1) results.push(replacing(leaf, b.gather(leaf, from, axes[0]!)))
    else if (depends || axes.length > 1) return undefined
  }
  return b.graph(name, results)
}
