/** Static values where a tensor is wanted: numbers become constants, symbolic dims sizes, nested lists literals. */
import type { Span } from '../../grammar/source.ts'
import * as shapes from '../diagnostics/shapes.ts'
import type { DType, Node } from '../ir/graph.ts'
import type { LiteralAttributes } from '../ops/leaf.ts'
import { type Elaboration, fail, silent } from './elaboration.ts'
import { cast, constant, emit, sizeOf } from './emit.ts'
import { describe, type Value } from './value.ts'

export const isNumeric = (value: Value): boolean => value.kind === 'number' || value.kind === 'dim'

/** Whether a value is, or can stand for, a tensor. */
export function canBeTensor(value: Value): boolean {
  return value.kind === 'tensor' || isNumeric(value) || value.kind === 'bool' || isLiteral(value)
}

/** A list that was meant to be joined. */
export const holdsTensors = (value: Value): boolean =>
  value.kind === 'list' && value.items.some((item) => item.kind === 'tensor')

/** A (nested) list of plain numbers or truth values. */
export function isLiteral(value: Value): boolean {
  return (
    value.kind === 'list' &&
    value.items.every((item) => item.kind === 'number' || item.kind === 'bool' || isLiteral(item))
  )
}

/** What is told of a value that is none and cannot be one. */
export const notATensor = (value: Value, span: Span) => ({
  span,
  given: describe(value),
  parts: value.kind === 'tuple' ? value.parts.map(({ name }) => name ?? '_') : undefined,
})

/** `wanted` is the dtype the place asks for; numbers and literals follow it, tensors keep their own. */
export function toTensor(e: Elaboration, value: Value, span: Span, wanted?: DType): Node {
  switch (value.kind) {
    case 'tensor':
      return value.node
    case 'number':
      return constant(e, value.value, numberDtype(value, wanted))
    case 'dim':
      return wanted === 'int' ? cast(e, sizeOf(e, value.dim), 'int') : sizeOf(e, value.dim)
    case 'bool':
      return constant(e, value.value ? 1 : 0, 'bool')
    case 'list':
      if (holdsTensors(value)) return fail(e, shapes.listOfTensors, { span })
      return literal(e, value, span, wanted)
    case 'poison':
      return silent()
    default:
      return fail(e, shapes.notATensor, notATensor(value, span))
  }
}

function numberDtype(value: Value & { kind: 'number' }, wanted: DType | undefined): DType {
  if (wanted === undefined || wanted === 'bool') return value.integer ? 'int' : 'float'
  return wanted === 'int' || wanted === 'uint' ? (value.integer ? wanted : 'float') : wanted
}

/** A list is read once, however many layers use it. */
const tables = new WeakMap<Value, { readonly own: DType; readonly attributes: Map<DType, LiteralAttributes> }>()

function literal(e: Elaboration, value: Value & { kind: 'list' }, span: Span, wanted: DType | undefined): Node {
  const known = tables.get(value)
  const made = known ?? readTable(e, value, span)
  if (!known) tables.set(value, made)
  const { own, attributes } = made
  const dtype = own === 'int' && (wanted === 'float' || wanted === 'uint') ? wanted : own
  const given = attributes.get(dtype) ?? { ...attributes.get(own)!, dtype }
  attributes.set(dtype, given)
  return emit(e, 'literal', [], given)
}

function readTable(e: Elaboration, value: Value & { kind: 'list' }, span: Span) {
  const shape: number[] = []
  for (let level: Value = value; level.kind === 'list'; level = level.items[0] ?? { kind: 'none' })
    shape.push(level.items.length)
  const data: number[] = []
  let kind: 'bool' | 'int' | 'float' | undefined
  const fill = (item: Value, axis: number): void => {
    if (item.kind === 'poison') silent()
    if (axis < shape.length) {
      if (item.kind !== 'list' || item.items.length !== shape[axis])
        fail(e, shapes.raggedList, { span, axis, expected: shape[axis]!, given: describe(item) })
      else for (const inner of item.items) fill(inner, axis + 1)
      return
    }
    if (item.kind === 'number') {
      if (kind === 'bool') fail(e, shapes.mixedList, { span })
      kind = item.integer && kind !== 'float' ? 'int' : 'float'
      data.push(item.value)
    } else if (item.kind === 'bool') {
      if (kind !== undefined && kind !== 'bool') fail(e, shapes.mixedList, { span })
      kind = 'bool'
      data.push(item.value ? 1 : 0)
    } else fail(e, shapes.notATensor, notATensor(item, span))
  }
  fill(value, 0)
  const own: DType = kind ?? 'float'
  return { own, attributes: new Map<DType, LiteralAttributes>([[own, { data, shape, dtype: own }]]) }
}

/** The dtype a number takes beside a tensor: an int stays an int beside ints, and is a float beside floats. */
export function besideTensor(e: Elaboration, value: Value, span: Span, other: Node): Node {
  return toTensor(e, value, span, other.dtype)
}
