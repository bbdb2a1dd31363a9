/** `x[2, 0..3, :, ...]` on tensors, and on lists, tuples and stacks. */
import type { Expression, IndexItem } from '../../grammar/ast.ts'
import type { Span } from '../../grammar/source.ts'
import * as shapes from '../diagnostics/shapes.ts'
import * as statics from '../diagnostics/static.ts'
import { add, ceilQuotient, type Dim, dim, one, subtract, zero } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import { canBeTensor, toTensor } from './coerce.ts'
import { type Elaboration, fail } from './elaboration.ts'
import { build, emit } from './emit.ts'
import { evaluate, live } from './expression.ts'
import { layersOf } from './layers.ts'
import { requireAtLeastZero } from './requirement.ts'
import type { Scope } from './scope.ts'
import {
  asDim,
  describe,
  dimText,
  dimValue,
  list,
  number,
  poison,
  string,
  tensor,
  typeText,
  type Value,
} from './value.ts'

export function index(e: Elaboration, object: Value, at: Expression & { kind: 'index' }, scope: Scope): Value {
  if (object.kind === 'poison') return poison
  if (object.kind === 'tensor') return tensor(indexTensor(e, object.node, at, scope))
  const [item] = at.indices
  if (at.indices.length === 1 && item) {
    if (object.kind === 'list' || object.kind === 'range' || object.kind === 'string')
      return indexList(e, object, item, at.span, scope)
    if (object.kind === 'tuple' && item.kind === 'at') {
      const position = staticIndex(e, item, object.parts.length, describe(object), scope)
      return object.parts[position]!.value
    }
    if (object.kind === 'layer' && item.kind === 'at') {
      const children = layersOf(e, object.instance)
      const position = staticIndex(e, item, children.size, describe(object), scope)
      const found = children.get(`[${position}]`)
      if (found) return { kind: 'layer', instance: found }
    }
  }
  if (canBeTensor(object)) return tensor(indexTensor(e, toTensor(e, object, at.object.span), at, scope))
  return fail(e, statics.notIndexable, { span: at.span, given: describe(object) })
}

function indexList(
  e: Elaboration,
  object: Value & { kind: 'list' | 'range' | 'string' },
  item: IndexItem,
  span: Span,
  scope: Scope,
): Value {
  const items = listItems(e, object, span)
  const wrap = (part: readonly Value[]): Value =>
    object.kind === 'string' ? string(part.map((c) => (c.kind === 'string' ? c.value : '')).join('')) : list(part)
  if (item.kind === 'rest') return object
  if (item.kind === 'at') {
    const value = live(evaluate(e, item.value, scope))
    if (value.kind !== 'range') {
      const position = placeIn(e, value, item.value.span, items.length, describe(object))
      return items[position]!
    }
    const [start, stop] = [value.start.constant, value.stop.constant]
    if (start === undefined || stop === undefined)
      return fail(e, statics.notStatic, { span: item.span, what: 'the bounds of this range' })
    return wrap(items.slice(start, stop))
  }
  const bound = (x: Expression | undefined): number | undefined => {
    if (!x) return undefined
    const value = asDim(live(evaluate(e, x, scope)))?.constant
    return value ?? fail(e, statics.notStatic, { span: x.span, what: 'the bound of this slice' })
  }
  const [start, stop, step] = [bound(item.start), bound(item.stop), bound(item.step) ?? 1]
  if (step === 0) return fail(e, statics.badValue, { span: item.span, reason: 'the step of a slice cannot be 0' })
  if (step === 1) return wrap(items.slice(start, stop))
  const forward =
    step > 0
      ? items.slice(start, stop)
      : items.slice(stop === undefined ? 0 : stop + 1, start === undefined ? undefined : start + 1).reverse()
  return wrap(forward.filter((_, i) => i % Math.abs(step) === 0))
}

/** The items of a list, the numbers of a range, the characters of a string. */
export function listItems(e: Elaboration, value: Value, span: Span): readonly Value[] {
  if (value.kind === 'list') return value.items
  if (value.kind === 'string') return [...value.value].map(string)
  if (value.kind !== 'range') {
    const isCount = value.kind === 'number' && Number.isInteger(value.value) && value.value >= 0
    return fail(e, statics.notIterable, { span, given: describe(value), isCount })
  }
  const count = subtract(value.stop, value.start).constant
  if (count === undefined) return fail(e, statics.notStatic, { span, what: `the length of ${describe(value)}` })
  if (count > 1_000_000) return fail(e, statics.listTooLong, { span, limit: 1_000_000 })
  const { constant } = value.start
  return Array.from({ length: Math.max(0, count) }, (_, i) =>
    constant === undefined ? dimValue(add(value.start, dim(i))) : number(constant + i, true),
  )
}

function staticIndex(
  e: Elaboration,
  item: IndexItem & { kind: 'at' },
  length: number,
  what: string,
  scope: Scope,
): number {
  return placeIn(e, live(evaluate(e, item.value, scope)), item.value.span, length, what)
}

function placeIn(e: Elaboration, value: Value, span: Span, length: number, what: string): number {
  const at = asDim(value)?.constant
  if (at === undefined) return fail(e, statics.notStatic, { span, what: 'this index' })
  const position = at < 0 ? at + length : at
  if (position < 0 || position >= length)
    return fail(e, shapes.indexRange, { span, index: at, length: String(length), what })
  return position
}

// ---------------------------------------------------------------- tensors

interface Cut {
  start: Dim
  size: Dim
  step: number
  drop: boolean
}

function indexTensor(e: Elaboration, node: Node, at: Expression & { kind: 'index' }, scope: Scope): Node {
  const rank = node.shape.length
  const rests = at.indices.filter((i) => i.kind === 'rest').length
  const used = at.indices.length - rests
  if (used > rank || rests > 1)
    return fail(e, shapes.tooManyIndices, { span: at.span, type: typeText(node), indices: used, rank, rests })
  const cuts: Cut[] = node.shape.map((size) => ({ start: zero, size, step: 1, drop: false }))
  const lookups: { axis: number; indices: Node }[] = []
  let axis = 0
  for (const item of at.indices) {
    if (item.kind === 'rest') axis += rank - used
    else {
      const size = node.shape[axis]!
      if (item.kind === 'slice') cuts[axis] = sliceCut(e, item, size, scope)
      else {
        const value = live(evaluate(e, item.value, scope))
        if (value.kind === 'range') cuts[axis] = rangeCut(e, value.start, value.stop, size, item.span)
        else if (value.kind === 'number' || value.kind === 'dim') {
          const start = inside(
            e,
            asDim(value) ?? fail(e, shapes.notADim, { span: item.value.span, given: describe(value) }),
            size,
            item.value.span,
            typeText(node),
          )
          cuts[axis] = { start, size: one, step: 1, drop: true }
        } else if (canBeTensor(value)) {
          const indices = toTensor(e, value, item.value.span, 'int')
          if (indices.dtype !== 'int')
            return fail(e, shapes.indexDtype, { span: item.value.span, given: typeText(indices) })
          lookups.push({ axis, indices })
        } else return fail(e, shapes.notADim, { span: item.value.span, given: describe(value) })
      }
      axis++
    }
  }
  return pick(e, node, cuts, lookups)
}

/** Cuts first, then looks up, then drops the axes that were indexed by one number. */
function pick(
  e: Elaboration,
  node: Node,
  cuts: readonly Cut[],
  lookups: readonly { axis: number; indices: Node }[],
): Node {
  const whole = cuts.every((c, i) => c.start === zero && c.size === node.shape[i] && c.step === 1)
  let result = whole
    ? node
    : build(e, [node], (b) =>
        b.slice(
          node,
          cuts.map((c) => c.start),
          cuts.map((c) => c.size),
          cuts.map((c) => c.step),
        ),
      )
  const kept = cuts.flatMap((c, i) => (c.drop ? [] : [i]))
  if (kept.length < cuts.length) {
    const cut = result
    result = build(e, [node], (b) =>
      b.reshape(
        cut,
        kept.map((i) => cut.shape[i]!),
      ),
    )
  }
  // From the last axis to the first, so that earlier positions stay true.
  for (const { axis, indices } of [...lookups].reverse())
    result = emit(e, 'gather', [result, indices], { axis: kept.indexOf(axis) })
  return result
}

function inside(e: Elaboration, index: Dim, size: Dim, span: Span, what: string): Dim {
  const start = index.constant !== undefined && index.constant < 0 ? add(size, index) : index
  const past = subtract(size, start).constant
  if ((start.constant !== undefined && start.constant < 0) || (past !== undefined && past <= 0))
    return fail(e, shapes.indexRange, { span, index: dimText(index), length: dimText(size), what })
  const says = `the index ${dimText(index)} must lie within an axis of ${dimText(size)}`
  for (const bound of [start, subtract(subtract(size, start), one)]) requireAtLeastZero(e, bound, says)
  return start
}

function rangeCut(e: Elaboration, start: Dim, stop: Dim, size: Dim, span: Span): Cut {
  const [from, to] = [fromEnd(start, size), fromEnd(stop, size)]
  const length = subtract(to, from)
  const past = subtract(to, size).constant
  if (
    (length.constant !== undefined && length.constant < 0) ||
    (past !== undefined && past > 0) ||
    (from.constant !== undefined && from.constant < 0)
  )
    return fail(e, shapes.sliceRange, { span, start: dimText(from), stop: dimText(to), size: dimText(size) })
  const says = `a slice from ${dimText(from)} to ${dimText(to)} must lie within an axis of ${dimText(size)}`
  for (const bound of [from, length, subtract(size, to)]) requireAtLeastZero(e, bound, says)
  return { start: from, size: length, step: 1, drop: false }
}

const fromEnd = (d: Dim, size: Dim): Dim => (d.constant !== undefined && d.constant < 0 ? add(size, d) : d)

function sliceCut(e: Elaboration, item: IndexItem & { kind: 'slice' }, size: Dim, scope: Scope): Cut {
  const bound = (x: Expression | undefined): Dim | undefined => {
    if (!x) return undefined
    const value = live(evaluate(e, x, scope))
    return asDim(value) ?? fail(e, shapes.notADim, { span: x.span, given: describe(value) })
  }
  const step =
    bound(item.step)?.constant ??
    (item.step ? fail(e, statics.notStatic, { span: item.step.span, what: 'the step of a slice' }) : 1)
  if (step === 0) return fail(e, statics.badValue, { span: item.step!.span, reason: 'the step of a slice cannot be 0' })
  const [start, stop] = [bound(item.start), bound(item.stop)]
  if (step < 0) {
    if (start || stop)
      return fail(e, statics.badValue, {
        span: item.span,
        reason: 'a slice with a negative step takes the whole axis: `[::-1]`',
      })
    return { start: subtract(size, one), size: ceilQuotient(size, dim(-step)), step, drop: false }
  }
  const cut = rangeCut(e, start ?? zero, stop ?? size, size, item.span)
  return { ...cut, size: ceilQuotient(cut.size, dim(step)), step }
}
