/**
 * Types as patterns: binds the dim names of a signature by unification, once per call, and checks what is already known.
 * `x: float[B, T, 2 * d]` against `float[batch, 7, 512]` binds B, T and d; `...` binds the dims that are left over.
 */
import type { Expression, Type } from '../../grammar/ast.ts'
import type { Span } from '../../grammar/source.ts'
import * as names from '../diagnostics/names.ts'
import * as shapes from '../diagnostics/shapes.ts'
import { add, type Dim, exactQuotient, multiply, one, substitute, subtract, symbol, zero } from '../ir/dim.ts'
import type { DType, Node } from '../ir/graph.ts'
import { canBeTensor, holdsTensors, toTensor } from './coerce.ts'
import { type Elaboration, fail, silent } from './elaboration.ts'
import { evaluate } from './expression.ts'
import { dimSource } from './provenance.ts'
import type { Scope } from './scope.ts'
import { acceptStatic } from './static-types.ts'
import { asDim, describe, dimList, dimText, dimValue, typeText, type Value } from './value.ts'
import { namesIn } from './walk.ts'

/** What one call has bound so far, and equations that wait for a name. */
export interface Unifier {
  readonly scope: Scope
  /** Dim names bound by this call's patterns, and where. */
  readonly variables: Map<string, { readonly dim: Dim; readonly span: Span }>
  readonly waiting: Equation[]
  rest: { readonly dims: readonly Dim[]; readonly span: Span } | undefined
}

interface Equation {
  readonly pattern: Expression
  readonly actual: Dim
  readonly axis: number
  readonly at: Place
}

/** What is matched: an argument against its parameter, a result against its type, a `let` against its annotation. */
export interface Place {
  readonly role: 'argument' | 'result' | 'value'
  /** `x of Linear`. */
  readonly label: string
  /** Where the value was written. */
  readonly span: Span
  readonly type: Type
  readonly node: Node
}

export function startUnifier(scope: Scope): Unifier {
  return { scope, variables: new Map(), waiting: [], rest: undefined }
}

const tensorDtypes: ReadonlyMap<string, DType | undefined> = new Map([
  ['float', 'float'],
  ['int', 'int'],
  ['uint', 'uint'],
  ['bool', 'bool'],
  ['tensor', undefined],
])

/** Checks a value against a type and gives it in the form the type asks for (a number becomes a tensor, …). */
export function accept(
  e: Elaboration,
  unifier: Unifier,
  type: Type,
  value: Value,
  place: Pick<Place, 'role' | 'label' | 'span'>,
): Value {
  if (value.kind === 'poison') return value
  if (value.kind === 'none' && type.optional) return value
  if (type.dims === undefined || type.element.name === 'list') return acceptStatic(e, type, value, place)
  const name = type.element.name
  if (!tensorDtypes.has(name))
    return fail(e, names.unknownType, { span: type.element.span, name, known: [...tensorDtypes.keys()] })
  const dtype = tensorDtypes.get(name)
  if (!canBeTensor(value) && !holdsTensors(value))
    return fail(e, shapes.wrongKind, { ...place, typeSpan: type.span, expected: typeOf(type), given: describe(value) })
  const node = toTensor(e, value, place.span, dtype)
  if (dtype !== undefined && node.dtype !== dtype)
    return fail(e, shapes.wrongDtype, {
      ...place,
      typeSpan: type.span,
      expected: typeOf(type),
      given: typeText(node),
      wanted: dtype,
      has: node.dtype,
    })
  unifyShape(e, unifier, type, node, place)
  return { kind: 'tensor', node }
}

function unifyShape(
  e: Elaboration,
  unifier: Unifier,
  type: Type,
  node: Node,
  place: Pick<Place, 'role' | 'label' | 'span'>,
): void {
  const patterns = type.dims!
  const rest = patterns.findIndex((p) => p.kind === 'rest')
  const fixed = rest === -1 ? patterns.length : patterns.length - 1
  const rank = node.shape.length
  if (rest === -1 ? rank !== fixed : rank < fixed)
    fail(e, shapes.wrongRank, {
      ...place,
      typeSpan: type.span,
      expected: typeOf(type),
      given: typeText(node),
      rank,
      wanted: fixed,
      atLeast: rest !== -1,
    })
  const at: Place = { role: place.role, label: place.label, span: place.span, type, node }
  const spliced = rank - fixed
  let axis = 0
  for (const pattern of patterns) {
    if (pattern.kind === 'rest') {
      unifyRest(e, unifier, node.shape.slice(axis, axis + spliced), at, pattern.span)
      axis += spliced
      continue
    }
    unifier.waiting.push({ pattern: pattern.value, actual: node.shape[axis]!, axis, at })
    axis++
  }
  settle(e, unifier)
}

function unifyRest(e: Elaboration, unifier: Unifier, dims: readonly Dim[], at: Place, span: Span): void {
  const known = unifier.rest
  if (known === undefined) {
    unifier.rest = { dims, span: at.span }
    unifier.scope.bind('...', dimList(dims), span)
  } else if (known.dims.length !== dims.length || known.dims.some((d, i) => d !== dims[i]))
    fail(e, shapes.restDiffers, {
      ...factsOf(at),
      first: { span: known.span, dims: known.dims.map((d) => dimText(d)).join(', ') },
      dims: dims.map((d) => dimText(d)).join(', '),
    })
}

const isBare = ({ pattern }: Equation): boolean => pattern.kind === 'name' || pattern.kind === 'number'

/** Solves every equation that can be solved now; bare names first, so that compound patterns find them bound. */
function settle(e: Elaboration, unifier: Unifier): void {
  for (let progress = true; progress && unifier.waiting.length > 0; ) {
    progress = false
    const pending = unifier.waiting.splice(0)
    if (pending.some((q) => !isBare(q))) pending.sort((a, b) => Number(isBare(b)) - Number(isBare(a)))
    for (const equation of pending) {
      if (solve(e, unifier, equation)) progress = true
      else unifier.waiting.push(equation)
    }
  }
}

/** After all arguments: whatever still waits can not be inferred. */
export function finish(e: Elaboration, unifier: Unifier): void {
  settle(e, unifier)
  const stuck = unifier.waiting[0]
  if (stuck) {
    const unbound = [...namesIn(stuck.pattern)].filter((name) => staticDim(unifier.scope, name) === undefined)
    fail(e, shapes.cannotInfer, { ...factsOf(stuck.at), patternSpan: stuck.pattern.span, names: unbound })
  }
}

function solve(e: Elaboration, unifier: Unifier, equation: Equation): boolean {
  const { pattern, actual, at } = equation
  if (pattern.kind === 'name' && staticDim(unifier.scope, pattern.name) === undefined) {
    bindVariable(unifier, pattern.name, actual, at, pattern.span)
    return true
  }
  const unbound = [...namesIn(pattern)].filter((name) => isFree(unifier.scope, name))
  if (unbound.length > 1) return false
  if (unbound.length === 1) return solveFor(e, unifier, equation, unbound[0]!)
  const expected = patternDim(e, pattern, unifier.scope)
  if (expected !== actual) mismatch(e, unifier, equation, expected)
  return true
}

/** `c·x + r = actual` gives `x = (actual − r) / c`, when the pattern is linear in its one unknown. */
function solveFor(e: Elaboration, unifier: Unifier, equation: Equation, name: string): boolean {
  const { pattern, actual, at } = equation
  const unknown = symbol(`?${name}`)
  unifier.scope.bind(name, dimValue(unknown), pattern.span)
  let left: Dim
  try {
    left = patternDim(e, pattern, unifier.scope)
  } finally {
    unifier.scope.unbind(name)
  }
  const offset = substitute(left, new Map([[`?${name}`, zero]]))
  const slope = subtract(substitute(left, new Map([[`?${name}`, one]])), offset)
  if (left !== add(multiply(slope, unknown), offset)) return false
  const solution = slope === zero ? undefined : exactQuotient(subtract(actual, offset), slope)
  if (solution === undefined || (solution.constant !== undefined && solution.constant < 0))
    fail(e, shapes.noSolution, {
      ...factsOf(at),
      patternSpan: pattern.span,
      name,
      actual: dimText(actual),
      pattern: dimText(left).replaceAll('?', ''),
    })
  else bindVariable(unifier, name, solution, at, pattern.span)
  return true
}

function bindVariable(unifier: Unifier, name: string, dim: Dim, at: Place, span: Span): void {
  unifier.variables.set(name, { dim, span: at.span })
  unifier.scope.bind(name, dimValue(dim), span)
}

function mismatch(e: Elaboration, unifier: Unifier, equation: Equation, expected: Dim): never {
  const { pattern, actual, at, axis } = equation
  const bound = pattern.kind === 'name' ? unifier.variables.get(pattern.name) : undefined
  const source = dimSource(e, at.node, axis)
  if (bound && pattern.kind === 'name')
    return fail(e, shapes.dimConflict, {
      ...factsOf(at),
      name: pattern.name,
      first: { dim: dimText(bound.dim), span: bound.span },
      actual: dimText(actual),
      source,
    })
  const from = pattern.kind === 'name' ? unifier.scope.find(pattern.name) : undefined
  return fail(e, shapes.wrongDim, {
    ...factsOf(at),
    patternSpan: pattern.span,
    pattern: textOf(pattern),
    expected: dimText(expected),
    expectedFrom: from?.kind === 'value' ? from.span : undefined,
    actual: dimText(actual),
    axis,
    source,
  })
}

function factsOf(at: Place): shapes.PlaceFacts {
  return {
    role: at.role,
    label: at.label,
    span: at.span,
    typeSpan: at.type.span,
    expected: typeOf(at.type),
    given: typeText(at.node),
  }
}

/** The size a name stands for, if it is a static one; a function or tensor of that name does not hide a dim. */
export function staticDim(scope: Scope, name: string): Dim | undefined {
  const found = scope.find(name)
  if (found?.kind === 'constant') return found.state.kind === 'done' ? asDim(found.state.value) : zero
  return found?.kind === 'value' ? asDim(found.value) : undefined
}

/** Whether a name inside a compound pattern is a dim to be bound: a module called `T` is no size. */
export function isFree(scope: Scope, name: string): boolean {
  const found = scope.find(name)
  return (
    found === undefined || (found.kind === 'value' && (found.value.kind === 'module' || found.value.kind === 'model'))
  )
}

export function patternDim(e: Elaboration, pattern: Expression, scope: Scope): Dim {
  const value = evaluate(e, pattern, scope)
  if (value.kind === 'poison') return silent()
  return asDim(value) ?? fail(e, shapes.notADim, { span: pattern.span, given: describe(value) })
}

export const textOf = (located: { readonly span: Span }): string =>
  located.span.source.text.slice(located.span.start, located.span.end)
export const typeOf = (type: Type): string => textOf(type)
