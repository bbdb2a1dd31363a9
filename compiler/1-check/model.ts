/** A model and values for its hyperparameters → its graph, or the faults found in making it. */
import type { ModelDeclaration } from '../../grammar/ast.ts'
import type { Span } from '../../grammar/source.ts'
import type { Diagnostic } from '../diagnostics/diagnostic.ts'
import * as statics from '../diagnostics/static.ts'
import type { Node } from '../ir/graph.ts'
import { GraphBuilder } from '../ops/builder.ts'
import type {
  LayerRecord,
  ModelGraph,
  NamedNode,
  ParameterPort,
  StackPart,
  StatePort,
  StaticValue,
} from '../program.ts'
import { eachPath } from '../stack-path.ts'
import { bindArguments } from './call.ts'
import { Abandoned, type Elaboration, fault, limits, Reported, Sink, startElaboration } from './elaboration.ts'
import { build } from './emit.ts'
import type { Instance } from './instance.ts'
import { layersOf } from './layers.ts'
import { declaresPortWithin } from './ports.ts'
import { Scope } from './scope.ts'
import { startUnifier } from './signature.ts'
import { type Folding, Unfoldable } from './stack.ts'
import { run } from './statement.ts'
import { fromStaticValue, toStaticValue } from './static.ts'
import { describe, type Given } from './value.ts'

export interface Elaborated<Result> {
  readonly result: Result | undefined
  readonly diagnostics: readonly Diagnostic[]
  /** Whether calls were not run: the graph is no program. */
  readonly abridged: boolean
  /** Of leaves that stand for such calls: the tensors they were given. */
  readonly behind: ReadonlyMap<Node, readonly Node[]>
  /** Given up half-way: it was too large, too deep, or had too many faults. */
  readonly abandoned: boolean
  /** Whether training could be at fault where this is not. */
  readonly faultsDependOnTraining: boolean
  /** Layers of the shallowest stack that was folded. */
  readonly shallowest: number
}

type ElaborateOptions = Omit<Parameters<typeof startElaboration>[0], 'sink' | 'builder'>
type Make<Result> = (e: Elaboration, builder: GraphBuilder) => Result

/** Times that an elaboration begins again with one more stack written out, before all are. */
const attempts = 4

/**
 * Runs one elaboration with its own sink; whatever goes wrong ends as diagnostics. Faults are looked for layer by layer, so
 * that they read the same whether a stack is run as one or not.
 */
export function elaborate<Result>(options: ElaborateOptions, make: Make<Result>): Elaborated<Result> {
  const unrolled = new Set<string>()
  let { abridges = false } = options
  while (options.folding && options.folding !== 'none' && unrolled.size < attempts)
    try {
      const made = attemptOnce({ ...options, unrolled, abridges }, make)
      if (made.diagnostics.length === 0 && made.certain) return made
      if (made.diagnostics.length > 0) break
      abridges = false
    } catch (thrown) {
      if (!(thrown instanceof Unfoldable)) throw thrown
      unrolled.add(thrown.path)
    }
  const written = { ...options, folding: 'none' as const, abridges: false }
  const made = options.repeats && options.folding === 'none' ? attemptOnce(written, make) : undefined
  return made?.diagnostics.length === 0 ? made : attemptOnce({ ...written, repeats: false }, make)
}

function attemptOnce<Result>(
  options: ElaborateOptions,
  make: Make<Result>,
): Elaborated<Result> & { readonly certain: boolean } {
  const sink = new Sink()
  const builder = new GraphBuilder({ maxNodes: limits.nodes })
  const e = startElaboration({ ...options, sink, builder })
  let result: Result | undefined
  let abandoned = false
  try {
    result = make(e, builder)
  } catch (thrown) {
    if (thrown instanceof Unfoldable) throw thrown
    abandoned = !(thrown instanceof Reported)
    // A stack that ran out is nesting without end, met before the limit on it.
    if (thrown instanceof RangeError) {
      try {
        fault(e, statics.tooDeep, { span: options.span, depth: e.calls.length, calls: [] })
      } catch {}
    } else if (!(thrown instanceof Abandoned || thrown instanceof Reported)) throw thrown
  }
  const nodes = !e.abridged ? builder.nodeCount : builder.asked + e.spared
  // Training takes less than four times what inference does.
  const nearLimits = 4 * nodes > limits.nodes || 4 * e.steps > limits.steps
  return {
    result: sink.errors > 0 ? undefined : result,
    diagnostics: sink.diagnostics,
    abandoned,
    faultsDependOnTraining: e.faultsDependOnTraining || nearLimits,
    abridged: e.abridged,
    behind: e.behind,
    // Whether the limits would hold with all calls run.
    certain: !e.abridged || (e.presumed ? !nearLimits : nodes <= limits.nodes),
    shallowest: e.shallowest,
  }
}

export interface ModelOptions {
  readonly declaration: ModelDeclaration
  readonly scope: Scope
  readonly training: boolean
  readonly arguments: ReadonlyMap<string, StaticValue>
  readonly isStandard: (span: Span) => boolean
  readonly folding: Folding
  readonly abridges: boolean
  /** Whether layers may be taken to do as the ones before them did; by default where no faults are looked for. */
  readonly repeats?: boolean
}

export function elaborateModel({
  declaration,
  scope,
  training,
  arguments: given,
  isStandard,
  folding,
  abridges,
  repeats = !abridges,
}: ModelOptions): Elaborated<ModelGraph> {
  const span = declaration.name.span
  return elaborate(
    { training, isStandard, kind: 'model', span, folding, abridges, repeats },
    (e, builder): ModelGraph => {
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
    },
  )
}

function modelGraph(
  e: Elaboration,
  builder: GraphBuilder,
  declaration: ModelDeclaration,
  hyperparameters: ReadonlyMap<string, StaticValue>,
): ModelGraph {
  const instances = madeTree(e, e.root)
  const terms = e.ports.lossTerms
  const loss =
    terms.length === 0
      ? undefined
      : terms.slice(1).reduce((sum, { node }) => build(e, [], (b) => b.add(sum, node)), terms[0]!.node)
  // Tables of what each layer of each stack has are long; to find faults nobody reads them.
  const own = once(() => distinct(instances))
  const parameters = once(() =>
    own().flatMap((i) =>
      [...i.parameters.values()].flatMap(({ path, leaf, shape, initial, span }): ParameterPort[] =>
        ports(path, { node: leaf, shape, initial, span }),
      ),
    ),
  )
  const states = once(() =>
    own().flatMap((i) =>
      [...i.states.values()].flatMap(({ path, leaf, shape, dtype, initial, span, next }): StatePort[] =>
        ports(path, { node: leaf, shape, dtype, initial, span, next }),
      ),
    ),
  )
  const layers = once(() => layerRecords(e.root))
  return {
    name: declaration.name.name,
    documentation: declaration.documentation,
    arguments: hyperparameters,
    training: e.training,
    dims: e.ports.dims,
    requirements: e.requirements,
    inputs: e.ports.inputs,
    targets: e.ports.targets,
    portsDependOnTraining: e.ports.asksTraining || declaration.members.some(declaresPortWithin),
    get parameters() {
      return parameters()
    },
    get states() {
      return states()
    },
    outputs: e.ports.outputs,
    exposed: e.exposed.map((x): NamedNode => x),
    carries: e.carries,
    loss,
    lossTerms: terms,
    metrics: e.ports.metrics,
    get layers() {
      return layers()
    },
    randomKey: e.randomKey,
    origins: builder.origins,
    builder,
    span: declaration.span,
  }
}

function once<V>(make: () => V): () => V {
  let made: { readonly value: V } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

/** A variable of its own, or a part of the tensor that all layers of a stack have together. */
function ports<Port extends object>(path: string, port: Port): (Port & { path: string; part?: StackPart })[] {
  const paths = eachPath(path)
  if (paths.length === 1 && paths[0] === path) return [{ ...port, path }]
  return paths.map((each, index) => ({ ...port, path: each, part: { of: path, index, count: paths.length } }))
}

/** All layers; those of a stack that nothing called are made now. */
function madeTree(e: Elaboration, root: Instance): readonly Instance[] {
  if (root.templates.length === 0) layersOf(e, root)
  return [root, ...[...root.children.values(), ...root.templates].flatMap((child) => madeTree(e, child))]
}

/** Of the stand-ins of one layer, one for each call of its stack, the first; and what only a later call made. */
function distinct(instances: readonly Instance[]): readonly Instance[] {
  const known = new Set<string>()
  return instances.map((instance) => {
    const own = <V extends { readonly path: string }>(variables: ReadonlyMap<string, V>) =>
      new Map([...variables].filter(([, { path }]) => !known.has(path) && known.add(path)))
    return { ...instance, parameters: own(instance.parameters), states: own(instance.states) }
  })
}

/** Each layer of a folded stack has a row of its own. */
function layerRecords(root: Instance): LayerRecord[] {
  const records = new Map<string, LayerRecord>()
  const visit = (layer: Instance, path: string): void => {
    const children = (at: string) => {
      for (const child of layer.children.values()) visit(child, at + child.path.slice(layer.path.length))
      for (const template of layer.templates)
        for (const each of eachPath(template.path.slice(layer.path.length))) visit(template, at + each)
    }
    if (layer !== root && !records.has(path))
      records.set(path, {
        path,
        kind: layer.blueprint.label,
        results: layer.results ?? [],
        parameters: below(layer).flatMap((p) => eachPath(path + p.slice(layer.path.length))),
        span: layer.span,
      })
    children(path)
  }
  visit(root, '')
  return [...records.values()]
}

function below(layer: Instance): readonly string[] {
  return [
    ...[...layer.parameters.values()].map((p) => p.path),
    ...[...layer.children.values(), ...layer.templates].flatMap(below),
  ]
}
