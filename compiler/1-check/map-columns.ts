/**
 * `map(0..512, (i) => exp(rate * i / dim) / turn)` → each operation of the body done for all items before the next one, so that a
 * list of numbers costs its arithmetic and not an evaluation of the body for each item. The numbers are the same, bit for bit.
 *
 * Only where the body is arithmetic of plain numbers, without fault and of one kind for all items, floats or whole numbers:
 * elsewhere there are no columns, and each item is evaluated by itself, which also finds the words for a fault.
 */
import type { Expression } from '../../grammar/ast.ts'
import { type Arithmetic, ofNumbers } from './arithmetic.ts'
import type { NumberFunction } from './builtins/builtin.ts'
import type { Binding, Scope } from './scope.ts'
import { number, type Value } from './value.ts'

/** A number for each item. */
interface Column {
  readonly values: readonly number[]
  readonly integer: boolean
}

interface Body {
  readonly parameters: ReadonlyMap<string, Column>
  readonly scope: Scope
  readonly length: number
  /** How many expressions may be evaluated for each item, and how many were. */
  readonly most: number
  expressions: number
}

/** `steps` are what the items would have taken one by one: at most `most`, or they are taken so. */
export function mapColumns(
  each: Value,
  lists: readonly (readonly Value[])[],
  most: number,
): { readonly items: readonly Value[]; readonly steps: number } | undefined {
  if (each.kind !== 'lambda') return undefined
  const { parameters, body } = each.expression
  const length = lists[0]!.length
  if (parameters.length !== lists.length || length === 0) return undefined
  const columns = new Map<string, Column>()
  for (const [i, { name, type, default: initial }] of parameters.entries()) {
    const column = type || initial ? undefined : columnOf(lists[i]!)
    if (!column) return undefined
    columns.set(name.name, column)
  }
  const within: Body = { parameters: columns, scope: each.scope, length, most: most / length, expressions: 1 }
  const result = evaluated(within, body)
  return (
    result && {
      items: result.values.map((value) => number(value, result.integer)),
      steps: length * within.expressions,
    }
  )
}

function columnOf(items: readonly Value[]): Column | undefined {
  const values: number[] = []
  let integer: boolean | undefined
  for (const item of items) {
    if (item.kind !== 'number') return undefined
    integer ??= item.integer
    if (item.integer !== integer) return undefined
    values.push(item.value)
  }
  return { values, integer: integer! }
}

const same = ({ length }: Body, value: number, integer: boolean): Column => ({
  values: new Array<number>(length).fill(value),
  integer,
})

function evaluated(body: Body, expression: Expression): Column | undefined {
  if (++body.expressions > body.most) return undefined
  switch (expression.kind) {
    case 'number':
      return same(body, expression.value, expression.integer)
    case 'name': {
      const known = body.parameters.get(expression.name) ?? numberOf(body.scope.find(expression.name))
      return known && ('values' in known ? known : same(body, known.value, known.integer))
    }
    case 'unary': {
      const operand = evaluated(body, expression.operand)
      if (!operand || expression.operator === 'not') return undefined
      return expression.operator === '-' ? { ...operand, values: operand.values.map((v) => -v || 0) } : operand
    }
    case 'binary':
      return combined(body, expression)
    case 'call': {
      const [argument, ...more] = expression.arguments
      const of = functionOf(body, expression.callee)
      if (!of || !argument || argument.name || more.length > 0) return undefined
      const x = evaluated(body, argument.value)
      return x && applied(of, x)
    }
    default:
      return undefined
  }
}

function numberOf(found: Binding | undefined): (Value & { kind: 'number' }) | undefined {
  const value =
    found?.kind === 'value'
      ? found.value
      : found?.kind === 'constant' && found.state.kind === 'done'
        ? found.state.value
        : undefined
  return value?.kind === 'number' ? value : undefined
}

function functionOf({ parameters, scope }: Body, callee: Expression): NumberFunction | undefined {
  if (callee.kind !== 'name' || parameters.has(callee.name)) return undefined
  const found = scope.find(callee.name)
  return found?.kind === 'value' && found.value.kind === 'builtin' ? found.value.builtin.ofNumber : undefined
}

function combined(body: Body, { operator, left, right }: Expression & { kind: 'binary' }): Column | undefined {
  if (!(operator in ofNumbers)) return undefined
  const apply = ofNumbers[operator as Arithmetic]
  const a = evaluated(body, left)
  const b = a && evaluated(body, right)
  if (!b) return undefined
  const integer = a.integer && b.integer
  // A quotient of whole numbers is one or not, by their values; and nothing is divided by zero.
  if (integer && (operator === '/' || operator === '**')) return undefined
  if ((operator === '/' || operator === '//' || operator === '%') && b.values.includes(0)) return undefined
  const values = a.values.map((value, i) => apply(value, b.values[i]!))
  return integer && !values.every(Number.isSafeInteger) ? undefined : { values, integer }
}

function applied({ compute, gives }: NumberFunction, x: Column): Column | undefined {
  const values = x.values.map(compute)
  if (values.some(Number.isNaN)) return undefined
  const integer = gives === 'alike' ? x.integer : gives === 'whole'
  return integer && !values.every(Number.isSafeInteger) ? undefined : { values, integer }
}
