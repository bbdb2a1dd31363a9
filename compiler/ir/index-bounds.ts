/**
 * What is known of the values of dims and indices: enough to drop a guard, a quotient or a remainder that cannot matter.
 *
 * Symbols are never negative. Inside a kernel over an axis its extent is at least 1 (else nothing runs), so the symbols
 * that are its factors are at least 1 too; without that, `0` could not be shown to lie inside `[0, T)`.
 */
import {
  type Atom,
  add,
  type Dim,
  dim,
  exactQuotient,
  floorQuotient,
  multiply,
  one,
  scale,
  substitute,
  subtract,
  symbol,
  zero,
} from './dim.ts'
import { axesOfIndex } from './index-identity.ts'
import type { Index } from './kernel.ts'

export interface Bounds {
  /** Inclusive; `undefined` where nothing is known. */
  readonly low: Dim | undefined
  readonly high: Dim | undefined
}

const known = new WeakMap<Index, Bounds>()

export function boundsOf(index: Index): Bounds {
  const cached = known.get(index)
  if (cached) return cached
  const bounds = computeBounds(index)
  known.set(index, bounds)
  return bounds
}

function computeBounds(index: Index): Bounds {
  switch (index.kind) {
    case 'dim':
      return { low: index.dim, high: index.dim }
    case 'axis':
      return { low: zero, high: subtract(index.axis.extent, one) }
    case 'data':
      return { low: zero, high: subtract(index.size, one) }
    case 'sum':
      return sumBounds(index)
    case 'quotient': {
      const inner = boundsOf(index.index)
      const low =
        inner.low && isNonNegative(inner.low)
          ? inner.low.constant === undefined
            ? zero
            : floorQuotient(inner.low, index.by)
          : undefined
      const high = low && inner.high && (exactQuotient(inner.high, index.by) ?? floorQuotient(inner.high, index.by))
      return { low, high }
    }
    case 'remainder': {
      const inner = boundsOf(index.index)
      if (!inner.low || !isNonNegative(inner.low)) return { low: undefined, high: undefined }
      const whole = subtract(index.by, one)
      const high = inner.high && isNonNegative(subtract(whole, inner.high)) ? inner.high : whole
      return { low: zero, high }
    }
    default:
      return index satisfies never
  }
}

function sumBounds(index: Extract<Index, { kind: 'sum' }>): Bounds {
  let low: Dim | undefined = index.offset
  let high: Dim | undefined = index.offset
  for (const { factor, index: part } of index.terms) {
    const bounds = boundsOf(part)
    const rising = isNonNegative(factor)
    const falling = !rising && isNonNegative(scale(factor, -1))
    const least: Dim | undefined = rising ? bounds.low : falling ? bounds.high : undefined
    const most: Dim | undefined = rising ? bounds.high : falling ? bounds.low : undefined
    low = low && least && add(low, multiply(factor, least))
    high = high && most && add(high, multiply(factor, most))
  }
  return { low, high }
}

/** Whether `0 ≤ index < size` whatever the values of its axes. */
export function isAlwaysInside(index: Index, size: Dim): boolean {
  const { low, high } = boundsOf(index)
  if (!low || !high) return false
  const positive = positiveSymbols(index)
  return isNonNegative(low, positive) && isNonNegative(subtract(subtract(size, one), high), positive)
}

/** Whether the index is certainly not negative. */
export function isNeverNegative(index: Index): boolean {
  const { low } = boundsOf(index)
  return low !== undefined && isNonNegative(low, positiveSymbols(index))
}

/** Symbols that divide the extent of an axis in the index. */
function positiveSymbols(index: Index): ReadonlySet<string> {
  const names = new Set<string>()
  for (const { extent } of axesOfIndex(index))
    if (extent.terms.length === 1)
      for (const atom of extent.terms[0]!.atoms) if (atom.kind === 'symbol') names.add(atom.name)
  return names
}

const none: ReadonlySet<string> = new Set()

/** Whether a dim is at least 0 for all values of its symbols; `false` also where that cannot be seen. */
export function isNonNegative(d: Dim, positive: ReadonlySet<string> = none): boolean {
  if (d.constant !== undefined) return d.constant >= 0
  if (signed(d)) return true
  const lower = withoutQuotients(d)
  if (lower && signed(lower)) return true
  if (positive.size === 0) return false
  const shifted = new Map([...positive].map((name): [string, Dim] => [name, add(symbol(name), one)]))
  return signed(substitute(d, shifted)) || (lower !== undefined && signed(substitute(lower, shifted)))
}

const signed = (d: Dim): boolean => d.terms.every((term) => term.coefficient >= 0 && term.atoms.every(neverNegative))

const neverNegative = (atom: Atom): boolean =>
  atom.kind === 'symbol' || (isNonNegative(atom.numerator) && isNonNegative(atom.denominator)) || fromWindow(atom)

/** `(H - k) // s` counts windows less one: with a window that fits it is at least 0, and none runs where it does not. */
const fromWindow = (atom: Atom): boolean =>
  atom.kind === 'quotient' &&
  isNonNegative(atom.denominator) &&
  atom.numerator.terms.every((t) => t.atoms.length === 0 || (t.coefficient > 0 && t.atoms.every(neverNegative)))

/** A lower bound in which `-c·d·(n // d)` is replaced by `-c·n`, which is no greater. */
function withoutQuotients(d: Dim): Dim | undefined {
  let result = d
  let changed = false
  for (const term of d.terms) {
    const [atom] = term.atoms
    if (term.coefficient >= 0 || term.atoms.length !== 1 || atom?.kind !== 'quotient') continue
    const factor = exactQuotient(dim(term.coefficient), atom.denominator)
    if (!factor) continue
    result = add(
      result,
      multiply(factor, atom.numerator),
      multiply(dim(-term.coefficient), floorQuotient(atom.numerator, atom.denominator)),
    )
    changed = true
  }
  return changed ? result : undefined
}
