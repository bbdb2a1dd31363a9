/**
 * A source file → a checked program: names, hyperparameters, shapes and types of all that it declares, each fault a
 * diagnostic. Every model with defaults, and every one that is trained, is elaborated both for inference and training.
 */
import type { ModelDeclaration } from '../../grammar/ast.ts'
import type { Source, Span } from '../../grammar/source.ts'
import type { DataDescription } from '../../runtime/abi.ts'
import { report } from '../diagnostics/catalogue.ts'
import { DiagnosticError } from '../diagnostics/diagnostic.ts'
import * as names from '../diagnostics/names.ts'
import { nearest } from '../diagnostics/near.ts'
import type { ModelGraph, OptimizerGraph, Program, StaticValue, TestCase, TrainDescription } from '../program.ts'
import { loadFile, prelude, type Resolve } from './declare.ts'
import { elaborateModel, elaborateOptimizer, elaborateTest, type ModelValue, type Workshop } from './elaborate.ts'
import { Sink } from './elaboration.ts'
import type { Scope } from './scope.ts'
import { checkData, checkFit, checkTrain } from './settings/index.ts'
import { type Environment, evaluateStatic } from './static.ts'

export type { Resolve } from './declare.ts'

export function check(source: Source, resolve: Resolve = () => undefined): Program {
  const sink = new Sink()
  const trains: TrainDescription[] = []
  const tests: TestCase[] = []
  const data = new Map<string, DataDescription>()
  const isStandard = (span: Span) => prelude().sources.has(span.source)
  const loaded = loadFile(source, resolve, sink)
  const { file, scope } = loaded
  const models = modelsIn(scope)
  const cache = new Map<string, ModelGraph | undefined>()

  const elaborate = (found: FoundModel, training: boolean, args: ReadonlyMap<string, StaticValue>, into: Sink): ModelGraph | undefined => {
    const key = JSON.stringify([found.declaration.name.span.source.path, found.declaration.name.name, training, [...args]])
    if (cache.get(key)) return cache.get(key)
    const shop: Workshop = { sink: into, isStandard, model: (value) => lookup(value, into) }
    const graph = elaborateModel({ ...found, training, arguments: args }, shop)
    cache.set(key, graph)
    return graph
  }
  const lookup = (value: ModelValue, into: Sink) => elaborate(value, false, value.arguments ?? noArguments, into)
  const shop: Workshop = { sink, isStandard, model: (value) => lookup(value, sink) }

  const program: Program = {
    path: source.path,
    text: source.text,
    models: file.declarations.flatMap((d) => (d.kind === 'model' ? [d.name.name] : [])),
    trains,
    data,
    tests,
    diagnostics: sink.diagnostics,
    model(name, { training, arguments: args = noArguments }) {
      const own = new Sink()
      const found = models.get(name)
      if (!found) own.add(report(names.noSuchModel, { span: undefined, name, suggestion: nearest(name, models.keys()) }))
      const graph = found && elaborate(found, training, args, own)
      if (!graph) throw new DiagnosticError(own.diagnostics.length > 0 ? own.diagnostics : sink.diagnostics)
      return graph
    },
    optimizer(description): OptimizerGraph {
      const own = new Sink()
      const graph = elaborateOptimizer(description, scope, { ...shop, sink: own })
      if (!graph) throw new DiagnosticError(own.diagnostics)
      return graph
    },
  }
  // A tree with holes says little that is true about the rest.
  if (sink.errors > 0) return program

  try {
    const environment: Environment = { sink, scope, isStandard }
    for (const d of file.declarations) if (d.kind === 'const') evaluateStatic({ kind: 'name', name: d.name.name, span: d.name.span }, environment)
    for (const d of file.declarations) {
      if (d.kind !== 'model' || d.parameters.some((p) => !p.default && !p.type?.optional)) continue
      for (const training of [false, true]) elaborate({ declaration: d, scope }, training, noArguments, sink)
    }
    const dataDeclarations = file.declarations.filter((d) => d.kind === 'data')
    for (const d of dataDeclarations) {
      const description = checkData(d, environment)
      if (description) data.set(description.name, description)
    }
    const known = { models: new Map([...models].map(([name, { declaration }]) => [name, declaration])), data, dataNames: dataDeclarations.map((d) => d.name.name) }
    for (const d of file.declarations) {
      if (d.kind !== 'train') continue
      const train = checkTrain(d, environment, known)
      const found = train && models.get(train.model.name)
      if (!train || !found) continue
      trains.push(train)
      elaborate(found, false, train.model.arguments, sink)
      const model = elaborate(found, true, train.model.arguments, sink)
      const used = dataDeclarations.find((x) => x.name.name === train.data)
      const description = used && data.get(used.name.name)
      if (model)
        checkFit({ declaration: d, train, model, modelSpan: found.declaration.name.span, data: used && description && { declaration: used, description }, sink })
      elaborateOptimizer(train.optimizer, scope, shop)
    }
    for (const d of file.declarations) {
      const test = d.kind === 'test' ? elaborateTest(d, scope, shop) : undefined
      if (test) tests.push(test)
    }
  } catch (thrown) {
    // Too many faults: those found so far are in the sink.
    if (!(thrown instanceof DiagnosticError)) throw thrown
  }
  return program
}

const noArguments: ReadonlyMap<string, StaticValue> = new Map()

interface FoundModel {
  readonly declaration: ModelDeclaration
  readonly scope: Scope
}

/** Models that a train block of this file can name: its own and imported ones. */
function modelsIn(scope: Scope): ReadonlyMap<string, FoundModel> {
  const found = new Map<string, FoundModel>()
  for (const name of scope.visible()) {
    const binding = scope.find(name)
    if (binding?.kind === 'value' && binding.value.kind === 'model') found.set(name, binding.value)
  }
  return found
}
