/** Random tensors: counter-based, one stream for each place in the program, keyed by (seed, step). */
import * as statics from '../../diagnostics/static.ts'
import { dim } from '../../ir/dim.ts'
import type { Node } from '../../ir/graph.ts'
import { fail } from '../elaboration.ts'
import { build, emit } from '../emit.ts'
import { eachStep } from '../scan.ts'
import { nextSite } from '../stack.ts'
import { tensor } from '../value.ts'
import type { Builtin, BuiltinCall } from './builtin.ts'

function bits(call: BuiltinCall): Node {
  const { e } = call
  if (e.test) return fail(e, statics.randomInTest, { span: call.span, name: call.builtin.name, test: e.test.span })
  e.randomKey ??= emit(e, 'input', [], { name: 'key', shape: [dim(2)], dtype: 'uint', role: 'step' })
  const key = e.randomKey
  const shape = call.dims('shape')
  const { site, layer } = nextSite(e)
  if (layer) return eachStep(e, shape, (whole) => build(e, [], (b) => b.randomBits(key, site, whole, layer)))
  const stream = emit(e, 'stream', [], { stream: site })
  return eachStep(e, shape, (whole) => build(e, [], (b) => b.randomBits(key, 0, whole, stream)))
}

export const randomRows: readonly Builtin[] = [
  {
    name: 'random_bits',
    signature: 'random_bits(shape: dims) -> tensor',
    doc: '32 random bits for each element, as uint',
    apply: (call) => tensor(bits(call)),
  },
  {
    name: 'random_uniform',
    signature: 'random_uniform(shape: dims) -> tensor',
    doc: 'random floats, even in [0, 1)',
    apply: (call) => {
      const drawn = bits(call)
      return tensor(build(call.e, [], (b) => b.unitFloat(drawn)))
    },
  },
  {
    name: 'random_normal',
    signature: 'random_normal(shape: dims) -> tensor',
    doc: 'random floats of the standard normal distribution (Box and Muller)',
    apply: (call) => {
      const [radius, angle] = [bits(call), bits(call)]
      return tensor(
        build(call.e, [], (b) => {
          // 1 - u lies in (0, 1], where the logarithm is finite.
          const r = b.sqrt(b.mul(b.log(b.sub(1, b.unitFloat(radius))), -2))
          return b.mul(r, b.cos(b.mul(b.unitFloat(angle), 2 * Math.PI)))
        }),
      )
    },
  },
]

const positive = (call: BuiltinCall, name: string): number => {
  const value = call.number(name)
  return Number.isFinite(value) && value >= 0 ? value : call.bad(name, 'it must be a finite number of at least 0')
}

/** How parameters begin. */
export const initialRows: readonly Builtin[] = [
  {
    name: 'uniform',
    signature: 'uniform(low: number, high: number = none) -> initial',
    doc: 'as a first value: even between `low` and `high`; `uniform(b)` is between -b and b',
    apply: (call) => {
      const [low, high] = call.absent('high')
        ? [-positive(call, 'low'), call.number('low')]
        : [call.number('low'), call.number('high')]
      if (!Number.isFinite(low) || !Number.isFinite(high) || low > high)
        return call.bad(undefined, `there is nothing between ${low} and ${high}`)
      return { kind: 'initializer', initializer: { kind: 'uniform', low: low === 0 ? 0 : low, high } }
    },
  },
  ...(['normal', 'truncated_normal'] as const).map(
    (kind): Builtin => ({
      name: kind,
      signature: `${kind}(mean: number = 0, deviation: number = 1) -> initial`,
      doc: `as a first value: normally distributed${kind === 'normal' ? '' : ', redrawn beyond two deviations'}`,
      apply: (call) => ({
        kind: 'initializer',
        initializer: { kind, mean: call.number('mean'), deviation: positive(call, 'deviation') },
      }),
    }),
  ),
]
