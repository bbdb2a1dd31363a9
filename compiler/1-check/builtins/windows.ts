/** Products and windows: `einsum`, `convolve`, `window`. */
import * as shapes from '../../diagnostics/shapes.ts'
import { add, dim, floorQuotient, one, subtract } from '../../ir/dim.ts'
import { convolve, einsum, type Spatial } from '../contraction.ts'
import { fail } from '../elaboration.ts'
import { build } from '../emit.ts'
import { asDim, dimText, tensor, typeText, type Value } from '../value.ts'
import type { Builtin, BuiltinCall } from './builtin.ts'

/** One setting for every spatial axis, or a list with one for each. */
function perAxis(call: BuiltinCall, name: string, rank: number, least: number): readonly number[] {
  const value = call.value(name)
  const sizes = value.kind === 'list' ? call.ints(name) : Array.from({ length: rank }, () => call.int(name))
  if (sizes.length !== rank) return call.bad(name, `it lists ${sizes.length} values for ${rank} spatial axes`)
  if (sizes.some((n) => n < least)) return call.bad(name, `it must be at least ${least}`)
  return sizes
}

/** `0`, `[1, 2]`, `[[low, high], …]`, `same` or `valid`. */
function paddings(
  call: BuiltinCall,
  rank: number,
  kernel: readonly number[],
  stride: readonly number[],
  dilation: readonly number[],
): readonly (readonly [number, number])[] {
  const value = call.value('padding')
  if (value.kind === 'string') {
    if (value.value === 'valid') return kernel.map(() => [0, 0])
    if (value.value !== 'same')
      return call.bad('padding', `it is a number, a list, \`same\` or \`valid\`, not ${JSON.stringify(value.value)}`)
    if (stride.some((s) => s !== 1))
      return call.bad('padding', '`same` keeps the size, so it needs a stride of 1; write the padding as a number')
    return kernel.map((k, i) => {
      const total = dilation[i]! * (k - 1)
      return [Math.floor(total / 2), Math.ceil(total / 2)]
    })
  }
  const amount = (v: Value): number => {
    const n = asDim(v)?.constant
    return n === undefined || n < 0 ? call.wrong('padding', 'whole numbers of at least 0') : n
  }
  if (value.kind !== 'list') return kernel.map(() => [amount(value), amount(value)])
  if (value.items.length !== rank)
    return call.bad('padding', `it lists ${value.items.length} values for ${rank} spatial axes`)
  return value.items.map((item) => {
    if (item.kind !== 'list') return [amount(item), amount(item)]
    const [low, high, ...more] = item.items
    if (!low || !high || more.length > 0) return call.bad('padding', 'a pair is `[low, high]`')
    return [amount(low), amount(high)]
  })
}

export const windowRows: readonly Builtin[] = [
  {
    name: 'einsum',
    signature: 'einsum(pattern: string, ...operands: tensor) -> tensor',
    doc: 'products summed over the axes that the result does not name: `einsum("b t d, d e -> b t e", a, b)`',
    apply: (call) => {
      if (call.more.length === 0) return call.bad(undefined, 'it needs at least one tensor')
      return tensor(
        einsum(
          call.e,
          call.text('pattern'),
          call.at('pattern'),
          call.more.map((g) => call.tensorOf(g, 'float')),
        ),
      )
    },
  },
  {
    name: 'convolve',
    signature:
      'convolve(x: tensor, w: tensor, stride: int = 1, padding: any = 0, dilation: int = 1, groups: int = 1) -> tensor',
    doc: 'cross-correlation of `x: [..., C, H, W]` with `w: [O, C / groups, kH, kW]`, over any number of spatial axes',
    apply: (call) => {
      const [x, w] = [call.placed('x', 'float'), call.placed('w', 'float')]
      const rank = w.node.shape.length - 2
      if (rank < 1)
        return fail(call.e, shapes.needsAxes, {
          span: w.span,
          label: 'the filter of convolve',
          given: typeText(w.node),
          least: 3,
        })
      if (x.node.shape.length < rank + 1)
        return fail(call.e, shapes.needsAxes, {
          span: x.span,
          label: `convolve with ${rank} spatial axes`,
          given: typeText(x.node),
          least: rank + 1,
        })
      const stride = perAxis(call, 'stride', rank, 1)
      const dilation = perAxis(call, 'dilation', rank, 1)
      const kernel = w.node.shape.slice(2).map((d) => d.constant ?? call.wrong('w', 'a filter of fixed size'))
      const groups = call.int('groups')
      if (groups < 1) return call.bad('groups', 'it must be at least 1')
      const spatial = paddings(call, rank, kernel, stride, dilation).map(
        ([low, high], i): Spatial => ({ stride: stride[i]!, dilation: dilation[i]!, low, high }),
      )
      return tensor(convolve(call.e, call.span, x, w, spatial, groups))
    },
  },
  {
    name: 'window',
    signature:
      'window(x: tensor, axis: int, size: int, stride: int = 1, dilation: int = 1, low: int = 0, high: int = 0, fill: number = 0) -> tensor',
    doc: 'sliding windows along an axis: [.., H, ..] becomes [.., O, size, ..], with `low` and `high` elements of `fill` around',
    apply: (call) => {
      const x = call.tensor('x')
      const axis = call.axis('axis', x.shape.length)
      const [size, stride, dilation, low, high] = (['size', 'stride', 'dilation', 'low', 'high'] as const).map((name) =>
        call.int(name),
      ) as [number, number, number, number, number]
      for (const [name, n] of [
        ['size', size],
        ['stride', stride],
        ['dilation', dilation],
      ] as const)
        if (n < 1) return call.bad(name, 'it must be at least 1')
      for (const [name, n] of [
        ['low', low],
        ['high', high],
      ] as const)
        if (n < 0) return call.bad(name, 'it cannot be negative')
      const covered = dilation * (size - 1) + 1
      const out = add(floorQuotient(subtract(add(x.shape[axis]!, dim(low + high)), dim(covered)), dim(stride)), one)
      if (out.constant !== undefined && out.constant < 1)
        return call.bad(
          'size',
          `a window of ${covered} does not fit into ${dimText(x.shape[axis]!)}${low + high > 0 ? ` with ${low} and ${high} around` : ''}`,
        )
      return tensor(
        build(call.e, [x], (b) => b.window(x, { axis, size, stride, dilation, low, high, fill: call.number('fill') })),
      )
    },
  },
]
