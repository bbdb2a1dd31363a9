/**
 * Symbolic dimensions: exact integer algebra with a normal form.
 *
 * A `Dim` is a polynomial with integer coefficients over atoms. An atom is a free dim of a model (`batch`, `T`) or an
 * irreducible floor division. Two dims are equal for all values of their symbols that the algebra can see exactly when
 * their `key`s are the same string: `(T + T) // 2` is `T`, `(H + 2*p - k) // 1 + 1` is `H + 2*p - k + 1`.
 * Dims are interned, so `===` decides equality.
 */

export type Atom =
  | { readonly kind: 'symbol'; readonly name: string; readonly key: string }
  | { readonly kind: 'quotient'; readonly numerator: Dim; readonly denominator: Dim; readonly key: string }

/** A product of atoms with repetition, in key order; the empty product is 1. */
interface Term {
  readonly coefficient: number
  readonly atoms: readonly Atom[]
}

export interface Dim {
  /** The normal form as text: also how a dim is printed. */
  readonly key: string
  readonly terms: readonly Term[]
  /** The value when the dim is a plain number. */
  readonly constant: number | undefined
}

const interned = new Map<string, Dim>()

/** Raised when a coefficient or value leaves the safe integers (2⁵³); the checker turns it into a diagnostic. */
export class DimOverflow extends Error {}

function safe(value: number): number {
  if (!Number.isSafeInteger(value)) throw new DimOverflow('a dimension exceeds 2^53')
  return value
}

const monomialKey = (atoms: readonly Atom[]): string => atoms.map((a) => a.key).join('*')

function fromTerms(terms: Iterable<Term>): Dim {
  const sums = new Map<string, Term>()
  for (const term of terms) {
    const key = monomialKey(term.atoms)
    const known = sums.get(key)
    sums.set(key, known ? { ...known, coefficient: safe(known.coefficient + term.coefficient) } : term)
  }
  const kept = [...sums.entries()]
    .filter(([, t]) => t.coefficient !== 0)
    // Higher degree first, the constant last, so that a dim reads as one writes it.
    .sort(([a, s], [b, t]) => t.atoms.length - s.atoms.length || (a < b ? -1 : a > b ? 1 : 0))
    .map(([, t]) => t)
  const key = kept.length === 0 ? '0' : kept.map(printTerm).join('')
  const known = interned.get(key)
  if (known) return known
  const constant =
    kept.length === 0 ? 0 : kept.length === 1 && kept[0]!.atoms.length === 0 ? kept[0]!.coefficient : undefined
  const made: Dim = Object.freeze({ key, terms: Object.freeze(kept), constant })
  interned.set(key, made)
  return made
}

function printTerm(term: Term, index: number): string {
  const { coefficient: c, atoms } = term
  const sign = c < 0 ? (index === 0 ? '-' : ' - ') : index === 0 ? '' : ' + '
  const size = Math.abs(c)
  if (atoms.length === 0) return `${sign}${size}`
  return `${sign}${size === 1 ? '' : `${size}*`}${monomialKey(atoms)}`
}

const numbers = new Map<number, Dim>()
export function dim(value: number): Dim {
  const known = numbers.get(value)
  if (known) return known
  const made = fromNumber(value)
  numbers.set(value, made)
  return made
}
function fromNumber(value: number): Dim {
  return fromTerms([{ coefficient: safe(value), atoms: [] }])
}
const symbols = new Map<string, Dim>()
export function symbol(name: string): Dim {
  const known = symbols.get(name)
  if (known) return known
  const made = fromTerms([{ coefficient: 1, atoms: [{ kind: 'symbol', name, key: name }] }])
  symbols.set(name, made)
  return made
}
export const zero = dim(0)
export const one = dim(1)

/** Results of two operands, remembered: fusion asks for the same few over and over. */
type Table<B, R = Dim> = Map<Dim, Map<B, R>>
const sums: Table<Dim> = new Map()
const products: Table<Dim> = new Map()
const multiples: Table<number> = new Map()
const quotients: Table<Dim> = new Map()
/** None where the division leaves a rest. */
const exact: Table<Dim, Dim | undefined> = new Map()
function remembered<B, R extends Dim | undefined>(table: Table<B, R>, a: Dim, b: B, make: (a: Dim, b: B) => R): R {
  let row = table.get(a)
  if (!row) {
    row = new Map()
    table.set(a, row)
  }
  const known = row.get(b)
  if (known !== undefined || row.has(b)) return known as R
  const made = make(a, b)
  row.set(b, made)
  return made
}

export function add(...dims: readonly Dim[]): Dim {
  if (dims.length === 0) return zero
  let sum = dims[0]!
  for (let i = 1; i < dims.length; i++) sum = addTwo(sum, dims[i]!)
  return sum
}
export function addTwo(a: Dim, b: Dim): Dim {
  if (a === zero) return b
  if (b === zero) return a
  if (a.constant !== undefined && b.constant !== undefined) return dim(a.constant + b.constant)
  return remembered(sums, a, b, sumOfTwo)
}
const sumOfTwo = (a: Dim, b: Dim): Dim => fromTerms([...a.terms, ...b.terms])
export function scale(d: Dim, factor: number): Dim {
  if (factor === 1) return d
  if (d.constant !== undefined) return dim(d.constant * factor)
  return remembered(multiples, d, factor, () =>
    fromTerms(d.terms.map((t) => ({ ...t, coefficient: safe(t.coefficient * factor) }))),
  )
}
export function subtract(a: Dim, b: Dim): Dim {
  return a === b ? zero : add(a, scale(b, -1))
}
export function multiply(...dims: readonly Dim[]): Dim {
  let made = one
  for (let i = 0; i < dims.length; i++) made = timesTwo(made, dims[i]!)
  return made
}
export function timesTwo(a: Dim, b: Dim): Dim {
  if (a === one) return b
  if (b === one) return a
  if (a.constant !== undefined && b.constant !== undefined) return dim(a.constant * b.constant)
  return remembered(products, a, b, multiplyTwo)
}
function multiplyTwo(a: Dim, b: Dim): Dim {
  const terms: Term[] = []
  for (const s of a.terms)
    for (const t of b.terms)
      terms.push({
        coefficient: safe(s.coefficient * t.coefficient),
        atoms: [...s.atoms, ...t.atoms].sort((x, y) => (x.key < y.key ? -1 : x.key > y.key ? 1 : 0)),
      })
  return fromTerms(terms)
}

/** `a / b` when `b` divides every term of `a`, else `undefined`. */
export function exactQuotient(a: Dim, b: Dim): Dim | undefined {
  if (b === one) return a
  if (a.constant !== undefined && b.constant !== undefined)
    return b.constant !== 0 && a.constant % b.constant === 0 ? dim(a.constant / b.constant) : undefined
  if (b.terms.length !== 1) return a === b && a !== zero ? one : undefined
  return remembered(exact, a, b, divided)
}
function divided(a: Dim, b: Dim): Dim | undefined {
  const quotients: Term[] = []
  for (const term of a.terms) {
    const q = termQuotient(term, b.terms[0]!)
    if (!q) return undefined
    quotients.push(q)
  }
  return fromTerms(quotients)
}

function termQuotient(term: Term, by: Term): Term | undefined {
  if (term.coefficient % by.coefficient !== 0) return undefined
  const left = [...term.atoms]
  for (const atom of by.atoms) {
    const at = left.findIndex((x) => x.key === atom.key)
    if (at === -1) return undefined
    left.splice(at, 1)
  }
  return { coefficient: term.coefficient / by.coefficient, atoms: left }
}

/** `⌊a / b⌋`, exact where the algebra can show it, else an irreducible atom. `b` must not be zero. */
export function floorQuotient(a: Dim, b: Dim): Dim {
  if (b === zero) throw new DimOverflow('division of a dimension by zero')
  const exact = exactQuotient(a, b)
  if (exact) return exact
  if (a.constant !== undefined && b.constant !== undefined) return dim(Math.floor(a.constant / b.constant))
  return remembered(quotients, a, b, inexactQuotient)
}

function inexactQuotient(a: Dim, b: Dim): Dim {
  if (b.terms.length === 1) {
    // ⌊(b·x + r) / b⌋ = x + ⌊r / b⌋: take the divisible terms out, and the whole part of a constant remainder.
    const whole: Term[] = []
    const rest: Term[] = []
    for (const term of a.terms) {
      const q = termQuotient(term, b.terms[0]!)
      if (q) whole.push(q)
      else if (term.atoms.length === 0 && b.constant !== undefined) {
        const q0 = Math.floor(term.coefficient / b.constant)
        whole.push({ coefficient: q0, atoms: [] })
        rest.push({ coefficient: term.coefficient - q0 * b.constant, atoms: [] })
      } else rest.push(term)
    }
    const remainder = fromTerms(rest)
    if (remainder.constant !== undefined && b.constant !== undefined)
      return add(fromTerms(whole), dim(Math.floor(remainder.constant / b.constant)))
    return add(fromTerms(whole), quotientAtom(remainder, b))
  }
  return quotientAtom(a, b)
}

function quotientAtom(numerator: Dim, denominator: Dim): Dim {
  const bracket = (d: Dim) => (d.terms.length === 1 && d.terms[0]!.atoms.length <= 1 ? d.key : `(${d.key})`)
  const key = `(${bracket(numerator)} // ${bracket(denominator)})`
  return fromTerms([{ coefficient: 1, atoms: [{ kind: 'quotient', numerator, denominator, key }] }])
}

export function remainder(a: Dim, b: Dim): Dim {
  return subtract(a, multiply(b, floorQuotient(a, b)))
}
export function ceilQuotient(a: Dim, b: Dim): Dim {
  return floorQuotient(add(a, b, dim(-1)), b)
}

/** The greater of 1 and a dim that is never negative: `d + 1 - ⌊2d / (d + 1)⌋`, whose last part is 0 for 0 and else 1. */
export function atLeastOne(d: Dim): Dim {
  return subtract(add(d, one), floorQuotient(scale(d, 2), add(d, one)))
}

export type Bindings = ReadonlyMap<string, number>

/** The value of a dim under bindings of all its symbols. */
export function evaluate(d: Dim, bindings: Bindings): number {
  let sum = 0
  for (const term of d.terms) {
    let product = term.coefficient
    for (const atom of term.atoms) product = safe(product * evaluateAtom(atom, bindings))
    sum = safe(sum + product)
  }
  return sum
}

function evaluateAtom(atom: Atom, bindings: Bindings): number {
  if (atom.kind === 'quotient')
    return Math.floor(evaluate(atom.numerator, bindings) / evaluate(atom.denominator, bindings))
  const value = bindings.get(atom.name)
  if (value === undefined) throw new Error(`the dim ${atom.name} has no value`)
  return value
}

/** Replaces symbols by dims. */
export function substitute(d: Dim, replacements: ReadonlyMap<string, Dim>): Dim {
  if (d.constant !== undefined || replacements.size === 0) return d
  return add(
    ...d.terms.map((term) =>
      multiply(
        dim(term.coefficient),
        ...term.atoms.map((atom) =>
          atom.kind === 'symbol'
            ? (replacements.get(atom.name) ?? symbol(atom.name))
            : floorQuotient(substitute(atom.numerator, replacements), substitute(atom.denominator, replacements)),
        ),
      ),
    ),
  )
}

/** The names of the symbols a dim depends on. */
export function symbolsOf(d: Dim, into: Set<string> = new Set()): Set<string> {
  for (const term of d.terms)
    for (const atom of term.atoms)
      if (atom.kind === 'symbol') into.add(atom.name)
      else {
        symbolsOf(atom.numerator, into)
        symbolsOf(atom.denominator, into)
      }
  return into
}

export const product = (dims: readonly Dim[]): Dim => multiply(...dims)
export function sameDims(a: readonly Dim[], b: readonly Dim[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
export const printDims = (dims: readonly Dim[]): string => `[${dims.map((d) => d.key).join(', ')}]`
