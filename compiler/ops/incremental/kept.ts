/**
 * What the next positions need that is the same at each of them (an encoder's result, the keys and values made of it) is
 * computed once, before the first, and carried along. Views of it, and elementwise work that would take more room than what it
 * is made of, are repeated where they are read; a parameter or an input stays where it lies.
 */
import { estimateElements } from '../../ir/estimate.ts'
import { type Node, nodesOf } from '../../ir/graph.ts'
import { lowerOf } from '../registry.ts'

/** The nodes to be carried: those that `roots` read of what depends on no `varying` leaf, and that are some work. */
export function keptNodes(roots: readonly Node[], varying: ReadonlySet<Node>): readonly Node[] {
  const nodes = nodesOf(roots.map((node) => ({ node })))
  /** By id. */
  const varies = new Array<boolean | undefined>((nodes.at(-1)?.id ?? 0) + 1)
  const isWork = new Array<boolean | undefined>(varies.length)
  for (const node of nodes) {
    let [moves, works] = [varying.has(node), worksOn(node)]
    for (let at = 0; at < node.operands.length; at++) {
      const { id } = node.operands[at]!
      moves ||= varies[id] === true
      works ||= isWork[id] === true
    }
    varies[node.id] = moves
    isWork[node.id] = works
  }
  const kept = new Set<Node>()
  const keep = (node: Node): void => {
    const { kind } = lowerOf(node)
    if (!isWork[node.id] || kind === 'leaf' || kept.has(node)) return
    const grows =
      kind === 'map' &&
      estimateElements(node) > node.operands.reduce((sum, o) => sum + (isWork[o.id] ? estimateElements(o) : 0), 0)
    if (kind === 'view' || grows) node.operands.forEach(keep)
    else kept.add(node)
  }
  const read = new Set(roots.filter((node) => !varies[node.id]))
  for (const node of nodes)
    if (varies[node.id]) for (const operand of node.operands) if (!varies[operand.id]) read.add(operand)
  for (const node of read) keep(node)
  return [...kept]
}

/** Anything that is not elementwise, and all that is made of a given input. */
function worksOn(node: Node): boolean {
  const { kind } = lowerOf(node)
  switch (kind) {
    case 'contract':
    case 'reduce':
    case 'lookup':
    case 'scatter':
    case 'running':
    case 'project':
    case 'scan':
      return true
    case 'leaf':
      return node.op === 'input'
    case 'map':
    case 'view':
    case 'index':
      return false
    default:
      return kind satisfies never
  }
}
