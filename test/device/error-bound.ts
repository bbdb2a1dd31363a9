/**
 * Running error analysis: the float64 value of every node together with how far a float32 device may be from it, op by
 * op. A bound starts as the rounding of the leaves to float32; each op passes on its operands' errors and adds its own:
 * one unit in the last place for + - · (WGSL fixes no rounding mode), what WGSL allows for its functions, (n + 1) units
 * of Σ|x| for a sum of n terms in any order.
 */
import type { Bindings } from '../../compiler/ir/dim.ts'
import { type Node, nodesOf } from '../../compiler/ir/graph.ts'
import { type ScalarFunction, scalarMeaningFor } from '../../compiler/ir/scalar.ts'
import type { EvaluationContext, Value } from '../../compiler/ops/op.ts'
import { lowerOf, opOf } from '../../compiler/ops/registry.ts'
import { evaluationContext } from '../../compiler/reference/evaluate.ts'

export interface Bounded {
  readonly value: Value
  readonly error: Float64Array
}

const unit = 2 ** -23
/** Results below the normal numbers may be flushed to zero. */
const flushed = 2 ** -126

export function boundedValues(
  results: readonly Node[],
  options: { dims: Bindings; leaf: (node: Node) => Value },
): Bounded[] {
  const context = evaluationContext(options)
  const known = new Map<Node, Bounded>()
  for (const node of nodesOf(results.map((each) => ({ node: each })))) {
    const operands = node.operands.map((operand) => known.get(operand)!)
    const value = opOf(node).evaluate(
      operands.map((o) => o.value),
      node.attributes as never,
      context,
      node,
    )
    known.set(node, { value, error: node.dtype === 'float' ? errorOf(node, value, operands, context) : exact(value) })
  }
  return results.map((node) => known.get(node)!)
}

const exact = (value: Value): Float64Array => new Float64Array(value.data.length)

function errorOf(node: Node, value: Value, operands: readonly Bounded[], context: EvaluationContext): Float64Array {
  const lowering = lowerOf(node)
  switch (lowering.kind) {
    case 'leaf':
    case 'index':
      return Float64Array.from(value.data, (x) => Math.abs(x) * unit)
    case 'map':
      return mapError(lowering.scalar, node, value, operands)
    case 'view':
    case 'lookup':
      return selected(node, operands, context)
    case 'reduce':
      if (lowering.combine === 'sum') return summed(node, operands, context)
      // The greatest of approximations is off by no more than the worst of them.
      return Float64Array.from(
        evaluateOn(
          node,
          operands.map(({ error }) => error),
          operands,
          context,
          'reduce_max',
        ),
      )
    case 'scatter':
    case 'running':
      return summed(node, operands, context)
    case 'contract': {
      const sizes = operands.map(({ value: v }) => Float64Array.from(v.data, Math.abs))
      const errors = operands.map((o) => o.error)
      const onto = (left: Float64Array, right: Float64Array) => evaluateOn(node, [left, right], operands, context)
      const [crossed, other, both, size] = [
        onto(sizes[0]!, errors[1]!),
        onto(errors[0]!, sizes[1]!),
        onto(errors[0]!, errors[1]!),
        onto(sizes[0]!, sizes[1]!),
      ]
      const depth = termsOf(value, operands)
      return crossed.map((c, i) => c + other[i]! + both[i]! + (depth + 1) * unit * size[i]! + flushed * (depth + 1))
    }
    case 'scan':
    case 'project':
      throw new Error('no bound is derived for a recurrence')
    default:
      return lowering satisfies never
  }
}

/** The op applied to other numbers in place of its operands' values, and with fills of 0. */
function evaluateOn(
  node: Node,
  data: readonly Float64Array[],
  operands: readonly Bounded[],
  context: EvaluationContext,
  op = node.op,
): Float64Array {
  const values = operands.map(
    (o, i): Value => (o.value.dtype === 'float' && data[i] ? { ...o.value, data: data[i]! } : o.value),
  )
  const attributes = {
    ...node.attributes,
    ...('fill' in node.attributes && { fill: 0 }),
    ...('value' in node.attributes && { value: 0 }),
  }
  return opOf({ op }).evaluate(values, attributes as never, context, node).data as Float64Array
}

/** What an op selects from its operands, it selects from their errors. A fill is a rounded constant. */
function selected(node: Node, operands: readonly Bounded[], context: EvaluationContext): Float64Array {
  const attributes = node.attributes as { fill?: number; value?: number }
  const fill = Math.abs(attributes.fill ?? attributes.value ?? 0) * unit
  return evaluateOn(
    node,
    operands.map((o) => o.error),
    operands,
    context,
  ).map((e) => e + fill)
}

function summed(node: Node, operands: readonly Bounded[], context: EvaluationContext): Float64Array {
  const errors = evaluateOn(
    node,
    operands.map((o) => o.error),
    operands,
    context,
  )
  const sizes = evaluateOn(
    node,
    operands.map((o) => Float64Array.from(o.value.data, Math.abs)),
    operands,
    context,
  )
  const count = operands[0]!.value.data.length
  return errors.map((e, i) => e + (count + 1) * unit * sizes[i]! + flushed)
}

/** An upper bound of the number of terms in an element of a contraction. */
function termsOf(value: Value, operands: readonly Bounded[]): number {
  if (value.data.length === 0) return 0
  return Math.min(operands[0]!.value.data.length, operands[1]!.value.data.length)
}

/** Functions that copy or only change sign add no rounding. */
const exactFunctions: ReadonlySet<ScalarFunction> = new Set([
  'neg',
  'abs',
  'min',
  'max',
  'select',
  'sign',
  'floor',
  'ceil',
  'round',
  'to_float',
  'unit_float',
])

/** Units in the last place that a function itself may be off. */
function units(fn: ScalarFunction, y: number, x: number, b: number): number {
  if (exactFunctions.has(fn)) return 0
  switch (fn) {
    case 'div':
      return 2.5
    case 'exp':
      return 3 + 2 * Math.abs(x)
    // 2⁻²¹ absolute between 0.5 and 2, in units of the result.
    case 'log':
      return 3 + (x >= 0.5 && x <= 2 ? 4 / Math.max(Math.abs(y), 1e-30) : 0)
    case 'sqrt':
    case 'rsqrt':
      return 5
    case 'pow':
      return 8 + 8 * Math.abs(b * Math.log2(Math.max(Math.abs(x), 1e-30)))
    // WGSL allows 2⁻¹¹ absolute.
    case 'sin':
    case 'cos':
      return 4096 / Math.max(Math.abs(y), 1e-30)
    case 'tanh':
    case 'erf':
      return 10
    case 'floor_div':
    case 'modulo':
      return 4
    default:
      return 1
  }
}

/** The change of the function over the box of its operands' errors, taken at its corners, and its own rounding. */
function mapError(fn: ScalarFunction, node: Node, value: Value, operands: readonly Bounded[]): Float64Array {
  const apply = scalarMeaningFor(fn, operands[0]!.value.dtype)
  const error = new Float64Array(value.data.length)
  const fromNumber = operands.every((o) => o.value.dtype !== 'float') && fn === 'to_float'
  for (let i = 0; i < error.length; i++) {
    const x = operands.map((o) => o.value.data[i]!)
    const e = operands.map((o) => o.error[i]!)
    const y = value.data[i]!
    let spread = 0
    for (let corner = 0; corner < 3 ** x.length; corner++) {
      let rest = corner
      const moved = x.map((v, n) => {
        const direction = (rest % 3) - 1
        rest = Math.floor(rest / 3)
        return v + direction * e[n]!
      })
      const difference = Math.abs(apply(...moved) - y)
      if (difference > spread) spread = difference
    }
    const own = fn === 'sin' || fn === 'cos' ? 2 ** -11 : units(fn, y, x[0]!, x[1] ?? 0) * unit * Math.abs(y)
    error[i] = spread + own + (fromNumber ? Math.abs(y) * unit : 0) + (exactFunctions.has(fn) ? 0 : flushed)
    // A jump: what lies so close to its edge is not compared (the generators keep away from edges).
    if (node.dtype === 'float' && (fn === 'floor' || fn === 'ceil' || fn === 'round' || fn === 'sign'))
      error[i] = spread
  }
  return error
}
