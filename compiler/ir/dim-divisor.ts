/** The greatest common divisor of two dims, as far as their factors show it. */
import { type Atom, type Dim, dim, exactQuotient, floorQuotient, multiply, one, symbol } from './dim.ts'

export function greatestCommonDivisor(a: Dim, b: Dim): Dim {
  if (a === b) return a
  if (a.terms.length !== 1 || b.terms.length !== 1) {
    if (b.terms.length === 1 && exactQuotient(a, b)) return b
    if (a.terms.length === 1 && exactQuotient(b, a)) return a
    return one
  }
  const [s, t] = [a.terms[0]!, b.terms[0]!]
  const left = [...t.atoms]
  const common = s.atoms.filter((atom) => {
    const at = left.findIndex((other) => other.key === atom.key)
    if (at >= 0) left.splice(at, 1)
    return at >= 0
  })
  return multiply(dim(gcd(Math.abs(s.coefficient), Math.abs(t.coefficient))), ...common.map(atomDim))
}
const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))
const atomDim = (atom: Atom): Dim =>
  atom.kind === 'symbol' ? symbol(atom.name) : floorQuotient(atom.numerator, atom.denominator)
