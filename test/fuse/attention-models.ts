/** Attention written from its parts, with whatever is done to scores and weights, forward and with all gradients. */
import { differentiate } from '../../compiler/3-differentiate/differentiate.ts'
import { simplify } from '../../compiler/4-simplify/simplify.ts'
import { type Dim, dim, symbol } from '../../compiler/ir/dim.ts'
import type { Graph, Node } from '../../compiler/ir/graph.ts'
import { Model } from './models.ts'

export interface AttentionParts {
  readonly queries?: number | Dim
  readonly keys?: number | Dim
  readonly width?: number
  readonly values?: number
  readonly batch?: number | Dim
  readonly heads?: number
  readonly causal?: boolean
  /** Of keys, an input; 0 for those left out. */
  readonly mask?: boolean
  /** A penalty that grows with the distance, with a learnt slope for each head. */
  readonly distance?: boolean
  /** Such a penalty made once for all of the batch: its gradient is summed over the batch first. */
  readonly shared?: boolean
  readonly bias?: boolean
  readonly dropout?: number
  /** Divided after the sum, not before. */
  readonly late?: boolean
  /** Queries of several heads share keys. */
  readonly grouped?: boolean
}

export const free = { queries: symbol('queries'), keys: symbol('keys'), batch: symbol('batch') }
const low = -3.4028234663852886e38

export function attention(parts: AttentionParts, results: 'forward' | 'gradients' | 'weights' = 'forward'): Graph {
  const m = new Model()
  const { b } = m
  const { queries = free.queries, keys = free.keys, width = 4, values = 3, batch = free.batch, heads = 2 } = parts
  const sized = (n: number | Dim) => (typeof n === 'number' ? dim(n) : n)
  const [T, S] = [sized(queries), sized(keys)]
  const q = m.input('q', batch, heads, T, width)
  const k = m.input('k', batch, parts.grouped ? 1 : heads, S, width)
  const v = m.input('v', batch, parts.grouped ? 1 : heads, S, values)
  const leaves: Node[] = [q, k, v]
  const spread = (x: Node) =>
    parts.grouped
      ? b.broadcast(
          b.reshape(x, [x.shape[0]!, ...x.shape.slice(2)]),
          [x.shape[0]!, dim(heads), ...x.shape.slice(2)],
          [0, 2, 3],
        )
      : x
  let scores = b.mul(b.matmul(q, b.permute(spread(k), [0, 1, 3, 2])), 1 / Math.sqrt(width))
  const shape = scores.shape
  const row = b.iota(shape, 2)
  const column = b.iota(shape, 3)
  if (parts.distance) {
    const slope = m.input('slope', heads)
    leaves.push(slope)
    const far = b.cast(b.abs(b.sub(row, column)), 'float')
    scores = b.sub(scores, b.mul(far, b.broadcast(slope, shape, [1])))
  }
  if (parts.shared) {
    const slope = m.input('slope', heads)
    leaves.push(slope)
    const plane = shape.slice(1)
    const far = b.cast(b.abs(b.sub(b.iota(plane, 1), b.iota(plane, 2))), 'float')
    scores = b.sub(scores, b.mul(far, b.broadcast(slope, plane, [0])))
  }
  if (parts.bias) {
    const bias = m.input('bias', heads, T, S)
    leaves.push(bias)
    scores = b.add(scores, bias)
  }
  if (parts.causal) scores = b.select(b.le(column, row), scores, low)
  if (parts.mask) scores = b.select(b.broadcast(b.input('mask', [sized(batch), S], 'bool'), shape, [0, 3]), scores, low)
  const e = b.exp(b.sub(scores, b.stopGradient(b.max(scores, [3], true))))
  const total = b.sum(e, [3], true)
  let weights = parts.late ? e : b.div(e, total)
  if (parts.dropout) weights = m.dropout(weights, parts.dropout, 7)
  let out = b.matmul(weights, spread(v))
  if (parts.late) out = b.div(out, total)
  if (results === 'forward') return m.forward('attention', out)
  if (results === 'weights') return m.forward('attention', out, weights)
  const loss = b.sum(b.mul(out, m.input('target', batch, heads, T, values)), [0, 1, 2, 3])
  const gradients = differentiate(b, loss, leaves)
  return simplify(
    b.graph('attention', [
      { name: 'out', node: out, role: 'output' },
      ...gradients.map((node, i) => ({ name: `gradient ${leaves[i]!.id}`, node, role: 'gradient' as const })),
    ]),
  )
}
