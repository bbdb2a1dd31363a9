/** One element of a fold: the sum of the windows that cover it. */
import { ceilQuotient, dim } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import {
  addIndex,
  axisIndex,
  divisibleGuard,
  insideGuard,
  offsetIndex,
  quotientIndex,
  remainderIndex,
  scaleIndex,
  sumIndex,
} from '../ir/index.ts'
import type { Guard, Index, Scalar } from '../ir/kernel.ts'
import { elementAt, type Reader } from './element.ts'

/**
 * The windows that cover an element: those `o`, `k` with `o·stride + k·dilation - low = h`. Undilated, `k` is known
 * modulo the stride, so only `⌈K / stride⌉` of the pairs are tried: none in vain, and no loop where windows do not overlap.
 */
export function folded(reader: Reader, node: Node<'fold'>, index: readonly Index[]): Scalar {
  const { axis, stride, dilation, low } = node.attributes
  const operand = node.operands[0]!
  const [windows, size] = [operand.shape[axis]!, operand.shape[axis + 1]!]
  const { scalars } = reader
  const at = offsetIndex(index[axis]!, dim(low))
  const nothing = scalars.number(0, node.dtype)
  const element = (o: Index, k: Index, guards: readonly (Guard | undefined)[]): Scalar =>
    scalars.guarded(
      [...guards, insideGuard(o, windows), insideGuard(k, size)],
      elementAt(reader, operand, index.toSpliced(axis, 1, o, k)),
      nothing,
    )
  if (dilation === 1) {
    const tries = { name: 'w', extent: ceilQuotient(size, dim(stride)) }
    const step = axisIndex(tries)
    const k = sumIndex([
      { factor: dim(stride), index: step },
      { factor: dim(1), index: remainderIndex(at, dim(stride)) },
    ])
    const o = addIndex(quotientIndex(at, dim(stride)), scaleIndex(step, dim(-1)))
    const value = element(o, k, [])
    return step.kind === 'dim' ? value : scalars.reduce('sum', [tries], value, node.dtype)
  }
  const tries = { name: 'w', extent: size }
  const k = axisIndex(tries)
  const distance = addIndex(at, scaleIndex(k, dim(-dilation)))
  const value = element(quotientIndex(distance, dim(stride)), k, [divisibleGuard(distance, dim(stride))])
  return k.kind === 'dim' ? value : scalars.reduce('sum', [tries], value, node.dtype)
}
