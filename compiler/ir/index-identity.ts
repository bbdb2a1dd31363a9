/** When two indices are the same, in which order terms stand, and which axes an index mentions. */
import type { Axis, Index } from './kernel.ts'

const axisSerials = new WeakMap<object, string>()
let serial = 0
/** A number for an object, in order of first use; padded, so that text order is that order. */
function serialOf(object: object): string {
  const known = axisSerials.get(object)
  if (known) return known
  const made = String(serial++).padStart(9, '0')
  axisSerials.set(object, made)
  return made
}

const indexKeys = new WeakMap<Index, string>()
/** Equal for indices that are equal in normal form. */
export function keyOfIndex(index: Index): string {
  const known = indexKeys.get(index)
  if (known) return known
  const key = computeKey(index)
  indexKeys.set(index, key)
  return key
}
function computeKey(index: Index): string {
  switch (index.kind) {
    case 'dim':
      return `#${index.dim.key}`
    case 'axis':
      return `a${serialOf(index.axis)}`
    case 'data':
      return `d${serialOf(index.value)}`
    case 'quotient':
      return `q(${keyOfIndex(index.index)},${index.by.key})`
    case 'remainder':
      return `r(${keyOfIndex(index.index)},${index.by.key})`
    case 'sum':
      return `s(${index.terms.map((t) => `${t.factor.key}:${keyOfIndex(t.index)}`).join(',')},${index.offset.key})`
    default:
      return index satisfies never
  }
}
export const sameIndex = (a: Index, b: Index): boolean => a === b || keyOfIndex(a) === keyOfIndex(b)
export function sameIndices(a: readonly Index[], b: readonly Index[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (!sameIndex(a[i]!, b[i]!)) return false
  return true
}

/** The axes an index mentions itself; those behind data are not among them. */
export function axesOfIndex(index: Index, into: Set<Axis> = new Set()): Set<Axis> {
  switch (index.kind) {
    case 'dim':
    case 'data':
      break
    case 'axis':
      into.add(index.axis)
      break
    case 'sum':
      for (const term of index.terms) axesOfIndex(term.index, into)
      break
    case 'quotient':
    case 'remainder':
      axesOfIndex(index.index, into)
      break
    default:
      index satisfies never
  }
  return into
}
