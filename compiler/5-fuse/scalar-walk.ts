/** Walking and rewriting scalars: each shared part is visited once. */
import { rewriteIndex } from '../ir/index.ts'
import type { Axis, Guard, Index, Scalar } from '../ir/kernel.ts'
import type { Scalars } from '../ir/scalars.ts'

export interface Visitor {
  readonly scalar?: (scalar: Scalar) => void
  readonly index?: (index: Index) => void
}

/** Visits every scalar and every index below, each object once per `seen`. */
export function walkScalar(scalar: Scalar, visitor: Visitor, seen: Set<object> = new Set()): void {
  if (seen.has(scalar)) return
  seen.add(scalar)
  visitor.scalar?.(scalar)
  switch (scalar.kind) {
    case 'load':
    case 'position':
      walkIndex(scalar.index, visitor, seen)
      break
    case 'apply':
      for (const argument of scalar.arguments) walkScalar(argument, visitor, seen)
      break
    case 'guarded':
      for (const guard of scalar.guards) walkIndex(guard.index, visitor, seen)
      walkScalar(scalar.value, visitor, seen)
      walkScalar(scalar.otherwise, visitor, seen)
      break
    case 'reduce':
      walkScalar(scalar.value, visitor, seen)
      break
    case 'number':
    case 'stage':
    case 'accumulator':
      break
    default:
      scalar satisfies never
  }
}

export function walkIndex(index: Index, visitor: Visitor, seen: Set<object> = new Set()): void {
  if (seen.has(index)) return
  seen.add(index)
  visitor.index?.(index)
  switch (index.kind) {
    case 'dim':
    case 'axis':
      break
    case 'sum':
      for (const term of index.terms) walkIndex(term.index, visitor, seen)
      break
    case 'quotient':
    case 'remainder':
      walkIndex(index.index, visitor, seen)
      break
    case 'data':
      walkScalar(index.value, visitor, seen)
      break
    default:
      index satisfies never
  }
}

export function mentionsStage(scalar: Scalar): boolean {
  let found = false
  walkScalar(scalar, { scalar: (s) => (found ||= s.kind === 'stage') })
  return found
}

export interface Rewriter {
  readonly scalar: (scalar: Scalar) => Scalar
  readonly index: (index: Index) => Index
}

/** What a rewrite replaces; everything absent stays. */
export interface Replacement {
  readonly axis?: (axis: Axis) => Index | undefined
  /** Axes that `reduce` binds. */
  readonly bound?: (axes: readonly Axis[]) => readonly Axis[]
  readonly slot?: (slot: number) => number
  /** In place of the finished sum of a contraction. */
  readonly accumulator?: Scalar
  /** Where a load of a slot (as numbered before) lies, given its index. */
  readonly place?: (slot: number, index: Index) => Index
}

/** Replaces axes and slots, in scalars made anew so that equal ones stay one. */
export function rewriter(
  scalars: Scalars,
  { axis = () => undefined, bound = (a) => a, slot = (n) => n, place = (_, i) => i, accumulator }: Replacement,
): Rewriter {
  const scalarMemo = new Map<Scalar, Scalar>()
  const indexMemo = new Map<Index, Index>()
  const index = (i: Index): Index => {
    const known = indexMemo.get(i)
    if (known) return known
    const made = rewriteIndex(i, axis, scalar)
    indexMemo.set(i, made)
    return made
  }
  const guard = (g: Guard): Guard => ({ ...g, index: index(g.index) })
  const scalar = (s: Scalar): Scalar => {
    const known = scalarMemo.get(s)
    if (known) return known
    const made = rebuild(s)
    scalarMemo.set(s, made)
    return made
  }
  const rebuild = (s: Scalar): Scalar => {
    switch (s.kind) {
      case 'number':
        return scalars.number(s.value, s.dtype)
      case 'load':
        return scalars.load(slot(s.slot), place(s.slot, index(s.index)), s.dtype)
      case 'apply':
        return scalars.apply(s.fn, s.arguments.map(scalar), s.dtype)
      case 'position':
        return scalars.position(index(s.index), s.dtype)
      case 'guarded':
        return scalars.guarded(s.guards.map(guard), scalar(s.value), scalar(s.otherwise))
      case 'reduce':
        return scalars.reduce(s.combine, bound(s.axes), scalar(s.value), s.dtype)
      case 'stage':
        return scalars.stage(s.stage, s.dtype)
      case 'accumulator':
        return accumulator ?? scalars.accumulator(s.dtype)
      default:
        return s satisfies never
    }
  }
  return { scalar, index }
}
