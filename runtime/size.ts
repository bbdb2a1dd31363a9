/** A `Size` and the values of its dims → a number: exact, or a typed error that names what is wrong. */
import type { CompiledProgram, DimValues, Size, SizeFactor } from './abi.ts'
import { DimError } from './errors.ts'

export function evaluate(size: Size, dims: DimValues): number {
  if (typeof size === 'number') return size
  let sum = 0
  for (const [coefficient, ...factors] of size.terms) {
    let product = coefficient
    for (const factor of factors) product = exact(product * factorValue(factor, dims))
    sum = exact(sum + product)
  }
  return sum
}

/** The number of elements of a shape under dims. */
export function elements(shape: readonly Size[], dims: DimValues): number {
  return shape.reduce<number>((product, size) => exact(product * evaluate(size, dims)), 1)
}

/** The dims that a session is opened with: each of the program's, a whole number that is not negative, and all that it requires of them. */
export function checkDims(program: CompiledProgram, dims: DimValues): void {
  for (const name of program.dims) dimValue(name, dims)
  for (const { size, says } of program.requirements ?? [])
    if (evaluate(size, dims) < 0) throw new DimError(`${says}: ${JSON.stringify(dims)}`, 'choose other sizes')
}

function factorValue(factor: SizeFactor, dims: DimValues): number {
  if (typeof factor === 'string') return dimValue(factor, dims)
  const [numerator, denominator] = factor.floor
  const by = evaluate(denominator, dims)
  if (by === 0) throw new DimError('a size is divided by zero', 'choose other sizes')
  return Math.floor(evaluate(numerator, dims) / by)
}

function dimValue(name: string, dims: DimValues): number {
  const value = Object.hasOwn(dims, name) ? dims[name] : undefined
  if (value === undefined) throw new DimError(`the dim '${name}' has no value`, `give one, as in { ${name}: 32 }`)
  if (!Number.isSafeInteger(value) || value < 0)
    throw new DimError(`the dim '${name}' is ${value}, not a whole number`, 'choose other sizes')
  return value
}

function exact(value: number): number {
  if (!Number.isSafeInteger(value)) throw new DimError('a size exceeds 2^53', 'choose other sizes')
  return value
}
