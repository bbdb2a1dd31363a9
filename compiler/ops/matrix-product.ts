/** `a @ b` as a contraction, by numpy's rules for vectors and batch axes. */
import { one } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import type { GraphBuilder } from './builder.ts'
import type { Access, ContractAxis } from './contract.ts'
import { fault, printType } from './faults.ts'

export function matrixProduct(b: GraphBuilder, left: Node, right: Node): Node {
  for (const [index, node] of [left, right].entries())
    if (node.shape.length === 0) fault('rank', 'a scalar has no matrix product', index)
  const leftDepth = left.shape.length - 1
  const rightDepth = Math.max(0, right.shape.length - 2)
  if (left.shape[leftDepth] !== right.shape[rightDepth])
    fault(
      'dims-differ',
      `the last axis of ${printType(left)} is ${left.shape[leftDepth]!.key}, the axis of ${printType(right)} that it meets is ${right.shape[rightDepth]!.key}`,
      1,
    )
  const leftBatch = left.shape.slice(0, -2)
  const rightBatch = right.shape.slice(0, -2)
  const batch = b.broadcastShape([
    { shape: leftBatch, dtype: 'float' },
    { shape: rightBatch, dtype: 'float' },
  ])
  const batchNames = batch.map((_, axis) => `b${axis}`)

  const axes: ContractAxis[] = batch.map((size, axis) => ({ name: `b${axis}`, size }))
  const side = (node: Node, matrix: readonly string[]) => {
    const own = node.shape.slice(0, -2)
    // A batch axis of size 1 that stretches is dropped: the operand is read without it.
    const kept = own.map((_, axis) => axis).filter((axis) => own[axis] === batch[axis + batch.length - own.length])
    const names = [...kept.map((axis) => batchNames[axis + batch.length - own.length]!), ...matrix]
    const shape = [...kept.map((axis) => own[axis]!), ...node.shape.slice(-matrix.length)]
    return {
      node: b.reshape(node, shape),
      accesses: names.map((axis): Access => ({ terms: [{ axis, stride: 1 }], offset: 0, divisor: 1 })),
    }
  }
  const [isRow, isColumn] = [left.shape.length === 1, right.shape.length === 1]
  if (!isRow) axes.push({ name: 'm', size: left.shape.at(-2) ?? one })
  if (!isColumn) axes.push({ name: 'n', size: right.shape.at(-1) ?? one })
  axes.push({ name: 'k', size: left.shape[leftDepth]! })
  const l = side(left, isRow ? ['k'] : ['m', 'k'])
  const r = side(right, isColumn ? ['k'] : ['k', 'n'])
  return b.node('contract', [l.node, r.node], {
    axes,
    left: l.accesses,
    right: r.accesses,
    output: [...batchNames, ...(isRow ? [] : ['m']), ...(isColumn ? [] : ['n'])],
  })
}
