/** How a contraction reads its operands, and one element of a contraction as a sum inside a lane. */
import { dim } from '../../ir/dim.ts'
import type { Node } from '../../ir/graph.ts'
import { axisIndex, divisibleGuard, insideGuard, quotientIndex, sumIndex } from '../../ir/index.ts'
import type { Axis, Guard, Index, Scalar } from '../../ir/kernel.ts'
import { elementAt, type Reader } from '../../ops/element.ts'

export type Access = Node<'contract'>['attributes']['left'][number]

/** The operand at the indices its accesses say; 0 where one does not divide or falls outside. */
export function accessed(
  reader: Reader,
  operand: Node,
  accesses: readonly Access[],
  at: ReadonlyMap<string, Index>,
): Scalar {
  const guards: (Guard | undefined)[] = []
  const index = accesses.map(({ terms, offset, divisor }, position): Index => {
    const sum = sumIndex(
      terms.map(({ axis, stride }) => ({ factor: dim(stride), index: at.get(axis)! })),
      dim(offset),
    )
    const place = quotientIndex(sum, dim(divisor))
    guards.push(divisibleGuard(sum, dim(divisor)), insideGuard(place, operand.shape[position]!))
    return place
  })
  return reader.scalars.guarded(guards, elementAt(reader, operand, index), reader.scalars.number(0, 'float'))
}

/** One element of the contraction. */
export function contractedAt(reader: Reader, node: Node<'contract'>, index: readonly Index[]): Scalar {
  const { axes, left, right, output } = node.attributes
  const depth = new Map<string, Axis>()
  for (const { name, size } of axes) if (!output.includes(name)) depth.set(name, { name: 'w', extent: size })
  const at = new Map<string, Index>()
  for (const { name } of axes)
    at.set(name, depth.has(name) ? axisIndex(depth.get(name)!) : index[output.indexOf(name)]!)
  const { scalars } = reader
  const factors = [accessed(reader, node.operands[0]!, left, at), accessed(reader, node.operands[1]!, right, at)]
  const looped = [...depth.values()].filter(({ extent }) => extent.constant !== 1)
  const value = scalars.apply('mul', factors, 'float')
  return looped.length > 0 ? scalars.reduce('sum', looped, value, 'float') : value
}
