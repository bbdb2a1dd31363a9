/** Elementwise evaluation: one plain loop, written out for the functions that training spends its time in. */
import type { Node } from '../ir/graph.ts'
import { type ScalarFunction, scalarMeaningFor } from '../ir/scalar.ts'
import type { EvaluationContext, Value } from './op.ts'
import { emptyValue } from './values.ts'

export function evaluateMap(
  fn: ScalarFunction,
  operands: readonly Value[],
  context: EvaluationContext,
  node: Node,
): Value {
  const result = emptyValue(node, context)
  const out = result.data
  const [a, b, c] = operands.map((operand) => operand.data)
  const length = out.length
  if (!writtenOut(fn, operands[0]!.dtype === 'float', out, a!, b)) {
    const apply = scalarMeaningFor(fn, operands[0]!.dtype)
    if (c) for (let i = 0; i < length; i++) out[i] = apply(a![i]!, b![i]!, c[i]!)
    else if (b) for (let i = 0; i < length; i++) out[i] = apply(a![i]!, b[i]!)
    else for (let i = 0; i < length; i++) out[i] = apply(a![i]!)
  }
  return result
}

type Data = Value['data']

/** True when `fn` has a loop here, so that the engine sees the operation itself and not a call through a variable. */
function writtenOut(fn: ScalarFunction, float: boolean, out: Data, a: Data, b: Data | undefined): boolean {
  if (!float) return false
  const length = out.length
  if (!b) {
    if (fn === 'neg') for (let i = 0; i < length; i++) out[i] = -a[i]!
    else if (fn === 'exp') for (let i = 0; i < length; i++) out[i] = Math.exp(a[i]!)
    else if (fn === 'sqrt') for (let i = 0; i < length; i++) out[i] = Math.sqrt(a[i]!)
    else return false
    return true
  }
  if (fn === 'add') for (let i = 0; i < length; i++) out[i] = a[i]! + b[i]!
  else if (fn === 'sub') for (let i = 0; i < length; i++) out[i] = a[i]! - b[i]!
  else if (fn === 'mul') for (let i = 0; i < length; i++) out[i] = a[i]! * b[i]!
  else if (fn === 'div') for (let i = 0; i < length; i++) out[i] = a[i]! / b[i]!
  else return false
  return true
}
