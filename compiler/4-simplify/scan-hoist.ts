/**
 * Work that needs no carry leaves the loop: it is done beforehand for all steps at once, `x_t @ Wx` as one product over
 * steps and batch. Dear work always goes; elementwise work goes where less is read in the loop for it, by a minimum cut.
 */
import { estimateElements } from '../ir/estimate.ts'
import type { Node } from '../ir/graph.ts'
import { lowerOf } from '../ops/registry.ts'
import { minimumCut } from './scan-cut.ts'
import { type Dependence, isDear } from './scan-dependence.ts'
import type { Outside } from './scan-outside.ts'
import { nodesDownTo, type ScanParts } from './scan-parts.ts'

/** Elements and captures of the loop: `roots` are what it computes. */
export function hoisted(
  roots: readonly Node[],
  { carried, leaves }: Dependence,
  outside: Outside,
): Pick<ScanParts, 'elements' | 'captures'> {
  const nodes = nodesDownTo(roots, leaves)
  // What depends on a leaf, or holds numbers of its own: the rest is generated where it is needed.
  const given = new Set<Node>()
  for (const node of nodes)
    if (!carried.has(node) && (lowerOf(node).kind === 'leaf' || node.operands.some((operand) => given.has(operand))))
      given.add(node)
  const needed = new Set(roots.filter((node) => given.has(node)))
  for (const node of nodes)
    if (carried.has(node) && !leaves.has(node))
      for (const operand of node.operands) if (given.has(operand)) needed.add(operand)

  const isSource = (node: Node) => lowerOf(node).kind === 'leaf' || isDear(node)
  const cut = minimumCut(
    {
      nodes: nodesDownTo([...needed], { has: isSource }).filter((node) => given.has(node)),
      cost: (node) =>
        costs[lowerOf(node).kind === 'leaf' ? 'leaf' : lowerOf(node).kind === 'view' ? 'view' : 'made'] *
        Math.max(1, estimateElements(node)),
      isSource,
      isTarget: (node) => needed.has(node),
    },
    'targets',
  )
  const crossing = [...cut].map((leaf) => ({ leaf, ...outside.of(leaf) }))
  return {
    elements: crossing.filter(({ varies }) => varies).map(({ leaf, node }) => ({ leaf, stack: node })),
    captures: crossing.filter(({ varies }) => !varies).map(({ leaf, node }) => ({ leaf, value: node })),
  }
}

/** For reading an element in the loop. Stacks that are there already come first; a view would have to be copied. */
const costs = { leaf: 20, made: 22, view: 23 } as const
