/** Recurrent cells written as the lecture has them, each over a sequence, with a loss that reads all results. */
import { differentiate } from '../../compiler/3-differentiate/differentiate.ts'
import { type Dim, dim, zero } from '../../compiler/ir/dim.ts'
import type { Graph, Node } from '../../compiler/ir/graph.ts'
import { GraphBuilder } from '../../compiler/ops/builder.ts'

export interface Sizes {
  readonly length: Dim
  readonly batch: Dim
  readonly width: number
  readonly hidden: number
  readonly reverse: boolean
}

export type Cell = (b: GraphBuilder, x: Node, carries: readonly Node[], hidden: number) => Node[]

const sigmoid = (b: GraphBuilder, n: Node) => b.add(b.mul(b.tanh(b.mul(n, 0.5)), 0.5), 0.5)
const weight = (b: GraphBuilder, name: string, ...shape: number[]) => b.parameter(name, shape.map(dim))
const part = (b: GraphBuilder, z: Node, k: number, hidden: number) =>
  b.slice(z, [zero, dim(k * hidden)], [z.shape[0]!, dim(hidden)])

export const cells = {
  rnn: (b, x, [h], hidden) => {
    const [wx, wh] = [weight(b, 'wx', x.shape[1]!.constant!, hidden), weight(b, 'wh', hidden, hidden)]
    return [b.tanh(b.add(b.add(b.matmul(x, wx), b.matmul(h!, wh)), weight(b, 'bias', hidden)))]
  },
  lstm: (b, x, [h, c], hidden) => {
    const [wx, wh] = [weight(b, 'wx', x.shape[1]!.constant!, 4 * hidden), weight(b, 'wh', hidden, 4 * hidden)]
    const z = b.add(b.add(b.matmul(x, wx), b.matmul(h!, wh)), weight(b, 'bias', 4 * hidden))
    const gate = (k: number) => part(b, z, k, hidden)
    const next = b.add(b.mul(sigmoid(b, gate(1)), c!), b.mul(sigmoid(b, gate(0)), b.tanh(gate(3))))
    return [b.mul(sigmoid(b, gate(2)), b.tanh(next)), next]
  },
  gru: (b, x, [h], hidden) => {
    const width = x.shape[1]!.constant!
    const both = b.add(
      b.matmul(x, weight(b, 'wx', width, 2 * hidden)),
      b.matmul(h!, weight(b, 'wh', hidden, 2 * hidden)),
    )
    const gates = sigmoid(b, b.add(both, weight(b, 'bias', 2 * hidden)))
    const [update, reset] = [part(b, gates, 0, hidden), part(b, gates, 1, hidden)]
    const own = b.matmul(b.mul(reset, h!), weight(b, 'uh', hidden, hidden))
    const candidate = b.tanh(b.add(b.add(b.matmul(x, weight(b, 'ux', width, hidden)), own), weight(b, 'ubias', hidden)))
    return [b.add(b.mul(b.sub(1, update), h!), b.mul(update, candidate))]
  },
} satisfies Record<string, Cell>

/** The cell over a sequence, a product with its outputs, the loss and the gradients of all that is given. */
export function recurrence(
  cell: Cell,
  count: number,
  { length, batch, width, hidden, reverse }: Sizes,
  gradients = true,
): Graph {
  const b = new GraphBuilder()
  const x = b.input('x', [length, batch, dim(width)])
  const first = Array.from({ length: count }, (_, i) => b.input(`first${i}`, [batch, dim(hidden)]))
  const element = b.bound([batch, dim(width)])
  const carries = first.map((node) => b.bound(node.shape))
  const next = cell(b, element, carries, hidden)
  const wy = weight(b, 'wy', hidden, 3)
  const results = b.scan({
    length,
    reverse,
    elements: [{ leaf: element, stack: x }],
    carries: carries.map((leaf, i) => ({ leaf, initial: first[i]!, next: next[i]! })),
    yields: [b.matmul(next[0]!, wy)],
  })
  const last = results.slice(0, count)
  const output = results[count]!
  const target = b.input('target', output.shape)
  const error = b.sub(output, target)
  const loss = last.reduce(
    (sum, node) => b.add(sum, b.sum(b.mul(node, node), [0, 1])),
    b.sum(b.mul(error, error), [0, 1, 2]),
  )
  if (!gradients) return b.graph('infer', [{ name: 'output', node: output, role: 'output' }])
  const parameters = ['wx', 'wh', 'bias', 'ux', 'uh', 'ubias', 'wy']
  const leaves = leavesOf(loss).filter(
    (node) => node.op === 'input' || (node.op === 'parameter' && parameters.includes(node.attributes.path)),
  )
  return b.graph('train', [
    { name: 'loss', node: loss, role: 'loss' },
    { name: 'output', node: output, role: 'output' },
    ...differentiate(b, loss, leaves).map((node, i) => ({ name: `grad${i}`, node, role: 'gradient' as const })),
  ])
}

function leavesOf(root: Node): Node[] {
  const seen = new Set<Node>()
  const pending = [root]
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (seen.has(node)) continue
    seen.add(node)
    pending.push(...node.operands)
  }
  return [...seen].filter((node) => node.operands.length === 0).sort((a, b) => a.id - b.id)
}
