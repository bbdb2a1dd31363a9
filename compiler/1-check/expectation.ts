/** `expect a == b`: one truth value over literals, with the two sides kept to be shown when it fails. */
import type { ExpectStatement, Expression } from '../../grammar/ast.ts'
import * as shapes from '../diagnostics/shapes.ts'
import * as statics from '../diagnostics/static.ts'
import type { Node } from '../ir/graph.ts'
import { binary } from './arithmetic.ts'
import { canBeTensor, notATensor, toTensor } from './coerce.ts'
import { sameStatic } from './comparison.ts'
import { type Elaboration, fail } from './elaboration.ts'
import { build, cast, constant, elementwise } from './emit.ts'
import { evaluate, live } from './expression.ts'
import { pair } from './operands.ts'
import type { Scope } from './scope.ts'
import { bool, describe, poison, printValue, type Value } from './value.ts'

/** What `~=` allows when no `within` says otherwise: relative to the right side, and absolute near zero. */
const defaultTolerance = 1e-5

export function expectation(e: Elaboration, statement: ExpectStatement, scope: Scope): void {
  const { condition: written } = statement
  const message = statement.message ? live(evaluate(e, statement.message, scope)) : undefined
  const { node, sides, reason } = judge(e, written, statement.tolerance, scope)
  e.test!.expectations.push({
    span: statement.span,
    condition: node,
    sides,
    message: message === undefined ? reason : message.kind === 'string' ? message.value : describe(message),
  })
}

interface Judged {
  readonly node: Node
  readonly sides: readonly [Node, Node] | undefined
  /** What is wrong, where the sides cannot be shown as tensors. */
  readonly reason?: string | undefined
}
const comparisons: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=', '~='])

function judge(e: Elaboration, written: Expression, tolerance: Expression | undefined, scope: Scope): Judged {
  if (written.kind !== 'binary' || !comparisons.has(written.operator))
    return { node: truth(e, live(evaluate(e, written, scope)), written), sides: undefined }
  const left = live(evaluate(e, written.left, scope))
  const right = live(evaluate(e, written.right, scope))
  if (isOpen(left) || isOpen(right)) return judgeSizes(e, written, left, right)
  const sides = shown(e, left, right, written)
  if (written.operator === '~=') return { node: close(e, written, left, right, tolerance, scope), sides }
  if (tolerance) return fail(e, statics.toleranceWithoutClose, { span: tolerance.span, operator: written.operator })
  const shape = shapeMismatch(left, right)
  if (shape && (written.operator === '==' || written.operator === '!='))
    return fail(e, shapes.expectationShapes, {
      span: written.span,
      left: { span: written.left.span, given: describe(left) },
      right: { span: written.right.span, given: describe(right) },
    })
  const compared = binary(e, written, left, () => right)
  return {
    node:
      compared === poison
        ? fail(e, statics.notACondition, { span: written.span, given: 'a faulty value' })
        : truth(e, compared, written),
    sides,
  }
}

/** A size, or a list of sizes, that depends on free dims. */
function isOpen(value: Value): boolean {
  return value.kind === 'dim' || (value.kind === 'list' && value.items.some(isOpen))
}

/** Sizes are equal when they are for all values of their dims; no device is asked. */
function judgeSizes(e: Elaboration, written: Expression & { kind: 'binary' }, left: Value, right: Value): Judged {
  const { operator } = written
  const known =
    operator === '==' || operator === '!='
      ? bool((sameStatic(left, right) === true) === (operator === '=='))
      : binary(e, written, left, () => right)
  if (known.kind !== 'bool')
    return fail(e, statics.undecided, { span: written.span, given: 'a comparison of sizes that depends on free dims' })
  const reason = known.value ? undefined : `${printValue(left)} ${operator} ${printValue(right)} does not hold`
  return { node: constant(e, known.value ? 1 : 0, 'bool'), sides: undefined, reason }
}

/** A tensor and a list are equal only when they have one shape; a single number is compared with every element. */
function shapeMismatch(left: Value, right: Value): boolean {
  const rank = (v: Value): number[] | undefined =>
    v.kind === 'list'
      ? [v.items.length, ...(rank(v.items[0] ?? { kind: 'none' }) ?? [])]
      : v.kind === 'tensor'
        ? v.node.shape.map((d) => d.constant ?? -1)
        : undefined
  if (left.kind !== 'tensor' && right.kind !== 'tensor') return false
  const [a, b] = [rank(left), rank(right)]
  return a !== undefined && b !== undefined && (a.length !== b.length || a.some((n, i) => n !== b[i]))
}

function truth(e: Elaboration, value: Value, at: Expression): Node {
  if (value.kind === 'bool') return constant(e, value.value ? 1 : 0, 'bool')
  if (value.kind !== 'tensor' || value.node.dtype !== 'bool')
    return fail(e, statics.notACondition, { span: at.span, given: describe(value) })
  return all(e, value.node)
}

function all(e: Elaboration, node: Node): Node {
  if (node.shape.length === 0) return node
  const numbers = cast(e, node, 'float')
  const least = build(e, [node], (b) =>
    b.min(
      numbers,
      numbers.shape.map((_, i) => i),
    ),
  )
  return build(e, [node], (b) => b.gt(least, 0.5))
}

function close(
  e: Elaboration,
  at: Expression & { kind: 'binary' },
  left: Value,
  right: Value,
  tolerance: Expression | undefined,
  scope: Scope,
): Node {
  for (const [side, value] of [
    [at.left, left],
    [at.right, right],
  ] as const)
    if (!canBeTensor(value)) return fail(e, shapes.notATensor, notATensor(value, side.span))
  if (shapeMismatch(left, right))
    return fail(e, shapes.expectationShapes, {
      span: at.span,
      left: { span: at.left.span, given: describe(left) },
      right: { span: at.right.span, given: describe(right) },
    })
  const [a, b] = pair(e, left, at.left.span, right, at.right.span).map((p) => ({
    ...p,
    node: cast(e, p.node, 'float'),
  }))
  const difference = elementwise(e, 'sub', 'compared', at.operatorSpan, [a!, b!])
  const within = tolerance && live(evaluate(e, tolerance, scope))
  if (within && (within.kind !== 'number' || !(within.value >= 0)))
    return fail(e, statics.badTolerance, { span: tolerance!.span, given: describe(within) })
  const node = build(e, [difference], (builder) => {
    const bound =
      within?.kind === 'number'
        ? builder.constant(within.value)
        : builder.add(builder.mul(builder.abs(b!.node), defaultTolerance), defaultTolerance)
    return builder.le(builder.abs(difference), bound)
  })
  return all(e, node)
}

/** The sides as tensors, where they can be shown as such. */
function shown(
  e: Elaboration,
  left: Value,
  right: Value,
  at: Expression & { kind: 'binary' },
): readonly [Node, Node] | undefined {
  if (!canBeTensor(left) || !canBeTensor(right)) return undefined
  if (left.kind === 'bool' && right.kind === 'bool' && sameStatic(left, right) === undefined) return undefined
  return [toTensor(e, left, at.left.span), toTensor(e, right, at.right.span)]
}
