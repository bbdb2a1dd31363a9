/** Prefix sums along an axis. */
import { requireAxis, requireDtype } from './faults.ts'
import type { OpDef } from './op.ts'
import { costPerElement, count, emptyValue } from './values.ts'

export interface CumsumAttributes {
  readonly axis: number
  /** Sums from the end. */
  readonly reverse: boolean
  /** Leaves the element itself out. */
  readonly exclusive: boolean
}
export const cumsum: OpDef<'cumsum', CumsumAttributes> = {
  name: 'cumsum',
  doc: 'the sum of the elements up to each one along an axis',
  lower: { kind: 'running' },
  type: (operands, { axis }) => {
    const operand = requireDtype(operands, 0, 'float', 'int')
    requireAxis(operand, axis)
    return operand
  },
  gradient: (b, _node, g, { axis, reverse, exclusive }) => [b.cumsum(g, axis, { reverse: !reverse, exclusive })],
  evaluate: ([operand], { axis, reverse, exclusive }, context, node) => {
    const result = emptyValue(node, context)
    const along = operand!.shape[axis]!
    const inner = count(operand!.shape.slice(axis + 1))
    const outer = count(operand!.shape.slice(0, axis))
    for (let o = 0; o < outer; o++)
      for (let i = 0; i < inner; i++) {
        let sum = 0
        for (let step = 0; step < along; step++) {
          const at = (o * along + (reverse ? along - 1 - step : step)) * inner + i
          if (exclusive) result.data[at] = sum
          sum += operand!.data[at]!
          if (!exclusive) result.data[at] = sum
        }
      }
    return result
  },
  cost: (node) => costPerElement(node, 1),
  samples: [false, true].flatMap((reverse) =>
    [false, true].flatMap((exclusive) => [
      { operands: [{ shape: [7] }], attributes: { axis: 0, reverse, exclusive } },
      { operands: [{ shape: [3, 5, 2] }], attributes: { axis: 1, reverse, exclusive }, note: 'a middle axis' },
      { operands: [{ shape: [0, 3] }], attributes: { axis: 0, reverse, exclusive }, note: 'no element' },
    ]),
  ),
  print: ({ axis, reverse, exclusive }) => `axis=${axis}${reverse ? ' reverse' : ''}${exclusive ? ' exclusive' : ''}`,
}
