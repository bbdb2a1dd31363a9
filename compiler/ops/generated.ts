/** Ops whose elements are functions of their own index (and a key): no operand is read. */
import { type Dim, dim, printDims } from '../ir/dim.ts'
import type { DType } from '../ir/graph.ts'
import { threefry } from '../ir/threefry.ts'
import { fault, printType, requireAxis } from './faults.ts'
import type { OpDef } from './op.ts'
import { costPerElement, count, emptyValue, free } from './values.ts'

export interface ConstantAttributes {
  readonly value: number
  readonly dtype: DType
}
export const constant: OpDef<'constant', ConstantAttributes> = {
  name: 'constant',
  doc: 'one number, as a scalar tensor',
  lower: { kind: 'index', cheap: true },
  type: (_, { dtype }) => ({ shape: [], dtype }),
  gradient: undefined,
  evaluate: (_operands, { value }, context, node) => {
    const result = emptyValue(node, context)
    result.data[0] = value
    return result
  },
  cost: () => free,
  samples: [
    { operands: [], attributes: { value: 0.1, dtype: 'float' } },
    { operands: [], attributes: { value: -3, dtype: 'int' }, note: 'an int' },
  ],
  print: ({ value, dtype }) => `${dtype} ${value}`,
}

export interface SizeAttributes {
  readonly dim: Dim
}
export const size: OpDef<'size', SizeAttributes> = {
  name: 'size',
  doc: 'the value of a dim, as a float scalar',
  lower: { kind: 'index', cheap: true },
  type: () => ({ shape: [], dtype: 'float' }),
  gradient: undefined,
  evaluate: (_operands, attributes, context, node) => {
    const result = emptyValue(node, context)
    result.data[0] = context.size(attributes.dim)
    return result
  },
  cost: () => free,
  samples: [{ operands: [], attributes: { dim: dim(12) } }],
  print: (attributes) => attributes.dim.key,
}

export interface IotaAttributes {
  readonly shape: readonly Dim[]
  readonly axis: number
}
export const iota: OpDef<'iota', IotaAttributes> = {
  name: 'iota',
  doc: 'the index along one axis, as an int',
  lower: { kind: 'index', cheap: true },
  type: (_, { shape, axis }) => {
    requireAxis({ shape, dtype: 'int' }, axis)
    return { shape, dtype: 'int' }
  },
  gradient: undefined,
  evaluate: (_operands, { axis }, context, node) => {
    const result = emptyValue(node, context)
    const inner = count(result.shape.slice(axis + 1))
    const along = result.shape[axis]!
    for (let i = 0; i < result.data.length; i++) result.data[i] = Math.floor(i / inner) % along
    return result
  },
  cost: () => free,
  samples: [
    { operands: [], attributes: { shape: [dim(5)], axis: 0 } },
    { operands: [], attributes: { shape: [dim(3), dim(7), dim(2)], axis: 1 }, note: 'a middle axis' },
    { operands: [], attributes: { shape: [dim(3), dim(0)], axis: 1 }, note: 'no element' },
  ],
  print: ({ shape, axis }) => `${printDims(shape)} axis=${axis}`,
}

export interface RandomBitsAttributes {
  /** Tells the places of a program apart that draw from one key. */
  readonly site: number
  readonly shape: readonly Dim[]
}
export const randomBits: OpDef<'random_bits', RandomBitsAttributes> = {
  name: 'random_bits',
  doc: 'the first word of Threefry-2x32-20 under the key (seed, step), counting (element index, site); a second operand, an int scalar, is added to the site',
  lower: { kind: 'index', cheap: false },
  type: (operands, { shape }) => {
    const key = operands[0]!
    if (key.dtype !== 'uint' || key.shape.length !== 1 || key.shape[0]!.constant !== 2)
      fault('key', `the key is ${printType(key)}, where uint[2] is needed`, 0)
    const layer = operands[1]
    if (layer && (layer.dtype !== 'int' || layer.shape.length > 0))
      fault('key', `the layer is ${printType(layer)}, where an int scalar is needed`, 1)
    return { shape, dtype: 'uint' }
  },
  gradient: undefined,
  evaluate: ([key, layer], attributes, context, node) => {
    const site = attributes.site + (layer?.data[0] ?? 0)
    const result = emptyValue(node, context)
    const [seed, step] = [key!.data[0]!, key!.data[1]!]
    for (let i = 0; i < result.data.length; i++) result.data[i] = threefry(seed, step, i, site)[0]
    return result
  },
  // Twenty rounds of an addition, a rotation (three operations) and an exclusive or.
  cost: (node) => costPerElement(node, 100),
  samples: [
    {
      operands: [{ shape: [2], dtype: 'uint', range: [0, 4294967295] }],
      attributes: { site: 3, shape: [dim(7), dim(5)] },
    },
    {
      operands: [
        { shape: [2], dtype: 'uint', range: [0, 4294967295] },
        { shape: [], dtype: 'int', range: [0, 9] },
      ],
      attributes: { site: 4, shape: [dim(3), dim(5)] },
      note: 'of a layer',
    },
    { operands: [{ shape: [2], dtype: 'uint' }], attributes: { site: 0, shape: [dim(0)] }, note: 'no element' },
  ],
  print: ({ site, shape }) => `${printDims(shape)} site=${site}`,
}
