/** Dims → bytes and the ABI's `Size`s. Everything stays exact: rounding up is a floor quotient, never a guess. */
import type { Size, SizeFactor, SizeTerm, Storage } from '../../runtime/abi.ts'
import { type Atom, addTwo, ceilQuotient, type Dim, dim, multiply, product, scale, zero } from '../ir/dim.ts'
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
  if (a === b) return true
  if (a.constant !== undefined && b.constant !== undefined) return a.constant <= b.constant
  // No term of `b - a` may be negative; the difference itself is of no use to anyone.
  for (let i = 0; i < a.terms.length; i++) {
    const term = a.terms[i]!
    if (coefficientIn(b, term.atoms) < term.coefficient) return false
  }
  for (let i = 0; i < b.terms.length; i++) {
    const term = b.terms[i]!
    if (term.coefficient < 0 && coefficientIn(a, term.atoms) > term.coefficient) return false
  }
  return true
}
function coefficientIn({ terms }: Dim, atoms: readonly Atom[]): number {
  for (let i = 0; i < terms.length; i++) if (sameAtoms(terms[i]!.atoms, atoms)) return terms[i]!.coefficient
  return 0
}
/** Of two products, each in the order of keys. */
function sameAtoms(a: readonly Atom[], b: readonly Atom[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i] && a[i]!.key !== b[i]!.key) return false
  return true
}

/** The sum of many sizes: numbers are added as such, without a dim for each sum on the way. */
export function total(sizes: readonly Dim[]): Dim {
  let known = 0
  let symbolic = zero
  for (let i = 0; i < sizes.length; i++) {
    const size = sizes[i]!
    if (size.constant === undefined) symbolic = addTwo(symbolic, size)
    else known += size.constant
  }
  return known === 0 ? symbolic : addTwo(symbolic, dim(known))
}
