/**
 * The algebra of indices: integer expressions over axes, kept in a normal form in which views vanish.
 *
 * A normal index is a sum of (factor × atom) and an offset; an atom is an axis, a datum, or a quotient or remainder that
 * could not be resolved. Known ranges do the work: with `0 ≤ j < 784`, `(784·i + j) // 784` is `i` and its remainder
 * `j`; and what was split is put together again: `7·(f // 7) + f % 7` is `f`. All of it holds for symbolic sizes.
 *
 * Quotient and remainder are meant as floor and non-negative rest. Normal forms are built so that a dividend is
 * non-negative wherever the index is used, so machine division (towards zero) agrees.
 */
import { addTwo, type Dim, dim, exactQuotient, floorQuotient, multiply, one, subtract, timesTwo, zero } from './dim.ts'
import { greatestCommonDivisor } from './dim-divisor.ts'
import { isAlwaysInside, isNeverNegative } from './index-bounds.ts'
import { keyOfIndex } from './index-identity.ts'
import type { Axis, Index, Scalar } from './kernel.ts'

export { axesOfIndex, keyOfIndex, sameIndex, sameIndices } from './index-identity.ts'
export { rewriteIndex } from './index-rewrite.ts'
export { divisibleGuard, flattenIndex, insideGuard, unflattenIndex } from './index-shape.ts'

export interface IndexTerm {
  readonly factor: Dim
  readonly index: Index
}

// ---------------------------------------------------------------- construction

export const dimIndex = (d: Dim): Index => ({ kind: 'dim', dim: d })
export const numberIndex = (value: number): Index => dimIndex(dim(value))
export const zeroIndex: Index = dimIndex(zero)

const axisIndices = new WeakMap<Axis, Index>()
/** The axis as an index; an axis of one element is always 0. */
export function axisIndex(axis: Axis): Index {
  if (axis.extent === one) return zeroIndex
  const known = axisIndices.get(axis)
  if (known) return known
  const made: Index = { kind: 'axis', axis }
  axisIndices.set(axis, made)
  // Terms of a sum are in the order of their axes: that of first use, outer loops first.
  keyOfIndex(made)
  return made
}

/** `Σ factor·index + offset` in normal form. */
export function sumIndex(terms: readonly IndexTerm[], offset: Dim = zero): Index {
  if (terms.length === 0) return offset === zero ? zeroIndex : dimIndex(offset)
  const first = terms[0]!
  if (terms.length === 1 && first.factor === one && offset === zero) return first.index
  const parts = new Parts(offset)
  for (let i = 0; i < terms.length; i++) parts.add(terms[i]!.factor, terms[i]!.index)
  parts.recombine()
  return parts.toIndex()
}
export const addIndex = (...indices: readonly Index[]): Index =>
  sumIndex(indices.map((index) => ({ factor: one, index })))
export const scaleIndex = (index: Index, factor: Dim): Index => sumIndex([{ factor, index }])
export const offsetIndex = (index: Index, offset: Dim): Index => sumIndex([{ factor: one, index }], offset)
export const dataIndex = (value: Scalar, size: Dim): Index => (size === one ? zeroIndex : { kind: 'data', value, size })

/** The index as terms over atoms. */
export function partsOf(index: Index): { readonly terms: readonly IndexTerm[]; readonly offset: Dim } {
  switch (index.kind) {
    case 'dim':
      return { terms: [], offset: index.dim }
    case 'sum':
      return index
    default:
      return { terms: [{ factor: one, index }], offset: zero }
  }
}

/** `⌊index / by⌋`. */
export function quotientIndex(index: Index, by: Dim): Index {
  if (by === one) return index
  // A shape without elements: nothing that uses the index ever runs.
  if (by === zero) return zeroIndex
  const { whole, rest } = divide(index, by)
  if (rest === undefined) return { kind: 'quotient', index, by }
  return sumIndex([...partsOf(whole).terms, { factor: one, index: quotientOfRest(rest, by) }], partsOf(whole).offset)
}

/** `index - by·⌊index / by⌋`. */
export function remainderIndex(index: Index, by: Dim): Index {
  if (by === one || by === zero) return zeroIndex
  const { rest } = divide(index, by)
  if (rest === undefined) return { kind: 'remainder', index, by }
  return remainderOfRest(rest, by)
}

/** `index = by·whole + rest` with a rest that is never negative; no rest where that cannot be shown. */
function divide(index: Index, by: Dim): { readonly whole: Index; readonly rest: Index | undefined } {
  const { terms, offset } = partsOf(index)
  const whole: IndexTerm[] = []
  const rest: IndexTerm[] = []
  for (const term of terms) {
    const [q, r] = divideFactor(term.factor, by)
    if (q !== zero) whole.push({ factor: q, index: term.index })
    if (r !== zero) rest.push({ factor: r, index: term.index })
  }
  const [q, r] = divideFactor(offset, by)
  const made = sumIndex(rest, r)
  return { whole: sumIndex(whole, q), rest: isNeverNegative(made) ? made : undefined }
}

/** A factor as `by·q + r`; numbers are reduced to `0 ≤ r < by`. */
function divideFactor(factor: Dim, by: Dim): readonly [Dim, Dim] {
  const exact = exactQuotient(factor, by)
  if (exact) return [exact, zero]
  if (by.constant === undefined || by.constant <= 0) return [zero, factor]
  if (factor.constant !== undefined) {
    const q = floorQuotient(factor, by)
    return [q, subtract(factor, multiply(q, by))]
  }
  // A constant beside symbols: only it is reduced.
  const constant = factor.terms.find((term) => term.atoms.length === 0)?.coefficient ?? 0
  const q = dim(Math.floor(constant / by.constant))
  return [q, subtract(factor, multiply(q, by))]
}

function quotientOfRest(rest: Index, by: Dim): Index {
  if (isAlwaysInside(rest, by)) return zeroIndex
  if (rest.kind === 'dim') return dimIndex(floorQuotient(rest.dim, by))
  if (rest.kind === 'quotient') return quotientIndex(rest.index, multiply(rest.by, by))
  if (rest.kind === 'remainder') {
    const left = exactQuotient(rest.by, by)
    if (left) return remainderIndex(quotientIndex(rest.index, by), left)
  }
  const common = commonFactor(rest, by)
  if (common) return quotientIndex(common.multiple, common.by)
  return { kind: 'quotient', index: rest, by }
}

function remainderOfRest(rest: Index, by: Dim): Index {
  if (isAlwaysInside(rest, by)) return rest
  if (rest.kind === 'dim' && rest.dim.constant !== undefined && by.constant !== undefined)
    return dimIndex(dim(rest.dim.constant % by.constant))
  // (f·(x % a) + …) % b is (f·x + …) % b where b divides f·a.
  const { terms, offset } = partsOf(rest)
  let opened = false
  const open = terms.map((term) => {
    if (term.index.kind !== 'remainder' || !exactQuotient(multiply(term.factor, term.index.by), by)) return term
    opened = true
    return { factor: term.factor, index: term.index.index }
  })
  if (opened) return remainderIndex(sumIndex(open, offset), by)
  const common = commonFactor(rest, by)
  if (common)
    return sumIndex([
      { factor: common.factor, index: remainderIndex(common.multiple, common.by) },
      { factor: one, index: common.small },
    ])
  return { kind: 'remainder', index: rest, by }
}

/** `index = factor·multiple + small` with `factor` dividing `by` and `0 ≤ small < factor`. */
function commonFactor(
  index: Index,
  by: Dim,
): { readonly factor: Dim; readonly multiple: Index; readonly small: Index; readonly by: Dim } | undefined {
  const { terms, offset } = partsOf(index)
  const tried = new Set<Dim>([one])
  for (const { factor: candidate } of terms) {
    const factor = greatestCommonDivisor(candidate, by)
    if (tried.has(factor)) continue
    tried.add(factor)
    const left = exactQuotient(by, factor)
    if (!left) continue
    const multiple: IndexTerm[] = []
    const small: IndexTerm[] = []
    for (const term of terms) {
      const q = exactQuotient(term.factor, factor)
      if (q) multiple.push({ factor: q, index: term.index })
      else small.push(term)
    }
    const [q, r] = divideFactor(offset, factor)
    const rest = sumIndex(small, r)
    const whole = sumIndex(multiple, q)
    if (isAlwaysInside(rest, factor) && isNeverNegative(whole))
      return { factor, multiple: whole, small: rest, by: left }
  }
  return undefined
}

/** Terms by atom, in the order they came, while a sum is being made: so few that a list is searched faster than a table. */
class Parts {
  private readonly keys: string[] = []
  private readonly terms: IndexTerm[] = []
  private offset: Dim
  constructor(offset: Dim) {
    this.offset = offset
  }

  add(factor: Dim, index: Index): void {
    if (factor === zero) return
    if (index.kind === 'dim') {
      this.offset = addTwo(this.offset, timesTwo(factor, index.dim))
      return
    }
    if (index.kind === 'sum') {
      const { terms } = index
      for (let i = 0; i < terms.length; i++) this.add(timesTwo(factor, terms[i]!.factor), terms[i]!.index)
      this.offset = addTwo(this.offset, timesTwo(factor, index.offset))
      return
    }
    const key = keyOfIndex(index)
    const at = this.keys.indexOf(key)
    if (at < 0) {
      this.keys.push(key)
      this.terms.push({ factor, index })
      return
    }
    const sum = addTwo(this.terms[at]!.factor, factor)
    if (sum === zero) this.remove(at)
    else this.terms[at] = { factor: sum, index }
  }

  private remove(at: number): void {
    this.keys.splice(at, 1)
    this.terms.splice(at, 1)
  }
  private removeKey(key: string): void {
    const at = this.keys.indexOf(key)
    if (at >= 0) this.remove(at)
  }

  /** Joins what quotients and remainders have split, as long as that leaves fewer terms. */
  recombine(): void {
    for (let at = 0; at < this.terms.length; at++) {
      const { factor, index } = this.terms[at]!
      if (index.kind !== 'remainder') continue
      const key = this.keys[at]!
      if (this.joinWithQuotient(key, factor, index) || this.joinWithRemainder(key, factor, index)) at = -1
    }
  }

  /** `f·m·(y // m) + f·(y % m)` is `f·y`. */
  private joinWithQuotient(key: string, factor: Dim, { index, by }: Extract<Index, { kind: 'remainder' }>): boolean {
    const { terms, offset } = partsOf(quotientIndex(index, by))
    if (terms.length === 0) return false
    const whole = timesTwo(factor, by)
    const present = terms.every((term) => {
      const at = this.keys.indexOf(keyOfIndex(term.index))
      return at >= 0 && this.terms[at]!.factor === timesTwo(whole, term.factor)
    })
    if (!present) return false
    for (const term of terms) this.removeKey(keyOfIndex(term.index))
    this.removeKey(key)
    this.offset = subtract(this.offset, timesTwo(whole, offset))
    this.add(factor, index)
    return true
  }

  /** `f·a·((y // a) % b) + f·(y % a)` is `f·(y % ab)`. */
  private joinWithRemainder(key: string, factor: Dim, { index, by }: Extract<Index, { kind: 'remainder' }>): boolean {
    const scaled = timesTwo(factor, by)
    for (let at = 0; at < this.terms.length; at++) {
      const other = this.terms[at]!
      if (this.keys[at] === key || other.factor !== scaled || other.index.kind !== 'remainder') continue
      if (keyOfIndex(other.index.index) !== keyOfIndex(quotientIndex(index, by))) continue
      this.remove(at)
      this.removeKey(key)
      this.add(factor, remainderIndex(index, timesTwo(by, other.index.by)))
      return true
    }
    return false
  }

  toIndex(): Index {
    const { keys, terms, offset } = this
    if (terms.length === 0) return dimIndex(offset)
    if (terms.length === 1 && terms[0]!.factor === one && offset === zero) return terms[0]!.index
    // By insertion: two or three, mostly in order.
    for (let i = 1; i < terms.length; i++) {
      const key = keys[i]!
      const term = terms[i]!
      let at = i
      for (; at > 0 && keys[at - 1]! > key; at--) {
        keys[at] = keys[at - 1]!
        terms[at] = terms[at - 1]!
      }
      keys[at] = key
      terms[at] = term
    }
    return { kind: 'sum', terms, offset }
  }
}
