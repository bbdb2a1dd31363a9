/** Types without a shape: what is known while compiling, hyperparameters above all. */
import type { Type } from '../../grammar/ast.ts'
import * as names from '../diagnostics/names.ts'
import * as shapes from '../diagnostics/shapes.ts'
import { canBeTensor, toTensor } from './coerce.ts'
import { type Elaboration, fail } from './elaboration.ts'
import { type Place, textOf } from './signature.ts'
import { describe, list, number, type Value } from './value.ts'

type Where = Pick<Place, 'role' | 'label' | 'span'>
const staticKinds = ['int', 'float', 'bool', 'string', 'list', 'module', 'function', 'any', 'tensor']

export function acceptStatic(e: Elaboration, type: Type, value: Value, place: Where): Value {
  // A scalar tensor is described almost as the type is: what is wrong with it is when it is known.
  const expected = value.kind === 'tensor' ? `${type.element.name}, known while compiling,` : type.element.name
  const wrong = () => fail(e, shapes.wrongKind, { ...place, typeSpan: type.span, expected, given: describe(value) })
  switch (type.element.name) {
    case 'int':
      return value.kind === 'dim' || (value.kind === 'number' && Number.isSafeInteger(value.value)) ? value : wrong()
    case 'float':
      return value.kind === 'dim' ? value : value.kind === 'number' ? number(value.value, false) : wrong()
    case 'bool':
      return value.kind === 'bool' ? value : wrong()
    case 'string':
      return value.kind === 'string' ? value : wrong()
    case 'list':
      return value.kind === 'list' ? listOf(e, type, value, place) : wrong()
    case 'module':
      return value.kind === 'module' || value.kind === 'blueprint' || value.kind === 'layer' ? value : wrong()
    case 'function':
      return ['function', 'lambda', 'builtin', 'layer', 'blueprint', 'module'].includes(value.kind) ? value : wrong()
    case 'tensor':
      return canBeTensor(value) ? { kind: 'tensor', node: toTensor(e, value, place.span) } : wrong()
    case 'any':
      return value
    default:
      return fail(e, names.unknownType, { span: type.element.span, name: type.element.name, known: staticKinds })
  }
}

/** `list[int]`: what the items must be. */
function listOf(e: Elaboration, type: Type, value: Value & { kind: 'list' }, place: Where): Value {
  const [of, ...more] = type.dims ?? []
  if (!of) return value
  if (of.kind === 'rest' || of.value.kind !== 'name' || more.length > 0)
    return fail(e, names.unknownType, { span: of.span, name: textOf(of), known: staticKinds })
  const item: Type = {
    element: { name: of.value.name, span: of.span },
    dims: undefined,
    optional: false,
    span: of.span,
  }
  return list(value.items.map((x) => acceptStatic(e, item, x, { ...place, label: `an item of ${place.label}` })))
}
