/** An index with its axes and data exchanged for others. */
import { dataIndex, quotientIndex, remainderIndex, sumIndex } from './index.ts'
import type { Axis, Index, Scalar } from './kernel.ts'

/** Replaces axes and data, and simplifies again. */
export function rewriteIndex(
  index: Index,
  axis: (axis: Axis) => Index | undefined,
  data: (value: Scalar) => Scalar,
): Index {
  const rewrite = (i: Index): Index => {
    switch (i.kind) {
      case 'dim':
        return i
      case 'axis':
        return axis(i.axis) ?? i
      case 'data':
        return dataIndex(data(i.value), i.size)
      case 'sum':
        return sumIndex(
          i.terms.map((t) => ({ factor: t.factor, index: rewrite(t.index) })),
          i.offset,
        )
      case 'quotient':
        return quotientIndex(rewrite(i.index), i.by)
      case 'remainder':
        return remainderIndex(rewrite(i.index), i.by)
      default:
        return i satisfies never
    }
  }
  return rewrite(index)
}
