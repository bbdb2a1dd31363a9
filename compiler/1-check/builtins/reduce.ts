/** Reductions over axes, and running sums. */
import { product } from '../../ir/dim.ts'
import type { Node } from '../../ir/graph.ts'
import { isNumeric } from '../coerce.ts'
import { build, cast, emit } from '../emit.ts'
import { dimValue, number, tensor, type Value } from '../value.ts'
import type { Builtin, BuiltinCall } from './builtin.ts'
import { staticExtremum } from './math.ts'

type Reduce = (call: BuiltinCall, x: Node, axes: readonly number[], keep: boolean) => Node

const reduction = (
  name: string,
  doc: string,
  known: (items: readonly Value[]) => Value | undefined,
  reduce: Reduce,
): Builtin => ({
  name,
  signature: `${name}(x: tensor, axis: axes = none, keep: bool = false) -> tensor`,
  doc: `${doc} along the axes (all of them by default); \`keep\` leaves each as size 1`,
  apply: (call) => {
    const x = call.value('x')
    // Lists of sizes and numbers are computed with while compiling.
    if (x.kind === 'list' && call.absent('axis') && x.items.every(isNumeric)) {
      const value = known(x.items)
      if (value) return value
    }
    const both = call.value('axis')
    if (isNumeric(x) && isNumeric(both)) {
      const value = known([x, both])
      if (value) return value
    }
    const node = call.tensor('x')
    return tensor(reduce(call, node, call.axes('axis', node.shape.length), call.flag('keep')))
  },
})

const folded = (items: readonly Value[], whole: (a: number, b: number) => number, start: number): Value | undefined =>
  items.every((i) => i.kind === 'number')
    ? number(items.reduce((sum, i) => whole(sum, (i as { value: number }).value), start))
    : undefined

const extremum = (name: 'max' | 'min', doc: string): Builtin =>
  reduction(
    name,
    doc,
    (items) => staticExtremum(name, items),
    (call, x, axes, keep) => {
      const numbers = x.dtype === 'bool' ? call.notNumbers('x', x) : x
      return build(call.e, [x], (b) => b[name](numbers, axes, keep))
    },
  )

const position = (name: 'argmax' | 'argmin', doc: string): Builtin => ({
  name,
  signature: `${name}(x: tensor, axis: axes = none) -> tensor`,
  doc: `the index of the ${doc} element along the axes, as an int; the first of equals`,
  apply: (call) => {
    const x = call.numeric('x')
    const axes = call.axes('axis', x.shape.length)
    return tensor(build(call.e, [x], (b) => b[name](x, axes)))
  },
})

const truth = (name: 'any' | 'all', doc: string): Builtin => ({
  name,
  signature: `${name}(x: tensor, axis: axes = none, keep: bool = false) -> tensor`,
  doc: `whether ${doc} along the axes`,
  apply: (call) => {
    const x = call.tensor('x')
    if (x.dtype !== 'bool') return call.wrong('x', 'bool[…]')
    const axes = call.axes('axis', x.shape.length)
    const counts = cast(call.e, x, 'float')
    return tensor(
      build(call.e, [x], (b) => b.gt(b[name === 'any' ? 'max' : 'min'](counts, axes, call.flag('keep')), 0.5)),
    )
  },
})

export const reduceRows: readonly Builtin[] = [
  reduction(
    'sum',
    'the sum',
    (items) => folded(items, (a, b) => a + b, 0),
    (call, x, axes, keep) => {
      const numbers = x.dtype === 'bool' ? cast(call.e, x, 'int') : x
      return build(call.e, [x], (b) => b.sum(numbers, axes, keep))
    },
  ),
  reduction(
    'mean',
    'the mean',
    () => undefined,
    (call, x, axes, keep) => {
      const numbers = cast(call.e, x, 'float')
      return build(call.e, [x], (b) => b.mean(numbers, axes, keep))
    },
  ),
  extremum('max', 'the greatest element'),
  extremum('min', 'the least element'),
  position('argmax', 'greatest'),
  position('argmin', 'least'),
  truth('any', 'any element is true'),
  truth('all', 'every element is true'),
  {
    name: 'product',
    signature: 'product(items: list) -> int',
    doc: 'the product of a list of sizes; 1 for an empty list',
    apply: (call) => {
      const items = call.items('items')
      if (items.some((i) => i.kind === 'number' && !i.integer))
        return folded(items, (a, b) => a * b, 1) ?? call.wrong('items', 'a list of sizes')
      return dimValue(product(call.dims('items')))
    },
  },
  {
    name: 'cumsum',
    signature: 'cumsum(x: tensor, axis: int = -1, reverse: bool = false, exclusive: bool = false) -> tensor',
    doc: 'running sums along an axis; `exclusive` leaves the element itself out, `reverse` runs from the end',
    apply: (call) => {
      const x = call.numeric('x')
      const axis = call.axis('axis', x.shape.length)
      return tensor(
        emit(call.e, 'cumsum', [x], { axis, reverse: call.flag('reverse'), exclusive: call.flag('exclusive') }),
      )
    },
  },
]
