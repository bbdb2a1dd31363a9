/** x² to x⁴ and √x and their inverses without logarithms: faster, more accurate, and right for a negative x. */
import type { Scalar } from '../../ir/kernel.ts'
import { type Expression, float, floats } from './code.ts'
import { type Context, named } from './context.ts'
import { op } from './instructions.ts'
import { printScalar } from './print-scalar.ts'

export function wholePower(context: Context, scalar: Extract<Scalar, { kind: 'apply' }>): Expression | undefined {
  const [base, exponent] = scalar.arguments
  if (scalar.fn !== 'pow' || exponent?.kind !== 'number' || base!.dtype !== 'float') return undefined
  const size = Math.abs(exponent.value)
  if (size !== 0.5 && size !== 1 && size !== 2 && size !== 3 && size !== 4) return undefined
  const x = named(context, printScalar(context, base!))
  const kind = x.type === 'v128' ? 'f32x4' : 'f32'
  const square = size > 1 ? named(context, op(`${kind}.mul`, x, x)) : x
  const power =
    size === 0.5
      ? op(`${kind}.sqrt`, x)
      : size === 3
        ? op(`${kind}.mul`, square, x)
        : size === 4
          ? op(`${kind}.mul`, square, square)
          : square
  if (exponent.value > 0) return power
  return op(`${kind}.div`, kind === 'f32' ? float(1) : floats(1), power)
}
