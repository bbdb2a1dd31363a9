/**
 * A source file → a checked program: names, hyperparameters, shapes and types of all that it declares, each fault a
 * diagnostic. Every model with defaults, and every one that is trained, is elaborated both for inference and training.
 */
import type { ModelDeclaration } from '../../grammar/ast.ts'
import type { Source } from '../../grammar/source.ts'
import type { DataDescription } from '../../runtime/abi.ts'
import { report } from '../diagnostics/catalogue.ts'
import { DiagnosticError } from '../diagnostics/diagnostic.ts'
import * as names from '../diagnostics/names.ts'
import { nearest } from '../diagnostics/near.ts'
import type { ModelGraph, Program, StaticValue, TestCase, TrainDescription } from '../program.ts'
import { type ModelLookup, Sink } from './elaboration.ts'
import { type LoadedFile, type Load, loadFiles } from './files.ts'
import { elaborateModel, type Elaborated } from './model.ts'
import { elaborateOptimizer } from './optimizer.ts'
import { prelude } from './prelude.ts'
import { resolveNames } from './resolve.ts'
import type { Scope } from './scope.ts'
import { checkData, checkFit, checkTrain } from './settings/index.ts'
import { type Environment, evaluateStatic } from './static.ts'
import { elaborateTest } from './tests.ts'

export type { Load } from './files.ts'

export function check(source: Source, load: Load = () => undefined): Program {
  const sink = new Sink()
  const { scope: outer, isStandard } = prelude()
  const trains: TrainDescription[] = []
  const tests: TestCase[] = []
  const data = new Map<string, DataDescription>()
  let loaded: LoadedFile | undefined
  let models: ReadonlyMap<string, FoundModel> = new Map()

  const made = new Map<string, Elaborated<ModelGraph>>()
  const elaborate = ({ declaration, scope }: FoundModel, training: boolean, args: ReadonlyMap<string, StaticValue>): Elaborated<ModelGraph> => {
    const key = JSON.stringify([declaration.name.span.source.path, declaration.name.name, training, [...args]])
    const known = made.get(key) ?? elaborateModel({ declaration, scope, training, arguments: args, isStandard })
    made.set(key, known)
    return known
  }
  /** The same, its faults told. */
  const checked = (model: FoundModel, training: boolean, args: ReadonlyMap<string, StaticValue>) => told(elaborate(model, training, args), sink)

  const program = (): Program => ({
    path: source.path,
    text: source.text,
    models: loaded?.file.declarations.flatMap((d) => (d.kind === 'model' ? [d.name.name] : [])) ?? [],
    trains,
    data,
    tests,
    diagnostics: sink.diagnostics,
    model(name, { training, arguments: args = noArguments }) {
      const found = models.get(name)
      if (!found) throw new DiagnosticError([report(names.noSuchModel, { span: undefined, name, suggestion: nearest(name, models.keys()) })])
      return resultOf(elaborate(found, training, args))
    },
    optimizer: (description) => resultOf(elaborateOptimizer(description, loaded!.scope, isStandard)),
  })

  try {
    loaded = loadFiles(source, load, outer, sink)
    models = modelsIn(loaded.scope)
    // A tree with holes says little that is true about the rest.
    if (sink.errors > 0) return program()
    resolveNames(loaded, sink)
    const { file, scope } = loaded
    const environment: Environment = { sink, scope, isStandard }
    for (const d of file.declarations) if (d.kind === 'const') evaluateStatic({ kind: 'name', name: d.name.name, span: d.name.span }, environment)
    for (const d of file.declarations)
      if (d.kind === 'model' && d.parameters.every((p) => p.default || p.type?.optional))
        for (const training of [false, true]) checked({ declaration: d, scope }, training, noArguments)

    const blocks = file.declarations.filter((d) => d.kind === 'data')
    for (const block of blocks) {
      const description = checkData(block, environment)
      if (description) data.set(description.name, description)
    }
    const known = { models: new Map([...models].map(([name, { declaration }]) => [name, declaration])), data, dataNames: blocks.map((b) => b.name.name) }
    for (const d of file.declarations) {
      const train = d.kind === 'train' ? checkTrain(d, environment, known) : undefined
      const found = train && models.get(train.model.name)
      if (d.kind !== 'train' || !train || !found) continue
      trains.push(train)
      checked(found, false, train.model.arguments)
      const model = checked(found, true, train.model.arguments)
      const declaration = blocks.find((b) => b.name.name === train.data)
      const description = data.get(train.data ?? '')
      if (model) checkFit({ declaration: d, train, model, modelSpan: found.declaration.name.span, data: declaration && description && { declaration, description }, sink })
      told(elaborateOptimizer(train.optimizer, scope, isStandard), sink)
    }

    const lookup: ModelLookup = (value) => elaborate(value, false, value.arguments ?? noArguments).result
    for (const d of file.declarations) {
      const test = d.kind === 'test' ? told(elaborateTest(d, scope, isStandard, lookup), sink) : undefined
      if (test) tests.push(test)
    }
  } catch (thrown) {
    // Past the limit on faults; those found so far are in the sink.
    if (!(thrown instanceof DiagnosticError)) throw thrown
  }
  return program()
}

const noArguments: ReadonlyMap<string, StaticValue> = new Map()

interface FoundModel {
  readonly declaration: ModelDeclaration
  readonly scope: Scope
}

/** Models of the file and those that it imports. */
function modelsIn(scope: Scope): ReadonlyMap<string, FoundModel> {
  const found = new Map<string, FoundModel>()
  for (const name of scope.visible()) {
    const binding = scope.find(name)
    if (binding?.kind === 'value' && binding.value.kind === 'model' && !found.has(name)) found.set(name, binding.value)
  }
  return found
}

function told<Result>({ result, diagnostics }: Elaborated<Result>, sink: Sink): Result | undefined {
  for (const diagnostic of diagnostics) sink.add(diagnostic)
  return result
}

function resultOf<Result>({ result, diagnostics }: Elaborated<Result>): Result {
  if (!result) throw new DiagnosticError(diagnostics)
  return result
}
