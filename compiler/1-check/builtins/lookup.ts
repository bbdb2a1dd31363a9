/** Tensors from nothing, and places in tensors that are data. */
import * as shapes from '../../diagnostics/shapes.ts'
import { ceilQuotient, type Dim, dim, one, product, subtract } from '../../ir/dim.ts'
import type { DType, Node } from '../../ir/graph.ts'
import { canBeTensor } from '../coerce.ts'
import { fail } from '../elaboration.ts'
import { broadcastTo, build, cast, constant, emit, sizeOf } from '../emit.ts'
import { dimText, tensor, typeText } from '../value.ts'
import type { Builtin, BuiltinCall } from './builtin.ts'

function shapeOf(call: BuiltinCall): readonly Dim[] {
  const shape = call.dims('shape')
  for (const d of shape)
    if (d.constant !== undefined && d.constant < 0)
      return fail(call.e, shapes.negativeSize, { span: call.at('shape'), what: 'a shape', dim: dimText(d) })
  return shape
}

const filled = (name: 'zeros' | 'ones', value: number): Builtin => ({
  name,
  signature: `${name}(shape: dims, dtype: string = "float") -> tensor`,
  doc: `a tensor of ${name}; as a first value, \`= ${name}\``,
  initializer: { kind: 'constant', value },
  apply: (call) => tensor(broadcastTo(call.e, constant(call.e, value, dtypeOf(call)), shapeOf(call))),
})

function dtypeOf(call: BuiltinCall): DType {
  const name = call.text('dtype')
  return name === 'float' || name === 'int' || name === 'bool'
    ? name
    : call.bad('dtype', `it is "float", "int" or "bool", not ${JSON.stringify(name)}`)
}

const like = (name: 'zeros_like' | 'ones_like', value: number): Builtin => ({
  name,
  signature: `${name}(x: tensor) -> tensor`,
  doc: `a tensor of ${value}s of the shape and dtype of x`,
  apply: (call) => {
    const x = call.tensor('x')
    return tensor(broadcastTo(call.e, constant(call.e, value, x.dtype), x.shape))
  },
})

function indicesOf(call: BuiltinCall): Node {
  const indices = call.tensor('indices', 'int')
  return indices.dtype === 'int'
    ? indices
    : fail(call.e, shapes.indexDtype, { span: call.at('indices'), given: typeText(indices) })
}

export const lookupRows: readonly Builtin[] = [
  filled('zeros', 0),
  filled('ones', 1),
  like('zeros_like', 0),
  like('ones_like', 1),
  {
    name: 'full',
    signature: 'full(shape: any, value: any = none) -> tensor',
    doc: 'a tensor of one value; as a first value, `= full(0.1)`',
    apply: (call) => {
      const [shape, value] = [call.value('shape'), call.value('value')]
      if (value.kind === 'none' && shape.kind === 'number')
        return { kind: 'initializer', initializer: { kind: 'constant', value: shape.value } }
      if (!canBeTensor(value)) return call.wrong('value', 'a number or a tensor')
      const node = call.tensor('value')
      if (node.shape.length > 0) return call.wrong('value', 'one number')
      return tensor(broadcastTo(call.e, node, shapeOf(call)))
    },
  },
  {
    name: 'arange',
    signature: 'arange(start: any, stop: any = none, step: int = 1) -> tensor',
    doc: 'the whole numbers from `start` (0 if only one bound is given) up to `stop`, as ints',
    apply: (call) => {
      const open = call.absent('stop')
      const [start, stop] = open ? [undefined, call.dim('start')] : [call.dim('start'), call.dim('stop')]
      const step = call.int('step')
      if (step < 1) return call.bad('step', 'it must be at least 1')
      const length = start ? subtract(stop, start) : stop
      if (length.constant !== undefined && length.constant < 0)
        return call.bad(undefined, `there is nothing from ${start ? dimText(start) : 0} up to ${dimText(stop)}`)
      const { e } = call
      const count = ceilQuotient(length, dim(step))
      const index = emit(e, 'iota', [], { shape: [count], axis: 0 })
      const first =
        start && (start.constant !== undefined ? constant(e, start.constant, 'int') : cast(e, sizeOf(e, start), 'int'))
      return tensor(
        build(e, [], (b) => {
          const scaled = step === 1 ? index : b.mul(index, step)
          return first && start.constant !== 0 ? b.add(scaled, first) : scaled
        }),
      )
    },
  },
  {
    name: 'iota',
    signature: 'iota(shape: dims, axis: int = -1) -> tensor',
    doc: 'the index of each element along one axis, as an int',
    apply: (call) => {
      const shape = shapeOf(call)
      return tensor(emit(call.e, 'iota', [], { shape, axis: call.axis('axis', shape.length) }))
    },
  },
  {
    name: 'gather',
    signature: 'gather(x: tensor, indices: tensor, axis: int = 0) -> tensor',
    doc: 'the slices of x at indices along an axis, whose place the axes of `indices` take; `embedding[token]` says the same',
    apply: (call) => {
      const x = call.tensor('x')
      return tensor(emit(call.e, 'gather', [x, indicesOf(call)], { axis: call.axis('axis', x.shape.length) }))
    },
  },
  {
    name: 'take',
    signature: 'take(x: tensor, indices: tensor, axis: int = -1) -> tensor',
    doc: 'one element for each row along an axis: `take(log_p, label)[b] = log_p[b, label[b]]`',
    apply: (call) => {
      const x = call.tensor('x')
      const axis = call.axis('axis', x.shape.length)
      const indices = indicesOf(call)
      const rows = x.shape.filter((_, i) => i !== axis)
      if (rows.length !== indices.shape.length || rows.some((d, i) => d !== indices.shape[i]))
        return fail(call.e, shapes.takeDiffers, {
          span: call.at('indices'),
          data: { span: call.at('x'), type: typeText(x) },
          given: typeText(indices),
          wanted: `int[${rows.map((d) => dimText(d)).join(', ')}]`,
        })
      return tensor(takeAlong(call, x, indices, axis))
    },
  },
  {
    name: 'one_hot',
    signature: 'one_hot(indices: tensor, classes: int) -> tensor',
    doc: 'a new last axis that is 1 at the index and 0 elsewhere',
    apply: (call) => {
      const indices = indicesOf(call)
      const classes = call.dim('classes')
      const shape = [...indices.shape, classes]
      const positions = emit(call.e, 'iota', [], { shape, axis: shape.length - 1 })
      return tensor(
        build(call.e, [indices], (b) => b.cast(b.eq(b.reshape(indices, [...indices.shape, one]), positions), 'float')),
      )
    },
  },
]

/** One flat lookup: row number times the row's length, plus the index. */
function takeAlong(call: BuiltinCall, x: Node, indices: Node, axis: number): Node {
  const size = x.shape[axis]!
  const rows = product(indices.shape)
  return build(call.e, [x, indices], (b) => {
    const last = b.permute(x, [...x.shape.keys()].filter((i) => i !== axis).concat(axis))
    const flat = b.reshape(last, [product(x.shape)])
    const width = size.constant !== undefined ? b.constant(size.constant, 'int') : b.cast(b.size(size), 'int')
    // Indices outside the row would reach into the next one: they are clamped, as `gather` clamps its own.
    const inside = b.maximum(b.minimum(b.reshape(indices, [rows]), b.sub(width, 1)), 0)
    const at = b.add(b.mul(b.iota([rows], 0), width), inside)
    return b.reshape(b.gather(flat, at, 0), indices.shape)
  })
}
