/**
 * Which values of a training step in mixed precision are stored in 16 bits: what contractions read and what they make,
 * with the elementwise work between them (Micikevicius et al., 2018, arXiv 1710.03740). Sums over rows, such as a mean, a
 * maximum or the log of a sum, stay in 32 bits, and so do results, carries of recurrences and all arithmetic in registers.
 *
 * before: segments        after: their nodes to be stored in 16 bits, the parameters to be read so
 */
import { type Node, nodesOf } from '../ir/graph.ts'
import { type HalfStorage, kernelsOf, type Segment } from '../lowered.ts'
import { lowerOf } from '../ops/registry.ts'
import { parameterPath } from '../ops/structure.ts'

export function halfStorage(segments: readonly Segment[]): HalfStorage {
  const values = new Set<Node>()
  const parameters = new Set<string>()
  const nodes = nodesOf(kernelsOf(segments).flatMap((kernel) => kernel.slots))
  for (const node of nodes)
    if (lowerOf(node).kind === 'contract') for (const operand of node.operands) feed(operand, values, parameters)
  // Operands stand before what is made of them.
  for (const node of nodes) {
    if (node.dtype !== 'float' || node.shape.length === 0) continue
    const { kind } = lowerOf(node)
    const follows = (kind === 'map' || kind === 'view') && node.operands.some((operand) => values.has(operand))
    if (kind === 'contract' || follows) values.add(node)
  }
  return { values, parameters }
}

/** What a contraction reads, back to where sums, lookups and other contractions made it. */
function feed(from: Node, values: Set<Node>, parameters: Set<string>): void {
  const pending = [from]
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (values.has(node) || node.dtype !== 'float' || node.shape.length === 0) continue
    const path = parameterPath(node)
    if (path !== undefined) parameters.add(path)
    const { kind } = lowerOf(node)
    if (kind === 'leaf' || kind === 'index') continue
    values.add(node)
    // What is spread over rows was made of them: a statistic, or a bias.
    const spreads = (operand: Node) => operand.shape.length < node.shape.length
    if (kind === 'map' || kind === 'view')
      pending.push(...node.operands.filter((operand) => kind === 'map' || !spreads(operand)))
  }
}
