/**
 * A train block beside the model it trains and the data it uses: every input and target has a field in every partition,
 * types and known shapes agree, patterns match parameters, and there is a loss to make smaller.
 */
import type { DataDeclaration, Field, TrainDeclaration } from '../../../grammar/ast.ts'
import type { Span } from '../../../grammar/source.ts'
import type { DataDescription, FieldDescription, StageDescription } from '../../../runtime/abi.ts'
import { report } from '../../diagnostics/catalogue.ts'
import * as data from '../../diagnostics/data.ts'
import { nearest } from '../../diagnostics/near.ts'
import * as training from '../../diagnostics/training.ts'
import type { Node } from '../../ir/graph.ts'
import { matchesPattern } from '../../path-pattern.ts'
import type { ModelGraph, TensorPort, TrainDescription } from '../../program.ts'
import type { Sink } from '../elaboration.ts'
import { rowsLookedUp, tokenCount } from './vocabulary.ts'

export interface FitOptions {
  readonly declaration: TrainDeclaration
  readonly train: TrainDescription
  readonly model: ModelGraph
  /** What stands behind leaves of the model that are none. */
  readonly behind: ReadonlyMap<Node, readonly Node[]>
  readonly modelSpan: Span | undefined
  readonly data: { readonly declaration: DataDeclaration; readonly description: DataDescription } | undefined
  readonly sink: Sink
}

export function checkFit({ declaration, train, model, behind, modelSpan, data: used, sink }: FitOptions): void {
  const setting = (name: string) => declaration.settings.find((s) => s.name.name === name)
  const place = (name: string): Span => setting(name)?.values[0]?.span ?? declaration.span
  if (!model.loss) sink.add(report(training.noLoss, { span: place('model'), name: model.name, declared: modelSpan }))

  const paths = model.parameters.map((p) => p.path)
  const unused = (pattern: string) => !paths.some((path) => matchesPattern(pattern, path))
  for (const [i, pattern] of train.freeze.entries())
    if (unused(pattern))
      sink.add(
        report(training.patternUnused, {
          span: setting('freeze')!.values[i]!.span,
          setting: 'freeze',
          pattern,
          known: paths,
        }),
      )
  for (const { pattern } of setting('optimizer')?.overrides ?? [])
    if (unused(pattern.value))
      sink.add(
        report(training.patternUnused, {
          span: pattern.span,
          setting: 'optimizer',
          pattern: pattern.value,
          known: paths,
        }),
      )

  const scalars = [...new Set(['loss', ...model.lossTerms.map((t) => t.name), ...model.metrics.map((m) => m.name)])]
  const watched = train.monitor?.scalar
  if (watched !== undefined && !scalars.includes(watched))
    sink.add(
      report(training.monitorUnknown, {
        span: place('monitor'),
        name: watched,
        known: scalars,
        suggestion: nearest(watched, scalars),
      }),
    )
  if (used) checkData(used.declaration, used.description, train, { model, behind }, place('data'), sink)
}

/** Partitions by these names take part in training; others are the user's own. */
const roles = ['train', 'validation', 'test']

function checkData(
  declaration: DataDeclaration,
  description: DataDescription,
  train: TrainDescription,
  { model, behind }: Pick<FitOptions, 'model' | 'behind'>,
  span: Span,
  sink: Sink,
): void {
  const { name } = description
  const known = description.partitions.map((p) => p.name)
  if (!known.includes('train'))
    sink.add(report(training.noTrainPartition, { span, name, known, declared: declaration.name.span }))
  const ports = [
    ...model.inputs.map((port) => ({ port, role: 'input' })),
    ...model.targets.map((port) => ({ port, role: 'target' })),
  ]
  for (const member of declaration.members) {
    if (member.kind !== 'partition') continue
    const described = description.partitions.find((p) => p.name === member.name.name)
    const cut = description.partitions.some(
      (p) => p.kind === 'split' && p.from === member.name.name && roles.includes(p.name),
    )
    if (described?.kind !== 'fields' || !(roles.includes(member.name.name) || cut)) continue
    for (const { port, role } of ports) {
      const written = member.fields.find((f) => f.name.name === port.name)
      const field = described.fields.find((f) => f.name === port.name)
      if (!written)
        missing(
          member.name,
          member.fields,
          name,
          port,
          role,
          ports.map((p) => p.port.name),
          sink,
        )
      else if (field) {
        compare(written, field, port, role, train, sink)
        const ids = tokenCount(field)
        const rows = ids === undefined ? undefined : rowsLookedUp(port, model, behind)
        if (ids !== undefined && rows !== undefined && rows < ids)
          sink.add(
            report(data.vocabularyTooLarge, { span: written.span, name: field.name, ids, rows, port: port.span, role }),
          )
      }
    }
  }
}

function missing(
  partition: { readonly name: string; readonly span: Span },
  fields: readonly Field[],
  dataName: string,
  port: TensorPort,
  role: string,
  wanted: readonly string[],
  sink: Sink,
): void {
  // A field that the model does not ask for is the likeliest to have been meant: by its spelling, or when it is alone.
  const spare = fields.filter((f) => !wanted.includes(f.name.name))
  const near = nearest(
    port.name,
    spare.map((f) => f.name.name),
  )
  const meant = spare.find((f) => f.name.name === near) ?? (spare.length === 1 ? spare[0] : undefined)
  const known = fields.map((f) => f.name.name)
  sink.add(
    report(data.fieldMissing, {
      span: partition.span,
      data: dataName,
      partition: partition.name,
      name: port.name,
      role,
      port: port.span,
      known,
      suggestion: meant?.name.span,
    }),
  )
}

function compare(
  written: Field,
  field: FieldDescription,
  port: TensorPort,
  role: string,
  train: TrainDescription,
  sink: Sink,
): void {
  const { shape, dtype } = knownType(field)
  const facts = { span: written.span, name: field.name, port: port.span, role }
  if (dtype === 'float' && port.dtype !== 'float')
    sink.add(report(data.fieldDtype, { ...facts, has: 'float', wanted: port.dtype }))
  // The first dim is the batch; what is free beside it is known only where the block fixes it.
  const sizes = port.shape.slice(1).map((d) => d.constant ?? train.dims.get(d.key))
  const agree =
    !shape || (shape.length === sizes.length && shape.every((size, i) => sizes[i] === undefined || sizes[i] === size))
  if (!agree)
    sink.add(
      report(data.fieldShape, {
        ...facts,
        has: text(shape),
        wanted: text(port.shape.slice(1).map((d, i) => sizes[i] ?? d.key)),
      }),
    )
}

const text = (sizes: readonly (number | string)[]): string =>
  sizes.length === 0 ? 'a single number' : `[${sizes.join(', ')}]`

/** What is known of one example of a field without reading its file. */
export function knownType(field: FieldDescription): {
  readonly shape: readonly number[] | undefined
  readonly dtype: 'float' | undefined
} {
  const { source } = field
  let shape: readonly number[] | undefined =
    source.kind === 'csv' && source.columns.length > 0
      ? source.columns.length === 1
        ? []
        : [source.columns.length]
      : undefined
  let dtype: 'float' | undefined
  for (const stage of field.stages) {
    if (makesFractions(stage)) dtype = 'float'
    if (stage.kind === 'reshape') shape = stage.shape
    if (stage.kind === 'categories') shape = []
    if (stage.kind === 'pad' || stage.kind === 'window') shape = [stage.length]
    if (stage.kind === 'one_hot') shape = shape && [...shape, stage.classes]
  }
  return { shape, dtype }
}

function makesFractions(stage: StageDescription): boolean {
  switch (stage.kind) {
    case 'scale':
    case 'shift':
      return !Number.isInteger(stage.by)
    case 'normalize':
    case 'one_hot':
      return true
    case 'reshape':
    case 'lowercase':
    case 'categories':
    case 'tokenize':
    case 'begin':
    case 'end':
    case 'truncate':
    case 'pad':
    case 'window':
    case 'mask':
      return false
    default:
      return stage satisfies never
  }
}
