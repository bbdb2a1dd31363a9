/**
 * Text → checked program: names, modules, hyperparameters, symbolic dims, shapes. Models become tensor graphs, `data`
 * and `train` blocks plain descriptions, `test` blocks expectations over literals. Every fault a user can make is found
 * here and becomes a diagnostic; the program holds what could be made all the same.
 */
import type { DataDeclaration, Declaration, TrainDeclaration } from '../../grammar/ast.ts'
import type { Source } from '../../grammar/source.ts'
import type { DataDescription } from '../../runtime/abi.ts'
import { report } from '../diagnostics/catalogue.ts'
import { DiagnosticError } from '../diagnostics/diagnostic.ts'
import * as names from '../diagnostics/names.ts'
import { nearest } from '../diagnostics/near.ts'
import type {
  ModelGraph,
  OptimizerDescription,
  OptimizerGraph,
  Program,
  StaticValue,
  TestCase,
  TrainDescription,
} from '../program.ts'
import { Abandoned, Sink } from './elaboration.ts'
import { type Load, type LoadedFile, loadFiles } from './files.ts'
import { type Elaborated, elaborateModel } from './model.ts'
import { elaborateOptimizer } from './optimizer.ts'
import { prelude } from './prelude.ts'
import { resolveNames } from './resolve.ts'
import type { Scope } from './scope.ts'
import { checkData, checkFit, checkTrain } from './settings/index.ts'
import { type Folding, folds } from './stack.ts'
import { type Environment, evaluateStatic } from './static.ts'
import { elaborateTest } from './tests.ts'
import type { ValueOf } from './value.ts'

export type { Load } from './files.ts'

/**
 * `looking` for faults is what takes time: who knows from elsewhere that there are none gets the same program without, its models elaborated
 * when they are asked for. It has no tests.
 */
export function check(source: Source, load: Load = () => undefined, { looking = true } = {}): Program {
  const { scope: outermost, isStandard } = prelude()
  const sink = new Sink()
  const trains: TrainDescription[] = []
  const data = new Map<string, DataDescription>()
  const tests: TestCase[] = []
  let file: LoadedFile | undefined
  let models: Workshop | undefined
  try {
    file = loadFiles(source, load, outermost, sink)
    models = workshop(file.scope, isStandard)
    // What does not parse is not elaborated: most of what would be found there follows from it.
    if (sink.errors === 0) {
      for (const each of withImports(file)) resolveNames(each, sink)
      checkBlocks(file, { sink, isStandard, models, trains, data, tests, looking })
    }
  } catch (thrown) {
    // Too many faults: those found so far are in the sink.
    if (!(thrown instanceof Abandoned)) throw thrown
  }
  const { scope } = file ?? { scope: outermost }
  models ??= workshop(scope, isStandard)
  const faulty = () => sink.errors > 0
  return {
    path: source.path,
    text: source.text,
    models: file ? declared(file, 'model').map((d) => d.name.name) : [],
    trains,
    data,
    tests,
    diagnostics: sink.diagnostics,
    model: (name, { training, arguments: given = none, unroll = false }): ModelGraph => {
      const value = modelNamed(scope, name)
      if (!value)
        throw new DiagnosticError([
          report(names.noSuchModel, { span: undefined, name, suggestion: nearest(name, modelsIn(scope).keys()) }),
        ])
      return demand(
        models.model(value, training, given, unroll === true ? 'none' : unroll || 'deep'),
        faulty() ? sink : undefined,
      )
    },
    optimizer: (description): OptimizerGraph => demand(models.optimizer(description), faulty() ? sink : undefined),
  }
}

const none: ReadonlyMap<string, StaticValue> = new Map()

/** The result of an elaboration, or its faults thrown. */
function demand<Result>({ result, diagnostics }: Elaborated<Result>, file: Sink | undefined): Result {
  if (result === undefined) throw new DiagnosticError(diagnostics.length > 0 || !file ? diagnostics : file.diagnostics)
  return result
}

type ModelValue = ValueOf<'model'>
/** How stacks are folded; or for faults alone, where calls may be left out as well. */
type How = Folding | 'abridged'

interface Workshop {
  readonly model: (
    value: ModelValue,
    training: boolean,
    given: ReadonlyMap<string, StaticValue>,
    how?: How,
  ) => Elaborated<ModelGraph>
  readonly optimizer: (description: OptimizerDescription) => Elaborated<OptimizerGraph>
}

/** Elaborates on demand, once for each combination of arguments. To find faults, one layer stands for all of a stack. */
function workshop(scope: Scope, isStandard: Environment['isStandard']): Workshop {
  const models = new Map<string, Elaborated<ModelGraph>>()
  const optimizers = new Map<string, Elaborated<OptimizerGraph>>()
  return {
    model: ({ declaration, scope: own }, training, given, how = 'abridged') => {
      const key = (how: How, values: ReadonlyMap<string, StaticValue> = given) =>
        JSON.stringify([declaration.name.name, declaration.span.source.path, training, how, [...values]])
      // What was looked through for faults will do wherever the same stacks would be folded.
      const checked = models.get(key('abridged'))
      const folding = how === 'abridged' ? 'all' : how
      if (
        checked &&
        !checked.abridged &&
        (checked.shallowest === Number.POSITIVE_INFINITY || folds(folding, checked.shallowest))
      )
        return checked
      // Where no stack was deep enough to be folded, all are written out.
      const deep = how === 'none' ? models.get(key('deep')) : undefined
      if (deep?.shallowest === Number.POSITIVE_INFINITY) return deep
      const made = remembered(models, key(how), () =>
        elaborateModel({
          declaration,
          scope: own,
          training,
          arguments: given,
          isStandard,
          folding,
          abridges: how === 'abridged',
        }),
      )
      // A preset may write out what are the defaults.
      return made.result ? remembered(models, key(how, made.result.arguments), () => made) : made
    },
    optimizer: (description) =>
      remembered(optimizers, JSON.stringify([description.module, [...description.arguments]]), () =>
        elaborateOptimizer(description, scope, isStandard),
      ),
  }
}

const kept = 64

function remembered<V>(known: Map<string, V>, key: string, make: () => V): V {
  const found = known.get(key) ?? make()
  known.set(key, found)
  // Of a file with thousands of models, not every graph is kept.
  if (known.size > kept) known.delete(known.keys().next().value!)
  return found
}

function modelNamed(scope: Scope, name: string): ModelValue | undefined {
  const binding = scope.find(name)
  return binding?.kind === 'value' && binding.value.kind === 'model' ? binding.value : undefined
}

/** Models that a train block can name: the file's own and imported ones. */
function modelsIn(scope: Scope): ReadonlyMap<string, ModelValue> {
  return new Map(
    [...scope.names()].flatMap((name) => {
      const value = modelNamed(scope, name)
      return value ? [[name, value] as const] : []
    }),
  )
}

interface Work {
  readonly sink: Sink
  readonly isStandard: Environment['isStandard']
  readonly models: Workshop
  readonly trains: TrainDescription[]
  readonly data: Map<string, DataDescription>
  readonly tests: TestCase[]
  readonly looking: boolean
}

function checkBlocks(file: LoadedFile, work: Work): void {
  const { sink, isStandard, models, data, tests, looking } = work
  const environment: Environment = { sink, scope: file.scope, isStandard }
  for (const { name } of declared(file, 'const'))
    evaluateStatic({ kind: 'name', name: name.name, span: name.span }, environment)

  // Every model that can be elaborated as it stands is, for inference and for training.
  for (const { name, parameters } of looking ? declared(file, 'model') : []) {
    const value = modelNamed(file.scope, name.name)
    if (value && parameters.every((p) => p.default || p.type?.optional)) both(sink, models, value, none)
  }
  const blocks = new Map<string, DataDeclaration>()
  for (const each of withImports(file))
    for (const declaration of declared(each, 'data')) {
      const description = checkData(declaration, { ...environment, scope: each.scope })
      blocks.set(declaration.name.name, declaration)
      if (description) data.set(declaration.name.name, description)
    }
  for (const declaration of declared(file, 'train')) checkTraining(declaration, environment, blocks, work)
  for (const declaration of looking ? declared(file, 'test') : []) {
    const test = elaborateTest(
      declaration,
      file.scope,
      isStandard,
      (value, whole) => models.model(value, false, value.arguments ?? none, whole ? 'all' : 'abridged').result,
    )
    tell(sink, test)
    if (test.result) tests.push(test.result)
  }
}

function checkTraining(
  declaration: TrainDeclaration,
  environment: Environment,
  blocks: ReadonlyMap<string, DataDeclaration>,
  { sink, models, trains, data, looking }: Work,
): void {
  const known = modelsIn(environment.scope)
  const declarations = new Map([...known].map(([name, value]) => [name, value.declaration]))
  const train = checkTrain(declaration, environment, { models: declarations, data, dataNames: blocks.keys() })
  const value = train && known.get(train.model.name)
  if (!train || !value) return
  trains.push(train)
  if (!looking) return
  const model = both(sink, models, value, train.model.arguments)
  tell(sink, models.optimizer(train.optimizer))
  if (!model.result) return
  const block = train.data === undefined ? undefined : blocks.get(train.data)
  const description = train.data === undefined ? undefined : data.get(train.data)
  const fit = ({ result, behind }: Elaborated<ModelGraph>, into: Sink) =>
    checkFit({
      declaration,
      train,
      model: result!,
      behind,
      modelSpan: value.declaration.name.span,
      data: block && description && { declaration: block, description },
      sink: into,
    })
  // Of a graph with calls left out, more may seem to matter than does.
  const trial = new Sink()
  fit(model, trial)
  if (trial.diagnostics.length > 0) fit(models.model(value, model.result.training, train.model.arguments, 'all'), sink)
}

/** Elaborates for inference and, where there might be faults of its own, for training. */
function both(
  sink: Sink,
  models: Workshop,
  value: ModelValue,
  given: ReadonlyMap<string, StaticValue>,
): Elaborated<ModelGraph> {
  const inference = models.model(value, false, given)
  tell(sink, inference)
  if (inference.abandoned || !inference.faultsDependOnTraining) return inference
  const training = models.model(value, true, given)
  tell(sink, training)
  return training
}

function tell(sink: Sink, { diagnostics }: Elaborated<unknown>): void {
  for (const diagnostic of diagnostics) sink.add(diagnostic)
}

function declared<Kind extends Declaration['kind']>(
  file: LoadedFile,
  kind: Kind,
): Extract<Declaration, { kind: Kind }>[] {
  return file.file.declarations.filter((d): d is Extract<Declaration, { kind: Kind }> => d.kind === kind)
}

/** The file and everything it reaches, each once. */
function withImports(file: LoadedFile): readonly LoadedFile[] {
  const seen = new Set<LoadedFile>()
  const pending = [file]
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (seen.has(next)) continue
    seen.add(next)
    pending.push(...next.imports)
  }
  return [...seen]
}
