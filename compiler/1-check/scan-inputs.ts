/** Which axis of each input a scan runs along, and how long it is. */
import type { Expression, Identifier, ScanStatement, Type } from '../../grammar/ast.ts'
import type { Span } from '../../grammar/source.ts'
import * as scans from '../diagnostics/scan.ts'
import * as shapes from '../diagnostics/shapes.ts'
import type { Dim } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import { toTensor } from './coerce.ts'
import { type Elaboration, fail } from './elaboration.ts'
import { evaluate, live } from './expression.ts'
import type { Scope } from './scope.ts'
import { asDim, describe, dimText, typeText } from './value.ts'

export interface Scanned {
  readonly name: Identifier
  readonly node: Node
  readonly axis: number
}
interface Input {
  readonly name: Identifier
  readonly written: Expression
  readonly node: Node
}

interface Located {
  readonly length: Dim
  readonly inputs: readonly Scanned[]
  /** Optional inputs that are `none`, as their elements then are. */
  readonly absent: readonly Identifier[]
}

export function locate(e: Elaboration, statement: ScanStatement, scope: Scope): Located {
  const given = statement.inputs.map(({ name, value }) => ({
    name,
    written: value,
    value: live(evaluate(e, value, scope)),
  }))
  const absent = given.filter(({ value }) => value.kind === 'none').map(({ name }) => name)
  const inputs = given
    .filter(({ value }) => value.kind !== 'none')
    .map(({ name, written, value }): Input => ({ name, written, node: toTensor(e, value, written.span) }))
  const { along } = statement
  const value = live(evaluate(e, along, scope))
  if (statement.axis) {
    if (value.kind !== 'number' || !Number.isSafeInteger(value.value))
      return fail(e, scans.badLength, {
        span: along.span,
        given: describe(value),
        reason: 'the number of an axis is an int',
      })
    return { ...byAxis(e, inputs, value.value, along.span), absent }
  }
  const length =
    asDim(value) ?? fail(e, scans.badLength, { span: along.span, given: describe(value), reason: 'it is no dim' })
  if (length.constant !== undefined && length.constant < 0)
    return fail(e, shapes.negativeSize, { span: along.span, what: 'the scan', dim: dimText(length) })
  return {
    length,
    absent,
    inputs: inputs.map((input) => ({ ...input, axis: byLength(e, input, length, along, scope) })),
  }
}

function byAxis(
  e: Elaboration,
  inputs: readonly Input[],
  axis: number,
  span: Span,
): { length: Dim; inputs: readonly Scanned[] } {
  const [first] = inputs
  if (!first) return fail(e, scans.badLength, { span, given: `axis ${axis}`, reason: 'it scans no tensor' })
  const scanned = inputs.map(({ written, ...input }) => {
    const rank = input.node.shape.length
    if (axis < -rank || axis >= rank)
      return fail(e, shapes.axisRange, { span, axis, rank, label: typeText(input.node) })
    return { ...input, written, axis: axis < 0 ? axis + rank : axis }
  })
  const lengthOf = ({ node, axis: at }: Scanned): Dim => node.shape[at]!
  const length = lengthOf(scanned[0]!)
  for (const other of scanned)
    if (lengthOf(other) !== length)
      return fail(e, scans.lengthsDiffer, {
        axis,
        first: { span: first.written.span, given: typeText(first.node), length: dimText(length) },
        second: { span: other.written.span, given: typeText(other.node), length: dimText(lengthOf(other)) },
      })
  return { length, inputs: scanned }
}

function byLength(e: Elaboration, { node, written }: Input, length: Dim, along: Expression, scope: Scope): number {
  const axes = node.shape.flatMap((d, axis) => (d === length ? [axis] : []))
  const facts = { span: written.span, given: typeText(node), along: along.span, length: dimText(length) }
  if (axes.length === 1) return axes[0]!
  if (axes.length === 0) return fail(e, scans.alongMissing, facts)
  return declaredAxis(written, along, node, scope) ?? fail(e, scans.alongAmbiguous, { ...facts, axes })
}

/** Sizes that are equal by chance do not hide the axis that a parameter's type calls `T`. */
function declaredAxis(written: Expression, along: Expression, node: Node, scope: Scope): number | undefined {
  if (written.kind !== 'name' || along.kind !== 'name') return undefined
  const found = scope.find(written.name)
  const type: Type | undefined = found?.kind === 'value' ? found.type : undefined
  const patterns = type?.dims ?? []
  const at = patterns.flatMap((p, i) =>
    p.kind === 'dim' && p.value.kind === 'name' && p.value.name === along.name ? [i] : [],
  )
  if (at.length !== 1) return undefined
  const rest = patterns.findIndex((p) => p.kind === 'rest')
  return rest === -1 || at[0]! < rest ? at[0] : at[0]! + node.shape.length - patterns.length
}
