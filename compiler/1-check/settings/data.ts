/**
 * `data Digits { train { image = idx("…") |> scale(1 / 255) } validation = split(train, 0.1) }` → its description.
 * Partitions may be cut from ones that stand below them; bindings are known from where they stand onwards.
 */
import type { DataDeclaration, DataMember } from '../../../grammar/ast.ts'
import type { Span } from '../../../grammar/source.ts'
import type { DataDescription, FieldDescription, PartitionDescription } from '../../../runtime/abi.ts'
import { report } from '../../diagnostics/catalogue.ts'
import * as data from '../../diagnostics/data.ts'
import { nearest } from '../../diagnostics/near.ts'
import type { Environment } from '../static.ts'
import { type FieldParts, readField } from './fields.ts'
import { flowFault } from './flow.ts'
import { kinds, type NamedCall, namedCall, nameOf, readArguments, refuse, required } from './kind.ts'

type Partition = DataMember & { kind: 'partition' }
type Split = PartitionDescription & { kind: 'split' }

/** Bad members are reported and left out, so that one of them does not hide the others; `undefined`: nothing is left. */
export function checkData(declaration: DataDeclaration, environment: Environment): DataDescription | undefined {
  const { sink } = environment
  const first = new Map<string, Span>()
  const bindings = new Map<string, FieldParts | undefined>()
  const partitions: PartitionDescription[] = []
  const splits: { readonly split: Split; readonly span: Span }[] = []
  const withFields = declaration.members.flatMap((member) => (member.kind === 'partition' ? [member.name.name] : []))

  for (const member of declaration.members) {
    const { name, span } = member.name
    const before = first.get(name)
    if (before) {
      sink.add(
        report(data.dataNameTwice, {
          span,
          what: member.kind === 'partition' ? 'partition' : 'name',
          name,
          first: before,
        }),
      )
      continue
    }
    first.set(name, span)
    if (member.kind === 'partition') {
      const fields = readPartition(member, bindings, environment)
      if (fields) partitions.push({ kind: 'fields', name, fields })
      continue
    }
    const call = namedCall(member.value)
    if (call?.name === 'split') {
      const split = readSplit(call, name, withFields, environment)
      if (split) splits.push({ split, span: call.span })
    } else bindings.set(name, readField(member.value, `\`${name}\``, bindings, environment))
  }
  checkFractions(splits, environment)
  partitions.push(...splits.map(({ split }) => split))
  if (first.size === 0)
    sink.add(
      report(data.emptyData, { span: declaration.name.span, what: `the data block \`${declaration.name.name}\`` }),
    )
  return partitions.length === 0 ? undefined : { name: declaration.name.name, partitions }
}

function readPartition(
  member: Partition,
  bindings: ReadonlyMap<string, FieldParts | undefined>,
  environment: Environment,
): readonly FieldDescription[] | undefined {
  const first = new Map<string, Span>()
  const fields: FieldDescription[] = []
  if (member.fields.length === 0) {
    environment.sink.add(
      report(data.emptyData, { span: member.name.span, what: `the partition \`${member.name.name}\`` }),
    )
    return undefined
  }
  for (const { name, value } of member.fields) {
    const before = first.get(name.name)
    if (before)
      environment.sink.add(
        report(data.dataNameTwice, { span: name.span, what: 'field', name: name.name, first: before }),
      )
    first.set(name.name, before ?? name.span)
    const parts = readField(value, `the field \`${name.name}\``, bindings, environment)
    if (!parts || before) continue
    const { source, stages, spans } = parts
    const fault = flowFault(source, stages)
    if (fault) {
      const span = spans[fault.at] ?? value.span
      environment.sink.add(report(data.stageMisplaced, { span, stage: stages[fault.at]?.kind, ...fault }))
    } else fields.push({ name: name.name, source, stages })
  }
  return fields
}

function readSplit(
  call: NamedCall,
  name: string,
  known: readonly string[],
  environment: Environment,
): Split | undefined {
  const from = call.arguments.find((a) => a.name?.name === 'from' || (!a.name && a === call.arguments[0]))
  const rest = { ...call, arguments: call.arguments.filter((a) => a !== from) }
  const read = readArguments(rest, { fraction: required(kinds.fraction) }, environment)
  if (!from) {
    refuse(
      environment,
      call.span,
      '`split`',
      'the partition to cut from and a fraction, as in `split(train, 0.1)`',
      'a split of nothing',
    )
    return undefined
  }
  const source = nameOf(from.value)
  if (!source) return refuse(environment, from.value.span, '`split`', 'the name of a partition', 'something else')
  if (!known.includes(source.name)) {
    environment.sink.add(
      report(data.unknownPartition, {
        span: source.span,
        name: source.name,
        known,
        suggestion: nearest(source.name, known),
      }),
    )
    return undefined
  }
  return read && { kind: 'split', name, from: source.name, fraction: read.fraction }
}

/** Each split takes its fraction of what is left, so a sum of 1 is not nothing, but never what was meant. */
function checkFractions(
  splits: readonly { readonly split: Split; readonly span: Span }[],
  environment: Environment,
): void {
  for (const from of new Set(splits.map(({ split }) => split.from))) {
    const taken = splits.filter(({ split }) => split.from === from)
    const total = taken.reduce((sum, { split }) => sum + split.fraction, 0)
    const last = taken.at(-1)!
    if (total >= 1)
      environment.sink.add(
        report(data.splitTooLarge, { span: last.span, from, total, others: taken.slice(0, -1).map((t) => t.span) }),
      )
  }
}
