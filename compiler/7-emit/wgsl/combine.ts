/** How reductions combine in WGSL: the value they start from, one step, and the pair (value, position) of arg-reductions. */
import type { DType } from '../../ir/graph.ts'
import type { Combine } from '../../ops/op.ts'

/** The WGSL type of a value in a register. */
export function registerType(dtype: DType): 'f32' | 'i32' | 'u32' | 'bool' {
  switch (dtype) {
    case 'float':
      return 'f32'
    case 'int':
      return 'i32'
    case 'uint':
      return 'u32'
    case 'bool':
      return 'bool'
    default:
      return dtype satisfies never
  }
}

export const isArg = (combine: Combine): boolean => combine === 'argmax' || combine === 'argmin'

/** The position that no element has: what a lane without elements holds. Any real position is less. */
export const noPosition = '0x7fffffffu'

/** Infinities are not to be relied on in WGSL, so the largest finite floats stand for them. */
export function startOf(combine: Combine, dtype: DType): string {
  switch (combine) {
    case 'sum':
      return numberText(0, dtype)
    case 'max':
    case 'argmax':
      return dtype === 'float'
        ? numberText(Number.NEGATIVE_INFINITY, dtype)
        : dtype === 'int'
          ? lowestInt
          : dtype === 'uint'
            ? '0u'
            : 'false'
    case 'min':
    case 'argmin':
      return dtype === 'float'
        ? numberText(Number.POSITIVE_INFINITY, dtype)
        : dtype === 'int'
          ? '0x7fffffffi'
          : dtype === 'uint'
            ? '0xffffffffu'
            : 'true'
    default:
      return combine satisfies never
  }
}

const lowestInt = 'i32(-2147483648)'

/** `a` and `b` combined; for arg-reductions, of the values. */
export function combined(combine: Combine, dtype: DType, a: string, b: string): string {
  const bool = dtype === 'bool'
  switch (combine) {
    case 'sum':
      return bool ? `${a} || ${b}` : `${a} + ${b}`
    case 'max':
    case 'argmax':
      return bool ? `${a} || ${b}` : `max(${a}, ${b})`
    case 'min':
    case 'argmin':
      return bool ? `${a} && ${b}` : `min(${a}, ${b})`
    default:
      return combine satisfies never
  }
}

/** Whether candidate `b` replaces `a`: it is better, or as good and earlier. */
export function replaces(
  combine: Combine,
  a: { value: string; position: string },
  b: { value: string; position: string },
): string {
  const order = combine === 'argmax' ? '>' : '<'
  return `${b.value} ${order} ${a.value} || (${b.value} == ${a.value} && ${b.position} < ${a.position})`
}

const largestFloat = 3.4028234663852886e38
const smallestNormal = 1.1754943508222875e-38

/** A number as a literal. Infinities become the largest finite float, what float32 would flush becomes 0. */
export function numberText(value: number, dtype: DType): string {
  switch (dtype) {
    case 'float': {
      const bounded = Math.max(-largestFloat, Math.min(largestFloat, value))
      const rounded = Math.fround(Math.abs(bounded) < smallestNormal ? 0 : bounded)
      if (Number.isNaN(rounded)) throw new Error('a NaN cannot be written in WGSL')
      // Its shortest decimal is above it, which WGSL refuses.
      if (Math.abs(rounded) === largestFloat) return signed(`${rounded < 0 ? '-' : ''}0x1.fffffep+127f`)
      const text = shortestFloat(rounded)
      return signed(/[.e]/.test(text) ? `${text}f` : `${text}.0f`)
    }
    case 'int':
      return value === -2147483648 ? lowestInt : signed(`${Math.trunc(value)}i`)
    case 'uint':
      return `${Math.trunc(value) >>> 0}u`
    case 'bool':
      return value !== 0 ? 'true' : 'false'
    default:
      return dtype satisfies never
  }
}

/** The shortest decimal that rounds to the same float32. */
function shortestFloat(value: number): string {
  // Each is a float of its own, so none has a shorter one.
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 24) return String(value)
  for (let digits = 1; digits <= 9; digits++) {
    const text = String(Number(value.toPrecision(digits)))
    if (Math.fround(Number(text)) === value) return text
  }
  return String(value)
}

/** `- -1` must not become `--1`, which WGSL reserves. */
const signed = (text: string): string => (text.startsWith('-') ? `(${text})` : text)
