/** Choice, conversion and the stop of gradients: maps whose operands differ in dtype or whose meaning is in an attribute. */
import type { DType } from '../ir/graph.ts'
import type { ScalarFunction } from '../ir/scalar.ts'
import { fault, requireDtype, requireSameDtype, requireSameShape } from './faults.ts'
import { evaluateMap } from './map-loops.ts'
import type { NoAttributes, OpDef } from './op.ts'
import { costPerElement, free } from './values.ts'

export const select: OpDef<'select', NoAttributes> = {
  name: 'select',
  doc: '`a` where the condition is true, else `b`',
  lower: { kind: 'map', scalar: 'select', cheap: true },
  type: (operands) => {
    requireDtype(operands, 0, 'bool')
    return { dtype: requireSameDtype(operands, [1, 2]), shape: requireSameShape(operands, [0, 1, 2]) }
  },
  gradient: (b, node, g) => [undefined, b.select(node.operands[0]!, g, 0), b.select(node.operands[0]!, 0, g)],
  evaluate: (operands, _, context, node) => evaluateMap('select', operands, context, node),
  cost: (node) => costPerElement(node, 1),
  samples: [[], [1], [5, 7], [0, 2]].map((shape) => ({
    operands: [{ shape, dtype: 'bool' }, { shape }, { shape }],
    attributes: {},
  })),
}

export interface CastAttributes {
  readonly to: DType
}

const conversion: Readonly<Record<DType, ScalarFunction>> = {
  float: 'to_float',
  int: 'to_int',
  uint: 'to_uint',
  bool: 'to_bool',
}

export const cast: OpDef<'cast', CastAttributes> = {
  name: 'cast',
  doc: '`x` as another dtype: a float is cut towards zero, a bool is 0 or 1, a number is true unless 0',
  lower: { kind: 'map', scalar: 'to_float', cheap: true },
  lowerAs: ({ to }) => ({ kind: 'map', scalar: conversion[to], cheap: true }),
  type: ([operand], { to }) => {
    const { shape, dtype } = operand!
    // Words of random bits are not numbers: their sign would depend on the reader.
    if ((dtype === 'uint' && to === 'int') || (dtype === 'int' && to === 'uint'))
      fault('dtype', `${dtype} does not convert to ${to}`, 0)
    return { shape, dtype: to }
  },
  gradient: (_b, node, g) => [node.dtype === 'float' && node.operands[0]!.dtype === 'float' ? g : undefined],
  evaluate: (operands, { to }, context, node) => evaluateMap(conversion[to], operands, context, node),
  cost: (node) => costPerElement(node, 1),
  samples: [
    { operands: [{ shape: [7, 3], range: [-9, 9] }], attributes: { to: 'int' }, note: 'float to int' },
    { operands: [{ shape: [5], dtype: 'int' }], attributes: { to: 'float' }, note: 'int to float' },
    { operands: [{ shape: [2, 1], dtype: 'bool' }], attributes: { to: 'float' }, note: 'bool to float' },
    { operands: [{ shape: [4], dtype: 'int', range: [0, 1] }], attributes: { to: 'bool' }, note: 'int to bool' },
    { operands: [{ shape: [0] }], attributes: { to: 'int' }, note: 'no element' },
  ],
}

export const unitFloat: OpDef<'unit_float', NoAttributes> = {
  name: 'unit_float',
  doc: 'random bits as a number in [0, 1): the top 24 bits over 2²⁴',
  lower: { kind: 'map', scalar: 'unit_float', cheap: true },
  type: (operands) => ({ shape: requireDtype(operands, 0, 'uint').shape, dtype: 'float' }),
  gradient: undefined,
  evaluate: (operands, _, context, node) => evaluateMap('unit_float', operands, context, node),
  cost: (node) => costPerElement(node, 1),
  samples: [{ operands: [{ shape: [3, 5], dtype: 'uint', range: [0, 4294967295] }], attributes: {} }],
}

/** Two nodes of one expression are one: what is to be computed a second time is made of this. */
export const again: OpDef<'again', NoAttributes> = {
  name: 'again',
  doc: '`x`, once more: what is made of it is computed a second time instead of kept from the first',
  lower: { kind: 'map', scalar: 'to_float', cheap: true },
  lowerAs: (_, dtype) => ({ kind: 'map', scalar: conversion[dtype], cheap: true }),
  type: ([operand]) => operand!,
  gradient: (_b, _node, g) => [g],
  evaluate: ([operand]) => operand!,
  cost: () => free,
  samples: [
    { operands: [{ shape: [2, 3] }], attributes: {} },
    { operands: [{ shape: [5], dtype: 'int' }], attributes: {}, note: 'int' },
  ],
}

export const stopGradient: OpDef<'stop_gradient', NoAttributes> = {
  name: 'stop_gradient',
  doc: '`x`, as a constant to differentiation',
  lower: { kind: 'map', scalar: 'to_float', cheap: true },
  lowerAs: (_, dtype) => ({ kind: 'map', scalar: conversion[dtype], cheap: true }),
  type: ([operand]) => operand!,
  gradient: undefined,
  evaluate: ([operand]) => operand!,
  cost: () => free,
  samples: [{ operands: [{ shape: [2, 3] }], attributes: {} }],
}
