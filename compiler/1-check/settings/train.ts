/** `train { model: Softmax  data: Digits  optimizer: adam(lr: 1e-3)  epochs: 5 }` → its description. */
import type { Expression, ModelDeclaration, Setting, TrainDeclaration } from '../../../grammar/ast.ts'
import type { DataDescription } from '../../../runtime/abi.ts'
import { report } from '../../diagnostics/catalogue.ts'
import { nearest } from '../../diagnostics/near.ts'
import * as training from '../../diagnostics/training.ts'
import { type Recordable, recordables, type TrainDescription } from '../../program.ts'
import { type Environment, moduleArguments } from '../static.ts'
import { type Kind, kinds, namedCall, nameOf, oneOf, readArguments, refuse, required } from './kind.ts'
import { readOptimizer } from './optimizer.ts'

export interface Known {
  readonly models: ReadonlyMap<string, ModelDeclaration>
  readonly data: ReadonlyMap<string, DataDescription>
  /** Data blocks of the file, those at fault among them: a block that is wrong is not also unknown. */
  readonly dataNames?: Iterable<string>
}

/** How one setting is read. `undefined`: a fault, which has been reported. */
type Reader<T> = (setting: Setting, environment: Environment, known: Known) => T | undefined
const one =
  <T>(kind: Kind<T>): Reader<T> =>
  (setting, environment) =>
    kind.read(setting.values[0]!, environment, `\`${setting.name.name}\``)

/** Every setting there is. */
const readers = {
  model: readModel,
  data: readData,
  optimizer: readOptimizer as Reader<TrainDescription['optimizer']>,
  batch: one(kinds.count),
  epochs: one(kinds.count),
  steps: one(kinds.count),
  seed: one(kinds.seed),
  clip_norm: one(kinds.positive),
  precision: readPrecision,
  average_last: one(kinds.count),
  validate: one(every('validate')),
  checkpoint: one(every('checkpoint')),
  monitor: one(monitor()),
  patience: one(kinds.count),
  min_delta: one(kinds.notNegative),
  record: readRecord,
  load: readLoad,
  freeze: readPatterns,
  dims: readDims,
} satisfies Readonly<Record<string, Reader<unknown>>>
type Name = keyof typeof readers
type Values = { readonly [K in Name]?: Exclude<ReturnType<(typeof readers)[K]>, undefined> }

export const settingNames: readonly string[] = Object.keys(readers)

export function checkTrain(
  declaration: TrainDeclaration,
  environment: Environment,
  known: Known,
): TrainDescription | undefined {
  const given = new Map<string, Setting>()
  const read = new Map<string, unknown>()
  let faulty = false
  const add = (diagnostic: Parameters<Environment['sink']['add']>[0]) => {
    environment.sink.add(diagnostic)
    faulty = true
  }
  for (const setting of declaration.settings) {
    const { name, span } = setting.name
    if (!Object.hasOwn(readers, name)) {
      add(report(training.unknownSetting, { span, name, known: settingNames, suggestion: nearest(name, settingNames) }))
      continue
    }
    const first = given.get(name)
    if (first) {
      add(report(training.settingTwice, { span, name, first: first.name.span }))
      continue
    }
    given.set(name, setting)
    if (!checkParts(setting, environment)) faulty = true
    else if (setting.values.some((value) => value.kind === 'error')) faulty = true
    else {
      const value = readers[name as Name](setting, environment, known)
      if (value === undefined) faulty = true
      else read.set(name, value)
    }
  }
  const missing = (name: string, example: string) => {
    if (!given.has(name))
      add(report(training.settingMissing, { span: declaration.name?.span ?? head(declaration), name, example }))
  }
  missing('model', `model: ${[...known.models.keys()][0] ?? 'Softmax'}`)
  missing('optimizer', 'optimizer: adam(lr: 1e-3)')
  if (!given.has('steps')) missing('epochs', 'epochs: 5')
  if (faulty) return undefined
  const v = Object.fromEntries(read) as Values
  return {
    name: declaration.name?.name,
    span: declaration.span,
    model: v.model!,
    data: v.data,
    optimizer: v.optimizer!,
    batch: v.batch ?? 32,
    epochs: v.epochs,
    steps: v.steps,
    seed: v.seed ?? 0,
    clipNorm: v.clip_norm,
    precision: v.precision ?? 'float32',
    validateEvery: v.validate,
    checkpointEvery: v.checkpoint,
    monitor: v.monitor,
    patience: v.patience,
    minDelta: v.min_delta,
    averageLast: v.average_last,
    record: v.record ?? [],
    load: v.load,
    freeze: v.freeze ?? [],
    dims: v.dims ?? new Map(),
  }
}

/** The word `train`, where a block has no name to point at. */
const head = ({ span }: TrainDeclaration) => ({ ...span, end: Math.min(span.end, span.start + 'train'.length) })

/** Several values, `except` and braces belong to one setting each. */
function checkParts(setting: Setting, environment: Environment): boolean {
  const { name } = setting.name
  const extra = setting.values[1]
  const misplaced = (span: Setting['span'], what: string, only: string) =>
    environment.sink.add(report(training.misplacedPart, { span, name, what, only }))
  const before = environment.sink.diagnostics.length
  if (extra && name !== 'freeze' && name !== 'record')
    misplaced(extra.span, 'second value', '`freeze` and `record` take several')
  if (setting.except[0] && name !== 'load') misplaced(setting.except[0].span, '`except`', '`load` takes it')
  if (setting.overrides[0] && name !== 'optimizer')
    misplaced(setting.overrides[0].span, 'braces', '`optimizer` takes them')
  return environment.sink.diagnostics.length === before && setting.values.length > 0
}

function readModel(
  setting: Setting,
  environment: Environment,
  { models }: Known,
): TrainDescription['model'] | undefined {
  const expression = setting.values[0]!
  const call = namedCall(expression)
  if (!call)
    return refuse(
      environment,
      expression.span,
      '`model`',
      'the name of a model, with its hyperparameters where it has some',
      'something else',
    )
  const declaration = models.get(call.name)
  if (!declaration) {
    const known = [...models.keys()]
    environment.sink.add(
      report(training.unknownModel, {
        span: call.nameSpan,
        name: call.name,
        known,
        suggestion: nearest(call.name, known),
      }),
    )
    return undefined
  }
  const given = moduleArguments(declaration.parameters, call.arguments, environment, {
    label: call.name,
    declared: declaration.name.span,
    span: call.span,
  })
  return given && { name: call.name, arguments: given }
}

function readData(setting: Setting, environment: Environment, { data, dataNames }: Known): string | undefined {
  const expression = setting.values[0]!
  const written = nameOf(expression)
  if (!written) return refuse(environment, expression.span, '`data`', 'the name of a data block', 'something else')
  if (data.has(written.name)) return written.name
  const known = [...new Set([...data.keys(), ...(dataNames ?? [])])]
  // A block with faults of its own was reported where it stands.
  if (!known.includes(written.name))
    environment.sink.add(
      report(training.unknownData, {
        span: written.span,
        name: written.name,
        known,
        suggestion: nearest(written.name, known),
      }),
    )
  return undefined
}

function readPrecision(setting: Setting, environment: Environment): TrainDescription['precision'] | undefined {
  const [expression] = setting.values
  return oneOf('float32', 'mixed').read(expression!, environment, '`precision`')
}

function readRecord(setting: Setting, environment: Environment): readonly Recordable[] | undefined {
  const kind = oneOf(...recordables)
  const read = setting.values.map((value) => kind.read(value, environment, '`record`'))
  return read.every((word) => word !== undefined) ? [...new Set(read)] : undefined
}

/** `every(1000)`, in steps. */
function every(setting: string): Kind<number> {
  const expects = `\`every(n)\`, n being a number of steps`
  return {
    expects,
    read(expression, environment) {
      const call = namedCall(expression)
      if (expression.kind !== 'call' || call?.name !== 'every')
        return refuse(environment, expression.span, `\`${setting}\``, expects, 'something else')
      return readArguments(call, { steps: required(kinds.count) }, environment)?.steps
    },
  }
}

/** `min("loss")`, `max("accuracy")`: which scalar, and which way is better. */
function monitor(): Kind<{ readonly scalar: string; readonly mode: 'min' | 'max' }> {
  const expects = '`min("loss")` or `max("accuracy")`'
  return {
    expects,
    read(expression, environment) {
      const call = namedCall(expression)
      if (expression.kind !== 'call' || (call?.name !== 'min' && call?.name !== 'max'))
        return refuse(environment, expression.span, '`monitor`', expects, 'something else')
      const read = readArguments(call, { scalar: required(kinds.text) }, environment)
      return read && { scalar: read.scalar, mode: call.name }
    },
  }
}

function readLoad(setting: Setting, environment: Environment): TrainDescription['load'] | undefined {
  const path = kinds.path.read(setting.values[0]!, environment, '`load`')
  const except = patterns(setting.except, environment, '`except`')
  return path === undefined || except === undefined ? undefined : { path, except }
}

function readPatterns(setting: Setting, environment: Environment): readonly string[] | undefined {
  return patterns(setting.values, environment, `\`${setting.name.name}\``)
}

function patterns(
  values: readonly Expression[],
  environment: Environment,
  what: string,
): readonly string[] | undefined {
  const read = values.map((value) => kinds.text.read(value, environment, what))
  return read.every((text) => text !== undefined) ? (read as string[]) : undefined
}

/** `dims: (T: 64)`: values of free dims besides the batch. */
function readDims(setting: Setting, environment: Environment): ReadonlyMap<string, number> | undefined {
  const expression = setting.values[0]!
  const expects = 'named whole numbers in parentheses, as in `(T: 64)`'
  if (expression.kind !== 'tuple') return refuse(environment, expression.span, '`dims`', expects, 'something else')
  const dims = new Map<string, number>()
  for (const { name, value } of expression.items) {
    if (!name) return refuse(environment, value.span, '`dims`', expects, 'a value without a name')
    const size = kinds.count.read(value, environment, `\`${name.name}\` of \`dims\``)
    if (size === undefined) return undefined
    dims.set(name.name, size)
  }
  return dims
}
