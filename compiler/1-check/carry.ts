/** The first value of a carry, in the shape and dtype that it keeps. */
import type { ScanStatement, Type } from '../../grammar/ast.ts'
import * as names from '../diagnostics/names.ts'
import * as scans from '../diagnostics/scan.ts'
import * as shapes from '../diagnostics/shapes.ts'
import { type Dim, one } from '../ir/dim.ts'
import type { DType, Node } from '../ir/graph.ts'
import { canBeTensor, toTensor } from './coerce.ts'
import { type Elaboration, fail } from './elaboration.ts'
import { broadcastTo, constant } from './emit.ts'
import { evaluate, live } from './expression.ts'
import { setDimSources } from './provenance.ts'
import type { Scope } from './scope.ts'
import { accept, finish, isFree, patternDim, startUnifier, textOf } from './signature.ts'
import { asDim, describe, dimText, typeText, type Value } from './value.ts'
import { namesIn } from './walk.ts'

type Carry = ScanStatement['carries'][number]

const dtypes: ReadonlyMap<string, DType | undefined> = new Map([
  ['float', 'float'],
  ['int', 'int'],
  ['uint', 'uint'],
  ['bool', 'bool'],
  ['tensor', undefined],
])

export function firstValue(e: Elaboration, carry: Carry, scope: Scope): Node {
  const { name } = carry.name
  const { span } = carry.initial
  const value = live(evaluate(e, carry.initial, scope))
  const { type } = carry
  if (!type) {
    if (!canBeTensor(value))
      return fail(e, scans.badFirstValue, {
        span,
        name,
        declared: undefined,
        given: textOf(carry.initial),
        type: undefined,
        reason: 'without a type, its first value must be a tensor',
      })
    return toTensor(e, value, span)
  }
  const dtype = dtypeOf(e, type)
  if (value.kind === 'tensor' && bindsDims(type, scope)) {
    const unifier = startUnifier(scope)
    const accepted = accept(e, unifier, type, value, { role: 'value', label: name, span })
    finish(e, unifier)
    return toTensor(e, accepted, span)
  }
  const shape = shapeOf(e, type, scope)
  const declared = textOf(type)
  const node = numbers(e, value, dtype ?? 'float') ?? (canBeTensor(value) ? toTensor(e, value, span, dtype) : undefined)
  const bad = (given: string, reason: string): never =>
    fail(e, scans.badFirstValue, { span, name, declared, given, type: type.span, reason })
  if (!node)
    return bad(
      describe(value),
      value.kind === 'initializer'
        ? 'random values are drawn with `random_uniform` or `random_normal`'
        : 'it is no tensor',
    )
  if (dtype !== undefined && node.dtype !== dtype) return bad(typeText(node), `it is ${node.dtype}, not ${dtype}`)
  const from = shape.length - node.shape.length
  if (from < 0 || node.shape.some((d, i) => d !== one && d !== shape[from + i]))
    return bad(typeText(node), 'it does not broadcast to that shape')
  const first = broadcastTo(e, node, shape)
  if (!type.dims!.some((d) => d.kind === 'rest'))
    setDimSources(
      e,
      first,
      type.dims!.map((d) => ({ span: d.span, text: `\`${name}\`` })),
    )
  return first
}

/** `zeros`, `ones` and `full(v)` as first values. */
function numbers(e: Elaboration, value: Value, dtype: DType): Node | undefined {
  const initializer =
    value.kind === 'initializer' ? value.initializer : value.kind === 'builtin' ? value.builtin.initializer : undefined
  return initializer?.kind === 'constant' ? constant(e, initializer.value, dtype) : undefined
}

function dtypeOf(e: Elaboration, type: Type): DType | undefined {
  const element = type.element.name
  if (!dtypes.has(element))
    return fail(e, names.unknownType, { span: type.element.span, name: element, known: [...dtypes.keys()] })
  if (type.dims === undefined)
    return fail(e, shapes.variableType, {
      span: type.span,
      kind: 'carry',
      reason: `it needs a shape: \`${element}[…]\``,
    })
  if (type.optional)
    return fail(e, shapes.variableType, { span: type.span, kind: 'carry', reason: 'it cannot be optional' })
  return dtypes.get(element)
}

/** Whether the type has names of its own, to be read off the first value. */
function bindsDims(type: Type, scope: Scope): boolean {
  return type.dims!.some((p) =>
    p.kind === 'rest' ? !scope.find('...') : [...namesIn(p.value)].some((name) => isFree(scope, name)),
  )
}

function shapeOf(e: Elaboration, type: Type, scope: Scope): readonly Dim[] {
  return type.dims!.flatMap((pattern): readonly Dim[] => {
    if (pattern.kind === 'dim') {
      const size = patternDim(e, pattern.value, scope)
      if (size.constant !== undefined && size.constant < 0)
        return fail(e, shapes.negativeSize, { span: pattern.span, what: 'the carry', dim: dimText(size) })
      return [size]
    }
    const rest = scope.find('...')
    if (rest?.kind !== 'value' || rest.value.kind !== 'list')
      return fail(e, shapes.variableType, { span: pattern.span, kind: 'carry', reason: 'its dims must be written out' })
    return rest.value.items.map((item) => asDim(item)!)
  })
}
