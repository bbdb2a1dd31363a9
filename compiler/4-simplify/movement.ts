/** Laws of views: they compose, repeated numbers stay repeated numbers, and maps run before their operands are repeated. */
import { add, type Dim, dim, multiply, one, sameDims, subtract, zero } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import { lowerOf } from '../ops/registry.ts'
import { any, number, range, rule, splat } from './rule.ts'
import type { Rewrite, Rule } from './rules.ts'

export const movement: readonly Rule[] = [
  // reshape(reshape(x)) = reshape(x), and to its own shape = x
  rule('reshape-of-reshape', 'reshape', any, ({ operands: [x], attributes: { shape } }, b) =>
    x!.op === 'reshape' || sameDims(x!.shape, shape) ? b.reshape(x!, shape) : undefined,
  ),
  // permute(permute(x)) = permute(x), and to its own order = x
  rule('permute-of-permute', 'permute', any, ({ operands: [x], attributes: { order } }, b) =>
    x!.op === 'permute' || order.every((axis, at) => axis === at) ? b.permute(x!, order) : undefined,
  ),
  // broadcast(broadcast(x)) = broadcast(x), and to its own shape = x
  rule('broadcast-of-broadcast', 'broadcast', any, ({ operands: [x], attributes: { shape, axes } }, b) =>
    x!.op === 'broadcast' || axes.length === shape.length ? b.broadcast(x!, shape, axes) : undefined,
  ),
  // slice(slice(x)) = slice(x), and of all of x = x
  rule('slice-of-slice', 'slice', any, ({ operands, attributes: { starts, sizes, steps } }, b) =>
    b.slice(operands[0]!, starts, sizes, steps),
  ),
  // view(c, c, …) = (c, c, …), for views without a fill
  ...(['reshape', 'permute', 'broadcast', 'slice'] as const).map((op) =>
    rule(`${op}-of-number`, op, number, (node, b) => {
      const value = splat(node.operands[0]!)
      return value === undefined ? undefined : b.full(node.shape, value, node.dtype)
    }),
  ),
  // pad(c, c, …; c) = (c, c, …)
  rule('pad-with-the-same', 'pad', number, (node, b) =>
    splat(node.operands[0]!) === node.attributes.value
      ? b.full(node.shape, node.attributes.value, node.dtype)
      : undefined,
  ),
  // permute(broadcast(x)) = broadcast(permute(x))
  rule('permute-of-broadcast', 'permute', ['broadcast'], (node, b) => {
    const [x] = node.operands
    if (x!.op !== 'broadcast') return undefined
    const places = x!.attributes.axes.map((axis) => node.attributes.order.indexOf(axis))
    const order = range(places.length).sort((i, j) => places[i]! - places[j]!)
    return b.broadcast(
      b.permute(x!.operands[0]!, order),
      node.shape,
      order.map((i) => places[i]!),
    )
  }),
  // reshape(broadcast(x)) = broadcast(reshape(x)), where only axes of size 1 come or go
  rule('reshape-of-broadcast', 'reshape', ['broadcast'], (node, b) => {
    const [x] = node.operands
    if (x!.op !== 'broadcast') return undefined
    const places = unitPlaces(x!.shape, node.shape)
    if (!places) return undefined
    const kept = range(x!.attributes.axes.length).filter((i) => places[x!.attributes.axes[i]!] !== undefined)
    const { shape } = x!.operands[0]!
    return b.broadcast(
      b.reshape(
        x!.operands[0]!,
        kept.map((i) => shape[i]!),
      ),
      node.shape,
      kept.map((i) => places[x!.attributes.axes[i]!]!),
    )
  }),
  // broadcast(reshape(x)) = broadcast(x), where the reshape only adds axes of size 1
  rule('broadcast-of-unit-axes', 'broadcast', ['reshape'], (node, b) => {
    const [x] = node.operands
    if (x!.op !== 'reshape') return undefined
    const inner = x!.operands[0]!
    const places = unitPlaces(inner.shape, x!.shape)
    if (!places || places.includes(undefined)) return undefined
    return b.broadcast(
      inner,
      node.shape,
      places.map((place) => node.attributes.axes[place!]!),
    )
  }),
  // permute that only moves axes of size 1 = reshape
  rule('permute-of-unit-axes', 'permute', any, (node, b) => {
    const moved = node.attributes.order.filter((axis) => node.operands[0]!.shape[axis] !== one)
    return moved.every((axis, i) => i === 0 || axis > moved[i - 1]!)
      ? b.reshape(node.operands[0]!, node.shape)
      : undefined
  }),
  // slice(pad(x)) = x, where it cuts off just what was added
  rule('slice-undoes-pad', 'slice', ['pad'], ({ operands: [x], attributes: { starts, sizes, steps } }) =>
    x!.op === 'pad' &&
    sameDims(starts, x!.attributes.low) &&
    sameDims(sizes, x!.operands[0]!.shape) &&
    steps.every((step) => step === 1)
      ? x!.operands[0]
      : undefined,
  ),
  // slice(concat(x, y, …)) = the part that it cuts out
  rule('slice-of-concat', 'slice', ['concat'], ({ operands: [x], attributes: { starts, sizes, steps } }, b) => {
    if (x!.op !== 'concat') return undefined
    const { axis } = x!.attributes
    let before = zero
    for (const part of x!.operands) {
      if (starts[axis] === before && sizes[axis] === part.shape[axis] && steps[axis] === 1)
        return b.slice(part, starts.with(axis, zero), sizes, steps)
      before = add(before, part.shape[axis]!)
    }
    return undefined
  }),
  // slice(broadcast(x)) = broadcast(slice(x))
  rule('slice-of-broadcast', 'slice', ['broadcast'], (node, b) => {
    const [x] = node.operands
    if (x!.op !== 'broadcast') return undefined
    const { starts, sizes, steps } = node.attributes
    const own = <T>(list: readonly T[]): T[] => x!.attributes.axes.map((axis) => list[axis]!)
    return b.broadcast(b.slice(x!.operands[0]!, own(starts), own(sizes), own(steps)), node.shape, x!.attributes.axes)
  }),
  // pad(pad(x; c); c) = pad(x; c)
  rule('pad-of-pad', 'pad', ['pad'], ({ operands: [x], attributes: { low, high, value } }, b) => {
    if (x!.op !== 'pad' || x!.attributes.value !== value) return undefined
    const inner = x!.attributes
    return b.pad(
      x!.operands[0]!,
      low.map((size, axis) => add(size, inner.low[axis]!)),
      high.map((size, axis) => add(size, inner.high[axis]!)),
      value,
    )
  }),
  // concat(slices that follow each other) = one slice
  rule('concat-of-slices', 'concat', ['slice'], (node, b) => {
    const { axis } = node.attributes
    const [first] = node.operands
    if (first!.op !== 'slice') return undefined
    const whole = first!.attributes
    if (whole.steps[axis] !== 1) return undefined
    let end = whole.starts[axis]!
    for (const part of node.operands) {
      if (part.op !== 'slice' || part.operands[0] !== first!.operands[0] || part.attributes.starts[axis] !== end)
        return undefined
      const { starts, steps } = part.attributes
      if (
        steps.some((step, at) => step !== whole.steps[at]) ||
        starts.some((start, at) => at !== axis && start !== whole.starts[at])
      )
        return undefined
      end = add(end, part.shape[axis]!)
    }
    return b.slice(
      first!.operands[0]!,
      whole.starts,
      whole.sizes.with(axis, subtract(end, whole.starts[axis]!)),
      whole.steps,
    )
  }),
  // windows that lie side by side and cover the axis = a reshape
  rule('adjacent-windows', 'window', any, (node, b) => {
    const { axis, size, stride, dilation, low } = node.attributes
    const covered = multiply(node.shape[axis]!, node.shape[axis + 1]!)
    const fits =
      stride === size && (dilation === 1 || size === 1) && low === 0 && covered === node.operands[0]!.shape[axis]
    return fits ? b.reshape(node.operands[0]!, node.shape) : undefined
  }),
  // fold of windows that lie side by side = a reshape, and zeros where no window was
  rule('fold-of-adjacent-windows', 'fold', any, (node, b) => {
    const { axis, size, stride, dilation, low } = node.attributes
    const { shape } = node.operands[0]!
    const width = shape[axis + 1]!.constant
    const covered = multiply(shape[axis]!, shape[axis + 1]!)
    const rest = subtract(size, covered).constant
    if (stride !== width || (dilation !== 1 && width !== 1) || low !== 0 || rest === undefined || rest < 0)
      return undefined
    const flat = b.reshape(node.operands[0]!, shape.toSpliced(axis, 2, covered))
    const none = node.shape.map(() => zero)
    return b.pad(flat, none, none.with(axis, dim(rest)), 0)
  }),
  // f(broadcast(x), broadcast(y), c) = broadcast(f(x, y, c))
  { name: 'map-of-broadcasts', ops: undefined, kind: 'map', operands: number, apply: mapOfBroadcasts },
  // f(reshape(x), reshape(y), c) = reshape(f(x, y, c)), for x and y of one shape
  { name: 'map-of-reshapes', ops: undefined, kind: 'map', operands: ['reshape'], apply: mapOfReshapes },
]

function mapOfReshapes(node: Node, { builder: b }: Rewrite): Node | undefined {
  const first = firstVarying(node)
  if (first?.op !== 'reshape' || lowerOf(node).kind !== 'map') return undefined
  const { shape } = first.operands[0]!
  const operands: Node[] = []
  for (const operand of node.operands) {
    const value = splat(operand)
    if (value !== undefined) operands.push(b.full(shape, value, operand.dtype))
    else if (operand.op === 'reshape' && sameDims(operand.operands[0]!.shape, shape))
      operands.push(operand.operands[0]!)
    else return undefined
  }
  return b.reshape(b.node(node.op, operands, node.attributes as never), node.shape)
}

/** The first operand that is no number repeated. */
function firstVarying({ operands }: Node): Node | undefined {
  for (let at = 0; at < operands.length; at++) if (splat(operands[at]!) === undefined) return operands[at]
  return undefined
}

function mapOfBroadcasts(node: Node, { builder: b }: Rewrite): Node | undefined {
  if (node.operands.length === 0 || lowerOf(node).kind !== 'map') return undefined
  let repeated: Node | undefined
  for (let at = 0; at < node.operands.length && !repeated; at++) {
    const operand = node.operands[at]!
    if (operand.op === 'broadcast' && splat(operand) === undefined) repeated = operand
  }
  if (repeated?.op !== 'broadcast') {
    const all = node.shape.length > 0 && firstVarying(node) === undefined
    // Only where the value could not be folded: it is not finite, and need be computed just once.
    return all
      ? b.broadcast(
          b.node(
            node.op,
            node.operands.map((operand) => b.constant(splat(operand)!, operand.dtype)),
            node.attributes as never,
          ) as Node,
          node.shape,
          [],
        )
      : undefined
  }
  const { axes } = repeated.attributes
  const small = repeated.operands[0]!.shape
  const operands: Node[] = []
  for (const operand of node.operands) {
    const value = splat(operand)
    if (value !== undefined) operands.push(b.full(small, value, operand.dtype))
    else if (
      operand.op === 'broadcast' &&
      operand.attributes.axes.length === axes.length &&
      operand.attributes.axes.every((axis, i) => axis === axes[i])
    )
      operands.push(operand.operands[0]!)
    else return undefined
  }
  return b.broadcast(b.node(node.op, operands, node.attributes as never), node.shape, axes)
}

/**
 * Where each axis of a shape lies in another that differs by axes of size 1 alone; `undefined` for an axis that is gone.
 * As a whole `undefined` where the shapes differ by more.
 */
export function unitPlaces(from: readonly Dim[], to: readonly Dim[]): (number | undefined)[] | undefined {
  const places: (number | undefined)[] = []
  let at = 0
  for (let axis = 0; axis < from.length; axis++) {
    const size = from[axis]!
    // An axis of size 1 is matched with one of the other shape only if nothing else must be matched first.
    while (at < to.length && to[at] !== size && to[at] === one) at++
    if (to[at] === size && at < to.length && !(size === one && remaining(from, axis + 1) > remaining(to, at + 1)))
      places.push(at++)
    else if (size === one) places.push(undefined)
    else return undefined
  }
  while (at < to.length && to[at] === one) at++
  return at === to.length ? places : undefined
}

const remaining = (shape: readonly Dim[], start: number): number =>
  shape.slice(start).filter((size) => size !== one).length
