/**
 * A block of an operand → packed in work space, where the inner kernel reads it. Lanes run along whichever of the
 * block's two directions lies side by side in memory; where that is not the direction of the packed rows, the four
 * elements are written to four of those.
 */
import type { Axis, Scalar } from '../../ir/kernel.ts'
import { type Expression, number } from './code.ts'
import { type Context, named } from './context.ts'
import { alongFlat } from './flat.ts'
import { op, plus, storeItems, storeLaneItems, times } from './instructions.ts'
import { laneQuality } from './lane-choice.ts'
import { printScalar, printVector } from './print-scalar.ts'

/** A run of the flat index over some axes. */
export interface Run {
  readonly axes: readonly Axis[]
  readonly begin: Expression
  readonly end: Expression
}

/** Element (o, i) of the block goes to `base + pitch·o + 4·i`. */
export interface Packing {
  readonly operand: Scalar
  readonly outer: Run
  readonly inner: Run
  readonly base: Expression
  readonly pitch: number
}

export function pack(context: Context, { operand, outer, inner, base, pitch }: Packing): void {
  const quality = ({ axes }: Run) => {
    const last = axes.findLast((axis) => axis.extent.constant !== 1)
    return last ? laneQuality(context.fn, [operand], last) : 0
  }
  const [along, across] = [quality(inner), quality(outer)]
  const lanesAcross = across > along
  const place = (o: Expression, i: Expression) =>
    plus(
      plus(base, times(op('i32.sub', o, outer.begin), number(pitch))),
      times(op('i32.sub', i, inner.begin), number(4)),
    )
  const [first, second] = lanesAcross ? [inner, outer] : [outer, inner]
  alongFlat(context, first.axes, first.begin, first.end, false, (row, f) =>
    alongFlat(row, second.axes, second.begin, second.end, Math.max(along, across) > 0, (at, s) => {
      const address = named(at, lanesAcross ? place(s, f) : place(f, s))
      if (!at.lanes) return at.block.add(storeItems(address, printScalar(at, operand)))
      const four = named(at, printVector(at, operand))
      if (!lanesAcross) return at.block.add(storeItems(address, four))
      for (let lane = 0; lane < 4; lane++) at.block.add(storeLaneItems(address, four, lane, lane * pitch))
    }),
  )
}
