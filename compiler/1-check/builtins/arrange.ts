/** Views: shapes, orders and parts of tensors. */
import type { Span } from '../../../grammar/source.ts'
import * as shapes from '../../diagnostics/shapes.ts'
import { add, type Dim, dim, exactQuotient, floorQuotient, one, product, remainder, zero } from '../../ir/dim.ts'
import type { Node } from '../../ir/graph.ts'
import { type Elaboration, fail } from '../elaboration.ts'
import { build, type Placed, promote, reshape } from '../emit.ts'
import { dimSource } from '../provenance.ts'
import { dimList, dimText, list, tensor, typeText, type Value } from '../value.ts'
import type { Builtin, BuiltinCall } from './builtin.ts'
import { rearrange } from './rearrange.ts'

const minusOne = dim(-1)

/** A shape in which one -1 stands for what is left over. */
function inferred(call: BuiltinCall, x: Node, wanted: readonly Dim[]): readonly Dim[] {
  const unknown = wanted.filter((d) => d === minusOne).length
  const total = product(x.shape)
  const known = product(wanted.filter((d) => d !== minusOne))
  const kept = x.shape.findIndex((_, axis) => product([...x.shape.slice(0, axis + 1), known]) === total)
  const facts = {
    span: call.at('shape'),
    from: typeText(x),
    to: `[${wanted.map((d) => dimText(d)).join(', ')}]`,
    has: dimText(total),
    wants: dimText(known),
    fits:
      kept < 0 || unknown > 0
        ? undefined
        : `[${[...x.shape.slice(0, kept + 1), ...wanted].map((d) => dimText(d)).join(', ')}]`,
  }
  for (const d of wanted)
    if (d !== minusOne && d.constant !== undefined && d.constant < 0)
      return fail(call.e, shapes.negativeSize, { span: call.at('shape'), what: 'the new shape', dim: dimText(d) })
  if (unknown > 1) return call.bad('shape', 'only one size can be -1')
  if (unknown === 0) return total === known ? wanted : fail(call.e, shapes.reshapeCount, facts)
  const rest = known === zero ? undefined : exactQuotient(total, known)
  if (!rest) return fail(call.e, shapes.reshapeCount, facts)
  return wanted.map((d) => (d === minusOne ? rest : d))
}

/** Tensors of a list argument, made one dtype. */
function members(call: BuiltinCall, name: string): readonly Placed[] {
  const items = call.items(name).map((value) => call.tensorOf({ name: undefined, value, span: call.at(name) }))
  if (items.length === 0) return call.bad(name, 'it needs at least one tensor')
  return items.every((i) => i.node.dtype === items[0]!.node.dtype) ? items : promote(call.e, 'joined', items)
}

function requireAlike(e: Elaboration, span: Span, items: readonly Placed[], except: number | undefined): void {
  const first = items[0]!.node
  for (const { node } of items.slice(1)) {
    const facts = { span, left: typeText(first), right: typeText(node) }
    if (node.shape.length !== first.shape.length)
      fail(e, shapes.joinDiffers, { ...facts, reason: 'they have different numbers of axes' })
    for (const [axis, d] of first.shape.entries())
      if (axis !== except && node.shape[axis] !== d)
        fail(e, shapes.joinDiffers, {
          ...facts,
          reason: `axis ${axis} is ${dimText(d)} in one and ${dimText(node.shape[axis]!)} in another`,
          sources: [dimSource(e, first, axis), dimSource(e, node, axis)],
        })
  }
}

function splitSizes(call: BuiltinCall, size: Dim): readonly Dim[] {
  const parts = call.value('parts')
  if (parts.kind === 'list') {
    const sizes = call.dims('parts')
    if (add(...sizes) !== size)
      return fail(call.e, shapes.unevenSplit, {
        span: call.at('parts'),
        size: dimText(size),
        into: `parts of ${sizes.map((s) => dimText(s)).join(', ')}`,
      })
    return sizes
  }
  const count = call.int('parts')
  if (count < 1) return call.bad('parts', 'it must be at least 1')
  if (count > 100_000) return call.bad('parts', 'it is more parts than a program can hold')
  if (remainder(size, dim(count)) !== zero)
    return fail(call.e, shapes.unevenSplit, {
      span: call.at('parts'),
      size: dimText(size),
      into: `${count} equal parts`,
    })
  return Array.from({ length: count }, () => floorQuotient(size, dim(count)))
}

export const arrangeRows: readonly Builtin[] = [
  {
    name: 'reshape',
    signature: 'reshape(x: tensor, shape: dims) -> tensor',
    doc: 'the same elements in the same order under another shape; one size may be -1',
    apply: (call) => {
      const x = call.tensor('x')
      return tensor(reshape(call.e, x, inferred(call, x, call.dims('shape'))))
    },
  },
  {
    name: 'transpose',
    signature: 'transpose(x: tensor) -> tensor',
    doc: 'the last two axes exchanged',
    apply: (call) => {
      const x = call.tensor('x')
      const rank = x.shape.length
      if (rank < 2)
        return fail(call.e, shapes.needsAxes, { span: call.at('x'), label: 'transpose', given: typeText(x), least: 2 })
      const order = x.shape.map((_, i) => (i === rank - 1 ? rank - 2 : i === rank - 2 ? rank - 1 : i))
      return tensor(build(call.e, [x], (b) => b.permute(x, order)))
    },
  },
  {
    name: 'permute',
    signature: 'permute(x: tensor, order: list) -> tensor',
    doc: 'the axes in another order: result axis i is axis `order[i]`',
    apply: (call) => {
      const x = call.tensor('x')
      const order = call.ints('order').map((axis) => call.axisOf(axis, 'order', x.shape.length))
      if (order.length !== x.shape.length || new Set(order).size !== order.length)
        return call.bad('order', `it must name each of the ${x.shape.length} axes once`)
      return tensor(build(call.e, [x], (b) => b.permute(x, order)))
    },
  },
  {
    name: 'rearrange',
    signature: 'rearrange(x: tensor, pattern: string, **sizes: int) -> tensor',
    doc: 'axes split, merged and reordered by a pattern: `rearrange(x, "b t (h d) -> b h t d", h: 8)`',
    apply: (call) => tensor(rearrange(call)),
  },
  {
    name: 'broadcast',
    signature: 'broadcast(x: tensor, shape: dims) -> tensor',
    doc: 'x repeated to a shape, by the rules of arithmetic: aligned at the last axis, a size of 1 stretches',
    apply: (call) => {
      const x = call.tensor('x')
      const shape = call.dims('shape')
      const fits =
        shape.length >= x.shape.length &&
        x.shape.every((d, i) => d === one || d === shape[i + shape.length - x.shape.length])
      if (!fits)
        return fail(call.e, shapes.broadcastFails, {
          span: call.at('shape'),
          from: typeText(x),
          to: `[${shape.map((d) => dimText(d)).join(', ')}]`,
        })
      return tensor(build(call.e, [x], (b) => b.broadcastTo(x, shape)))
    },
  },
  {
    name: 'expand',
    signature: 'expand(x: tensor, axis: int) -> tensor',
    doc: 'a new axis of size 1 at a place of the result',
    apply: (call) => {
      const x = call.tensor('x')
      const axis = call.axis('axis', x.shape.length + 1)
      return tensor(reshape(call.e, x, [...x.shape.slice(0, axis), one, ...x.shape.slice(axis)]))
    },
  },
  {
    name: 'squeeze',
    signature: 'squeeze(x: tensor, axis: axes) -> tensor',
    doc: 'axes of size 1 removed',
    apply: (call) => {
      const x = call.tensor('x')
      const axes = call.axes('axis', x.shape.length)
      const long = axes.find((axis) => x.shape[axis] !== one)
      if (long !== undefined && !call.absent('axis'))
        return call.bad('axis', `axis ${long} of ${typeText(x)} is not of size 1`)
      const gone = axes.filter((axis) => x.shape[axis] === one)
      return tensor(
        reshape(
          call.e,
          x,
          x.shape.filter((_, i) => !gone.includes(i)),
        ),
      )
    },
  },
  {
    name: 'concat',
    signature: 'concat(items: list, axis: int = -1) -> tensor',
    doc: 'tensors joined along an axis',
    apply: (call) => {
      const items = members(call, 'items')
      const axis = call.axis('axis', items[0]!.node.shape.length)
      requireAlike(call.e, call.span, items, axis)
      return tensor(
        build(
          call.e,
          items.map((i) => i.node),
          (b) =>
            b.concat(
              items.map((i) => i.node),
              axis,
            ),
        ),
      )
    },
  },
  {
    name: 'stack',
    signature: 'stack(items: list, axis: int = 0) -> tensor',
    doc: 'tensors of one shape put side by side along a new axis',
    apply: (call) => {
      const items = members(call, 'items')
      const shape = items[0]!.node.shape
      const axis = call.axis('axis', shape.length + 1)
      requireAlike(call.e, call.span, items, undefined)
      const nodes = items.map(({ node }) => reshape(call.e, node, [...shape.slice(0, axis), one, ...shape.slice(axis)]))
      return tensor(build(call.e, nodes, (b) => b.concat(nodes, axis)))
    },
  },
  {
    name: 'split',
    signature: 'split(x: tensor, parts: dims, axis: int = -1) -> list',
    doc: 'a list of parts along an axis: so many equal ones, or parts of the listed sizes',
    apply: (call) => {
      const x = call.tensor('x')
      const axis = call.axis('axis', x.shape.length)
      let start: Dim = zero
      const parts: Value[] = splitSizes(call, x.shape[axis]!).map((size) => {
        const from = start
        start = add(start, size)
        return tensor(
          build(call.e, [x], (b) =>
            b.slice(
              x,
              x.shape.map((_, i) => (i === axis ? from : zero)),
              x.shape.map((d, i) => (i === axis ? size : d)),
            ),
          ),
        )
      })
      return list(parts)
    },
  },
  {
    name: 'pad',
    signature: 'pad(x: tensor, low: int, high: int, axis: int = -1, value: number = 0) -> tensor',
    doc: 'an axis made longer by `low` elements before and `high` after, all of one value',
    apply: (call) => {
      const x = call.tensor('x')
      const axis = call.axis('axis', x.shape.length)
      const [low, high] = [call.dim('low'), call.dim('high')]
      for (const [name, d] of [
        ['low', low],
        ['high', high],
      ] as const)
        if (d.constant !== undefined && d.constant < 0) return call.bad(name, 'padding cannot be negative')
      const at = (d: Dim) => x.shape.map((_, i) => (i === axis ? d : zero))
      return tensor(build(call.e, [x], (b) => b.pad(x, at(low), at(high), call.number('value'))))
    },
  },
  {
    name: 'flip',
    signature: 'flip(x: tensor, axis: axes = -1) -> tensor',
    doc: 'the elements along axes in the opposite order',
    apply: (call) => {
      const x = call.tensor('x')
      return tensor(
        call
          .axes('axis', x.shape.length)
          .reduce((node, axis) => build(call.e, [node], (b) => b.reverse(node, axis)), x),
      )
    },
  },
  {
    name: 'shape',
    signature: 'shape(x: tensor) -> list',
    doc: 'the sizes of all axes, known while compiling',
    apply: (call) => dimList(call.tensor('x').shape),
  },
]
