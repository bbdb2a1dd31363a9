/** A model and values for its hyperparameters → its graph, or the faults found in making it. */
import type { ModelDeclaration } from '../../grammar/ast.ts'
import type { Span } from '../../grammar/source.ts'
import type { Diagnostic } from '../diagnostics/diagnostic.ts'
import * as statics from '../diagnostics/static.ts'
import { GraphBuilder } from '../ops/builder.ts'
import type { LayerRecord, ModelGraph, NamedNode, ParameterPort, StatePort, StaticValue } from '../program.ts'
import { bindArguments } from './call.ts'
import { Abandoned, type Elaboration, fault, limits, Reported, Sink, startElaboration } from './elaboration.ts'
import { build } from './emit.ts'
import type { Instance } from './instance.ts'
import { Scope } from './scope.ts'
import { startUnifier } from './signature.ts'
import { run } from './statement.ts'
import { fromStaticValue, toStaticValue } from './static.ts'
import { describe, type Given } from './value.ts'

export interface Elaborated<Result> {
  readonly result: Result | undefined
  readonly diagnostics: readonly Diagnostic[]
  /** Given up half-way: it was too large, too deep, or had too many faults. */
  readonly abandoned: boolean
  /** Whether training would give something else. */
  readonly dependsOnTraining: boolean
}

/** Runs one elaboration with its own sink; whatever goes wrong ends as diagnostics. */
export function elaborate<Result>(
  options: Omit<Parameters<typeof startElaboration>[0], 'sink' | 'builder'>,
  make: (e: Elaboration, builder: GraphBuilder) => Result,
): Elaborated<Result> {
  const sink = new Sink()
  const builder = new GraphBuilder({ maxNodes: limits.nodes })
  const e = startElaboration({ ...options, sink, builder })
  let result: Result | undefined
  let abandoned = false
  try {
    result = make(e, builder)
  } catch (thrown) {
    abandoned = !(thrown instanceof Reported)
    // A stack that ran out is nesting without end, met before the limit on it.
    if (thrown instanceof RangeError) {
      try {
        fault(e, statics.tooDeep, { span: options.span, depth: e.calls.length, calls: [] })
      } catch {}
    } else if (!(thrown instanceof Abandoned || thrown instanceof Reported)) throw thrown
  }
  return {
    result: sink.errors > 0 ? undefined : result,
    diagnostics: sink.diagnostics,
    abandoned,
    dependsOnTraining: e.dependsOnTraining,
  }
}

export interface ModelOptions {
  readonly declaration: ModelDeclaration
  readonly scope: Scope
  readonly training: boolean
  readonly arguments: ReadonlyMap<string, StaticValue>
  readonly isStandard: (span: Span) => boolean
}

export function elaborateModel({
  declaration,
  scope,
  training,
  arguments: given,
  isStandard,
}: ModelOptions): Elaborated<ModelGraph> {
  const span = declaration.name.span
  return elaborate({ training, isStandard, kind: 'model', span }, (e, builder): ModelGraph => {
    const inner = new Scope(scope)
    const values: Given[] = [...given].map(([name, value]) => ({
      name: { name, span },
      value: fromStaticValue(value),
      span,
    }))
    const signature = { label: declaration.name.name, declared: span, parameters: declaration.parameters }
    const bound = bindArguments(e, signature, values, span, startUnifier(inner))
    run(e, declaration.members, inner)
    return modelGraph(
      e,
      builder,
      declaration,
      new Map([...bound].map(([name, { value }]) => [name, toStaticValue(value) ?? describe(value)])),
    )
  })
}

function modelGraph(
  e: Elaboration,
  builder: GraphBuilder,
  declaration: ModelDeclaration,
  hyperparameters: ReadonlyMap<string, StaticValue>,
): ModelGraph {
  const instances = tree(e.root)
  const terms = e.ports.lossTerms
  const loss =
    terms.length === 0
      ? undefined
      : terms.slice(1).reduce((sum, { node }) => build(e, [], (b) => b.add(sum, node)), terms[0]!.node)
  return {
    name: declaration.name.name,
    documentation: declaration.documentation,
    arguments: hyperparameters,
    training: e.training,
    dims: e.ports.dims,
    inputs: e.ports.inputs,
    targets: e.ports.targets,
    parameters: instances.flatMap((i) =>
      [...i.parameters.values()].map(
        ({ path, node, shape, initial, span }): ParameterPort => ({ path, node, shape, initial, span }),
      ),
    ),
    states: instances.flatMap((i) =>
      [...i.states.values()].map(
        ({ path, node, shape, dtype, initial, span, next }): StatePort => ({
          path,
          node,
          shape,
          dtype,
          initial,
          span,
          next,
        }),
      ),
    ),
    outputs: e.ports.outputs,
    exposed: e.exposed.map((x): NamedNode => x),
    loss,
    lossTerms: terms,
    metrics: e.ports.metrics,
    layers: instances.slice(1).map(
      (layer): LayerRecord => ({
        path: layer.path,
        kind: layer.blueprint.label,
        results: layer.results ?? [],
        parameters: below(layer),
        span: layer.span,
      }),
    ),
    randomKey: e.randomKey,
    origins: builder.origins,
    builder,
    span: declaration.span,
  }
}

/** A layer and all below it, in the order in which they were made. */
export function tree(root: Instance): readonly Instance[] {
  return [root, ...[...root.children.values()].flatMap(tree)]
}

function below(layer: Instance): readonly string[] {
  return [...[...layer.parameters.values()].map((p) => p.path), ...[...layer.children.values()].flatMap(below)]
}
