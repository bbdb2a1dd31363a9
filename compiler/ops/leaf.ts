/** Leaves: tensors with storage of their own, known across graphs by name. */
import type { Dim } from '../ir/dim.ts'
import { dim } from '../ir/dim.ts'
import type { DType } from '../ir/graph.ts'
import { fault } from './faults.ts'
import type { OpDef } from './op.ts'
import { count, free } from './values.ts'

export interface InputAttributes {
  readonly name: string
  readonly shape: readonly Dim[]
  readonly dtype: DType
  /**
   * `cut`: a value that another part of the same graph made; `iteration`: the number of a loop's turn; `carried`: what an
   * incremental form carries from one position to the next.
   */
  readonly role: 'input' | 'target' | 'step' | 'gradient' | 'moment' | 'cut' | 'iteration' | 'carried'
}
export const input: OpDef<'input', InputAttributes> = {
  name: 'input',
  doc: 'a tensor given to the graph under a name',
  lower: { kind: 'leaf' },
  type: (_, { shape, dtype }) => ({ shape, dtype }),
  gradient: undefined,
  evaluate: (_operands, _attributes, context, node) => context.leaf(node),
  cost: () => free,
  samples: [],
  print: ({ name, role }) => (role === 'input' ? name : `${name} (${role})`),
}

export interface ParameterAttributes {
  readonly path: string
  readonly shape: readonly Dim[]
}
export const parameter: OpDef<'parameter', ParameterAttributes> = {
  name: 'parameter',
  doc: 'a trained tensor, known by its path',
  lower: { kind: 'leaf' },
  type: (_, { shape }) => ({ shape, dtype: 'float' }),
  gradient: undefined,
  evaluate: (_operands, _attributes, context, node) => context.leaf(node),
  cost: () => free,
  samples: [],
  print: ({ path }) => path,
}

export interface StateAttributes {
  readonly path: string
  readonly shape: readonly Dim[]
  readonly dtype: DType
}
export const state: OpDef<'state', StateAttributes> = {
  name: 'state',
  doc: 'a tensor that keeps its value from step to step, known by its path',
  lower: { kind: 'leaf' },
  type: (_, { shape, dtype }) => ({ shape, dtype }),
  gradient: undefined,
  evaluate: (_operands, _attributes, context, node) => context.leaf(node),
  cost: () => free,
  samples: [],
  print: ({ path }) => path,
}

export interface LiteralAttributes {
  /** Row-major. */
  readonly data: readonly number[]
  readonly shape: readonly number[]
  readonly dtype: DType
}
export const literal: OpDef<'literal', LiteralAttributes> = {
  name: 'literal',
  doc: 'numbers written in the program',
  lower: { kind: 'leaf' },
  type: (_, { data, shape, dtype }) => {
    if (count(shape) !== data.length)
      fault('count-differs', `${data.length} numbers do not fill the shape [${shape.join(', ')}]`)
    return { shape: shape.map(dim), dtype }
  },
  gradient: undefined,
  evaluate: (_operands, { data, shape, dtype }, context) => {
    const values = context.allocate(dtype, data.length)
    values.set(data)
    return { shape, dtype, data: values }
  },
  cost: () => free,
  samples: [
    { operands: [], attributes: { data: [1, -2, 3.5, 4, 5, 6], shape: [2, 3], dtype: 'float' } },
    { operands: [], attributes: { data: [], shape: [0, 3], dtype: 'int' }, note: 'no element' },
  ],
  print: ({ data, shape, dtype }) =>
    `${dtype}[${shape.join(', ')}] {${data.slice(0, 8).join(', ')}${data.length > 8 ? `, … ${data.length - 8} more` : ''}}`,
}

export interface StreamAttributes {
  readonly stream: number
}
export const stream: OpDef<'stream', StreamAttributes> = {
  name: 'stream',
  doc: 'the number of a stream of random bits, as an int scalar; kernels that differ in it alone are one, which each dispatch tells its own',
  lower: { kind: 'leaf', uniform: true },
  type: () => ({ shape: [], dtype: 'int' }),
  gradient: undefined,
  evaluate: (_operands, attributes, context) => {
    const data = context.allocate('int', 1)
    data[0] = attributes.stream
    return { shape: [], dtype: 'int', data }
  },
  cost: () => free,
  samples: [{ operands: [], attributes: { stream: 7 } }],
  print: (attributes) => String(attributes.stream),
}
