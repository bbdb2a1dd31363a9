/** Dims → bytes and the ABI's `Size`s. Everything stays exact: rounding up is a floor quotient, never a guess. */
import type { Size, SizeFactor, SizeTerm, Storage } from '../../runtime/abi.ts'
import { type Atom, add, ceilQuotient, type Dim, dim, multiply, product, scale } from '../ir/dim.ts'
import type { DType, Node } from '../ir/graph.ts'

/** Every tensor starts at a multiple of this many bytes (WebGPU's default `minStorageBufferOffsetAlignment`). */
export const alignment = 256

export function storageOf(dtype: DType): Storage {
  switch (dtype) {
    case 'float':
      return 'f32'
    case 'int':
      return 'i32'
    case 'uint':
    case 'bool':
      return 'u32'
    default:
      return dtype satisfies never
  }
}

/** Bytes of a tensor in a storage. */
export const bytesOf = ({ shape }: Pick<Node, 'shape'>, storage: Storage): Dim =>
  scale(product(shape), storage === 'f16' ? 2 : 4)
export const roundUp = (bytes: Dim, to: number): Dim =>
  bytes.constant !== undefined
    ? dim(Math.ceil(bytes.constant / to) * to)
    : multiply(dim(to), ceilQuotient(bytes, dim(to)))

export function toSize(d: Dim): Size {
  if (d.constant !== undefined) return d.constant
  const made = symbolic.get(d) ?? {
    terms: d.terms.map((t): SizeTerm => [t.coefficient, ...t.atoms.map(toFactor)]),
  }
  symbolic.set(d, made)
  return made
}
const symbolic = new WeakMap<Dim, Size>()
const toFactor = (atom: Atom): SizeFactor =>
  atom.kind === 'symbol' ? atom.name : { floor: [toSize(atom.numerator), toSize(atom.denominator)] }

/** Whether `a ≤ b` for all non-negative values of the dims, as far as the coefficients show it. */
export function atMost(a: Dim, b: Dim): boolean {
  if (a.constant !== undefined && b.constant !== undefined) return a.constant <= b.constant
  return add(b, scale(a, -1)).terms.every((t) => t.coefficient > 0)
}
