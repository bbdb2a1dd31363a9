/** Constants: what can be computed now is. Values that are not finite are left to the device, where they can be seen. */

import { dim } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import { scalarMeaningFor } from '../ir/scalar.ts'
import type { GraphBuilder } from '../ops/builder.ts'
import type { Value } from '../ops/op.ts'
import { lowerOf, opOf } from '../ops/registry.ts'
import { number, splat } from './rule.ts'
import type { Rule } from './rules.ts'

/** Larger literals are not computed here: the graph would grow more than the program shrinks. */
const maxElements = 256

export const folding: readonly Rule[] = [
  // f(c, d, …) = the number f(c, d, …)
  { name: 'fold-constants', ops: undefined, kind: 'map', operands: number, apply: foldConstants },
  // op(literal, literal, …) = the literal of its value
  { name: 'fold-literals', ops: undefined, operands: ['literal'], apply: foldLiterals },
]

function foldConstants(node: Node, { builder: b }: { readonly builder: GraphBuilder }): Node | undefined {
  const values: number[] = []
  for (let at = 0; at < node.operands.length; at++) {
    const value = splat(node.operands[at]!)
    if (value === undefined) return undefined
    values.push(value)
  }
  const lowering = lowerOf(node)
  if (lowering.kind !== 'map') return undefined
  const value = scalarMeaningFor(lowering.scalar, node.operands[0]!.dtype)(...values)
  return Number.isFinite(value) ? b.full(node.shape, value, node.dtype) : undefined
}

const isLiteral = (node: Node): boolean => node.op === 'literal'
const isSmall = ({ shape }: Node): boolean =>
  shape.every((size) => size.constant !== undefined) &&
  shape.reduce((count, size) => count * size.constant!, 1) <= maxElements

function foldLiterals(node: Node, { builder: b }: { readonly builder: GraphBuilder }): Node | undefined {
  let literals = 0
  for (let at = 0; at < node.operands.length; at++) {
    const operand = node.operands[at]!
    if (isLiteral(operand)) literals++
    else if (splat(operand) === undefined) return undefined
  }
  if (literals === 0) return undefined
  const { kind } = lowerOf(node)
  if (kind === 'scan' || kind === 'project') return undefined
  if (!isSmall(node) || !node.operands.every(isSmall)) return undefined
  const sizes = {
    size: (d: (typeof node.shape)[number]) => d.constant!,
    allocate: (_: unknown, count: number) => new Float64Array(count),
  }
  const context = {
    ...sizes,
    leaf: () => {
      throw new Error('a literal has no leaf')
    },
  }
  const values = node.operands.map((operand): Value => {
    const shape = operand.shape.map((size) => size.constant!)
    const fill = splat(operand)
    if (operand.op === 'literal')
      return { shape, dtype: operand.dtype, data: Float64Array.from(operand.attributes.data) }
    return { shape, dtype: operand.dtype, data: new Float64Array(shape.reduce((x, y) => x * y, 1)).fill(fill!) }
  })
  const result = opOf(node).evaluate(values, node.attributes as never, context, node)
  if (!result.data.every(Number.isFinite)) return undefined
  if (result.data.length > 0 && result.data.every((value) => value === result.data[0]))
    return b.full(node.shape, result.data[0]!, node.dtype)
  return b.reshape(b.literal([...result.data], result.shape, node.dtype), result.shape.map(dim))
}
