/** Elementwise functions: numbers known while compiling stay numbers, tensors become nodes. */
import * as shapes from '../../diagnostics/shapes.ts'
import type { DType } from '../../ir/graph.ts'
import { isNumeric } from '../coerce.ts'
import { fail } from '../elaboration.ts'
import { build, cast, elementwise, emit, type Placed, promote } from '../emit.ts'
import { pair } from '../operands.ts'
import { asDim, bool, dimValue, number, tensor, typeText, type Value } from '../value.ts'
import type { Builtin, BuiltinCall } from './builtin.ts'

type FloatOp = 'exp' | 'log' | 'sqrt' | 'rsqrt' | 'sin' | 'cos' | 'tanh' | 'erf'
type RoundOp = 'floor' | 'ceil' | 'round'
type SignOp = 'abs' | 'sign'

const floatFunction = (name: FloatOp, doc: string, exact?: (x: number) => number): Builtin => ({
  name,
  signature: `${name}(x: tensor) -> tensor`,
  doc,
  ...(exact && { ofNumber: { compute: exact, gives: 'float' } }),
  apply: (call) => {
    const x = call.value('x')
    if (x.kind === 'number' && exact) {
      const value = exact(x.value)
      return Number.isNaN(value) ? call.bad('x', `${name} of ${x.value} is not a number`) : number(value, false)
    }
    return tensor(emit(call.e, name, [call.float('x')], {}))
  },
})

const rounding = (name: RoundOp, doc: string, compute: (x: number) => number): Builtin => ({
  name,
  signature: `${name}(x: tensor) -> tensor`,
  doc,
  ofNumber: { compute, gives: 'whole' },
  apply: (call) => {
    const x = call.value('x')
    if (x.kind === 'dim') return x
    if (x.kind === 'number') return number(compute(x.value))
    const node = call.numeric('x')
    return tensor(node.dtype === 'float' ? emit(call.e, name, [node], {}) : node)
  },
})

/** A tie goes to the even number, on the device as here. */
const nearestEven = (x: number): number => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x))

const signed = (name: SignOp, doc: string): Builtin => ({
  name,
  signature: `${name}(x: tensor) -> tensor`,
  doc,
  ofNumber: { compute: Math[name], gives: 'alike' },
  apply: (call) => {
    const x = call.value('x')
    if (x.kind === 'number') return number(Math[name](x.value), x.integer)
    return tensor(emit(call.e, name, [call.numeric('x')], {}))
  },
})

const extremum = (name: 'minimum' | 'maximum', doc: string): Builtin => ({
  name,
  signature: `${name}(a: tensor, b: tensor) -> tensor`,
  doc,
  apply: (call) => {
    const [a, b] = [call.value('a'), call.value('b')]
    const known = staticExtremum(name === 'maximum' ? 'max' : 'min', [a, b])
    if (known) return known
    return tensor(
      elementwise(call.e, name, 'compared', call.span, promote(call.e, 'compared', operands(call, 'a', 'b'))),
    )
  },
})

/** `max` and `min` of static numbers; of dims only where their difference is a number. */
export function staticExtremum(which: 'max' | 'min', values: readonly Value[]): Value | undefined {
  if (values.length === 0 || !values.every((v) => v.kind === 'number')) {
    const [a, b] = values.map(asDim)
    if (values.length !== 2 || !a || !b) return undefined
    return a === b ? dimValue(a) : undefined
  }
  return values.reduce((a, b) =>
    Math[which]((a as { value: number }).value, (b as { value: number }).value) === (a as { value: number }).value
      ? a
      : b,
  )
}

export function operands(call: BuiltinCall, a: string, b: string): [Placed, Placed] {
  call.tensor(a)
  call.tensor(b)
  return pair(call.e, call.value(a), call.at(a), call.value(b), call.at(b))
}

const dtypes: readonly DType[] = ['float', 'int', 'uint', 'bool']

function castTo(call: BuiltinCall, to: DType): Value {
  const x = call.value('x')
  if (x.kind === 'number') {
    if (to === 'float') return number(x.value, false)
    if (to === 'bool') return bool(x.value !== 0)
    return number(Math.trunc(x.value))
  }
  if (x.kind === 'bool' && to === 'bool') return x
  if (x.kind === 'bool' && to !== 'uint') return number(x.value ? 1 : 0, to === 'int')
  if (x.kind === 'dim' && to === 'int') return x
  return tensor(cast(call.e, call.tensor('x', x.kind === 'list' ? undefined : to), to))
}

const conversion = (name: 'float' | 'int' | 'bool', doc: string): Builtin => ({
  name,
  signature: `${name}(x: tensor) -> tensor`,
  doc,
  apply: (call) => castTo(call, name),
})

export const mathRows: readonly Builtin[] = [
  floatFunction('exp', 'e to the power of each element', Math.exp),
  floatFunction('log', 'the natural logarithm', Math.log),
  floatFunction('sqrt', 'the square root', Math.sqrt),
  floatFunction('rsqrt', 'one over the square root', (x) => 1 / Math.sqrt(x)),
  floatFunction('sin', 'the sine, in radians', Math.sin),
  floatFunction('cos', 'the cosine, in radians', Math.cos),
  floatFunction('tanh', 'the hyperbolic tangent', Math.tanh),
  floatFunction('erf', 'the error function'),
  rounding('floor', 'the greatest whole number not above', Math.floor),
  rounding('ceil', 'the least whole number not below', Math.ceil),
  rounding('round', 'the nearest whole number; a tie goes to the even one', nearestEven),
  signed('abs', 'the absolute value'),
  signed('sign', '-1, 0 or 1 by the sign'),
  extremum('minimum', 'the lesser of two, element by element'),
  extremum('maximum', 'the greater of two, element by element'),
  {
    name: 'pow',
    signature: 'pow(x: tensor, exponent: tensor) -> tensor',
    doc: 'x to a power, element by element; also written `x ** exponent`',
    apply: (call) => {
      const [x, y] = [call.value('x'), call.value('exponent')]
      if (x.kind === 'number' && y.kind === 'number') return number(x.value ** y.value)
      const sides = promote(call.e, 'raised to a power', operands(call, 'x', 'exponent'))
      return tensor(
        elementwise(
          call.e,
          'pow',
          'raised to a power',
          call.span,
          sides.map((s) => ({ ...s, node: cast(call.e, s.node, 'float') })),
        ),
      )
    },
  },
  {
    name: 'where',
    signature: 'where(condition: tensor, a: tensor, b: tensor) -> tensor',
    doc: '`a` where the condition holds, else `b`; without a condition (`none`), `a`',
    apply: (call) => {
      const condition = call.value('condition')
      if (condition.kind === 'none') return call.value('a')
      if (condition.kind === 'bool') return call.value(condition.value ? 'a' : 'b')
      const test = call.placed('condition')
      if (test.node.dtype !== 'bool')
        return fail(call.e, shapes.operandDtype, {
          span: test.span,
          operation: 'the condition of where',
          given: typeText(test.node),
          needed: 'truth values',
          convert: 'a comparison',
        })
      const [a, b] = operands(call, 'a', 'b')
      const sides =
        a.node.dtype === 'bool' && b.node.dtype === 'bool' ? [a, b] : promote(call.e, 'chosen between', [a, b])
      return tensor(elementwise(call.e, 'select', 'chosen between', call.span, [test, ...sides]))
    },
  },
  {
    name: 'cast',
    signature: 'cast(x: tensor, to: string) -> tensor',
    doc: 'the elements as another dtype: "float", "int" (towards zero), "uint" or "bool" (not zero)',
    apply: (call) => {
      const to = dtypes.find((d) => d === call.text('to'))
      return to
        ? castTo(call, to)
        : call.bad('to', `there is no dtype ${JSON.stringify(call.text('to'))}; it is one of ${dtypes.join(', ')}`)
    },
  },
  conversion('float', 'the elements as floats; true is 1'),
  conversion('int', 'the elements as ints, towards zero'),
  conversion('bool', 'whether each element is not zero'),
  {
    name: 'stop_gradient',
    signature: 'stop_gradient(x: tensor) -> tensor',
    doc: 'x itself, but no gradient flows back through it',
    apply: (call) =>
      isNumeric(call.value('x')) ? call.value('x') : tensor(emit(call.e, 'stop_gradient', [call.tensor('x')], {})),
  },
  {
    name: 'unit_float',
    signature: 'unit_float(bits: tensor) -> tensor',
    doc: 'the upper 24 of random bits as a float in [0, 1)',
    apply: (call) => {
      const bits = call.tensor('bits')
      if (bits.dtype !== 'uint') return call.wrong('bits', 'uint[…]')
      return tensor(build(call.e, [bits], (b) => b.unitFloat(bits)))
    },
  },
]
