/**
 * A checked model (and its `train` block) → the functions of a program:
 *
 * - `infer`: inputs → outputs, and exposed values where asked for;
 * - `evaluate`: inputs, targets → loss, metrics;
 * - `gradients`: inputs, targets → outputs, loss, the gradient of every parameter and float input;
 * - `step`: inputs, targets → loss, metrics; parameters, states and moments replaced by their next values;
 * - `begin`, `prefill`, `advance`, `reorder`: a causal model position by position (`incremental.ts`).
 *
 * Differentiation and simplification are handed in, since phases do not import each other.
 */

import { report } from '../diagnostics/catalogue.ts'
import { DiagnosticError } from '../diagnostics/diagnostic.ts'
import { modelHasNoLoss } from '../diagnostics/training.ts'
import { dim, one, product, zero } from '../ir/dim.ts'
import type { Graph, Node, Result } from '../ir/graph.ts'
import type { LoweredEntry, LoweredProgram, LoweredVariable } from '../lowered.ts'
import type { GraphBuilder } from '../ops/builder.ts'
import type { CarryTarget } from '../ops/carry-target.ts'
import type {
  ModelGraph,
  NamedNode,
  ParameterPort,
  Program,
  Recordable,
  StaticValue,
  TrainDescription,
} from '../program.ts'
import { groupParameters, learnsAlike } from './groups.ts'
import { type IncrementalModel, requireIncremental } from './incremental.ts'
import { scaledLoss, scaling, unscaled } from './loss-scale.ts'
import { carryNorms, parameterNorms } from './norm.ts'
import { type GradientOf, updatePhases } from './update.ts'

export type Differentiate = (builder: GraphBuilder, loss: Node, wrt: readonly (Node | CarryTarget)[]) => readonly Node[]

export interface LowerOptions {
  readonly model: string
  readonly arguments?: ReadonlyMap<string, StaticValue>
  readonly entries: readonly LoweredEntry['name'][]
  /** The `train` block of the `step` entry; its model must be the one named here. */
  readonly train?: TrainDescription
  /** Every stack is written out, layer by layer; with a number, those of up to so many layers. */
  readonly unroll?: boolean | number
  /** Exposed values that `infer` gives too. */
  readonly expose?: readonly string[]
  /** The adapter has 16-bit floats: a `train` block with `precision: mixed` gets its step in them. */
  readonly half?: boolean
  /** Of the incremental entries: the inputs that come position by position, where not all that can are meant. */
  readonly streams?: readonly string[]
  /** Norms of gradients, before clipping, that `gradients` gives too, and `step` instead of those its block says. */
  readonly record?: readonly Recordable[]
  readonly differentiate: Differentiate
  readonly simplify: (graph: Graph) => Graph
}

const positional: ReadonlySet<LoweredEntry['name']> = new Set(['begin', 'prefill', 'advance', 'reorder'])

export function lower(program: Program, options: LowerOptions): LoweredProgram {
  const given = options.arguments && { arguments: options.arguments }
  // One tensor for all layers of a stack has one rate: where they differ, the stack is written out.
  // Position by position, each layer keeps a memory of its own.
  const mustUnroll =
    options.entries.some((name) => positional.has(name)) ||
    (options.train !== undefined &&
      options.entries.includes('step') &&
      !learnsAlike(program.model(options.model, { training: false, ...given }), options.train))
  const unroll = mustUnroll || (options.unroll ?? false)
  const elaborate = (training: boolean) => program.model(options.model, { training, unroll, ...given })
  const inference = elaborate(false)
  const frozen = options.train?.freeze ?? []
  const groups =
    options.train && options.entries.includes('step')
      ? groupParameters(inference, options.train, program)
      : { groups: [], isFrozen: () => false }

  const mixed = options.half === true && options.train?.precision === 'mixed' && groups.groups.length > 0
  const around = mixed ? scaling(options.train!, Math.max(...groups.groups.map(({ index }) => index)) + 1) : undefined

  let made: IncrementalModel | undefined
  const incremental = () => {
    made ??= requireIncremental(inference, options.simplify, options.streams)
    return made
  }
  const entry = (name: LoweredEntry['name']): LoweredEntry | undefined => {
    switch (name) {
      case 'infer':
        return single(name, inference, [...outputs(inference), ...exposed(inference, options.expose ?? [])])
      case 'evaluate':
        return single(name, inference, scalars(inference))
      case 'gradients': {
        const { norms, gradients } = learning(
          inference,
          lossOf(inference),
          wrtAll(inference),
          options,
          (_, gradient) => gradient,
        )
        return single(name, inference, [
          ...outputs(inference),
          ...scalars(inference),
          ...norms,
          ...eachGradient(inference, gradients),
        ])
      }
      case 'step': {
        const model = elaborate(true)
        const trainable = model.parameters.filter((p) => !groups.isFrozen(p.path))
        const loss = mixed ? scaledLoss(model.builder, lossOf(model)) : lossOf(model)
        const asked = { ...options, record: options.record ?? options.train?.record ?? [] }
        const gradientOf = mixed ? unscaled : (_: GraphBuilder, gradient: Node) => gradient
        const { norms, gradients } = learning(model, loss, wholes(trainable), asked, gradientOf)
        const results = [...scalars(model), ...norms, ...gradients, ...nextStates(model)]
        return {
          name,
          phases: [
            ...(around?.before ?? []),
            ...single(name, model, results).phases.map((phase) => ({ ...phase, mixed })),
            ...updatePhases(program, options.train!, groups.groups, trainable, mixed),
            ...(around?.after ?? []),
          ],
        }
      }
      case 'begin':
      case 'prefill':
      case 'advance':
        return { name, phases: [{ graph: incremental()[name], flat: undefined }] }
      case 'reorder': {
        const graph = incremental().reorder
        return graph && { name, phases: [{ graph, flat: undefined }] }
      }
      default:
        return name satisfies never
    }
  }

  return {
    name: options.model,
    dims: inference.dims,
    requirements: inference.requirements,
    entries: options.entries.map(entry).filter((made) => made !== undefined),
    parameters: inference.parameters.map(
      (p): LoweredVariable => variable(p, 'float', frozen.length === 0 || !groups.isFrozen(p.path)),
    ),
    states: inference.states.map((s): LoweredVariable => variable(s, s.dtype, false)),
    groups: [...groups.groups, ...(around ? [around.group] : [])],
  }
}

const variable = (port: ParameterPort, dtype: LoweredVariable['dtype'], trainable: boolean): LoweredVariable => ({
  path: port.path,
  shape: port.shape,
  dtype,
  initial: port.initial,
  trainable,
  ...(port.part && { part: port.part }),
})

function single(name: LoweredEntry['name'], model: ModelGraph, results: readonly Result[]): LoweredEntry {
  const graph: Graph = { name: `${model.name}.${name}`, results, origins: model.origins }
  return { name, phases: [{ graph, flat: undefined }] }
}

const named =
  (role: Result['role']) =>
  ({ name, node }: NamedNode): Result => ({ name, node, role })
const outputs = (model: ModelGraph): Result[] => model.outputs.map(named('output'))
const exposed = (model: ModelGraph, names: readonly string[]): Result[] =>
  model.exposed.filter((e) => names.includes(e.name)).map(named('exposed'))

/** The loss first; its named terms are told apart only where there are several. */
function scalars(model: ModelGraph): Result[] {
  const terms = model.lossTerms.length > 1 ? model.lossTerms : []
  return [
    { name: 'loss', node: lossOf(model), role: 'loss' },
    ...terms.map(named('metric')),
    ...model.metrics.map(named('metric')),
  ]
}

function lossOf(model: ModelGraph): Node {
  if (model.loss) return model.loss
  throw new DiagnosticError([report(modelHasNoLoss, { model: model.name, span: model.span })])
}

interface Target {
  readonly name: string
  readonly node: Node
}
/** The tensors that hold the parameters: of a folded stack one for all layers. */
const wholes = (ports: readonly ParameterPort[]): Target[] =>
  ports.flatMap(({ path, node, part }) => (part && part.index > 0 ? [] : [{ name: part?.of ?? path, node }]))
const wrtAll = (model: ModelGraph): Target[] => [
  ...wholes(model.parameters),
  ...model.inputs.filter((i) => i.dtype === 'float').map(({ name, node }) => ({ name, node })),
]

/** Gradients, after the norms of them that are to be recorded. */
function learning(
  model: ModelGraph,
  loss: Node,
  wrt: readonly Target[],
  { differentiate, record = [] }: LowerOptions,
  gradientOf: GradientOf,
): { readonly norms: readonly Result[]; readonly gradients: readonly Result[] } {
  const { builder, parameters } = model
  const carries = record.includes('carries') ? model.carries : []
  const targets = [...new Set(carries.map(({ target }) => target))]
  const found = differentiate(builder, loss, [...wrt.map(({ node }) => node), ...targets])
  const gradients = wrt.map(({ name }, i): Result => ({ name: `grad.${name}`, node: found[i]!, role: 'gradient' }))
  const histories = new Map(targets.map((target, i) => [target, found[wrt.length + i]!]))
  const paths = new Set(parameters.map(({ path }) => `grad.${path}`))
  const ofParameters = record.includes('gradients')
    ? eachGradient(model, gradients).filter(({ name }) => paths.has(name))
    : []
  return {
    norms: [
      ...parameterNorms(builder, ofParameters, gradientOf),
      ...carryNorms(builder, carries, histories, gradientOf),
    ],
    gradients,
  }
}

/** The gradient of each parameter by itself. */
function eachGradient({ parameters, builder: b, origins }: ModelGraph, results: readonly Result[]): Result[] {
  const byName = new Map(results.map((result) => [result.name, result]))
  const wholeNames = new Set(parameters.flatMap(({ part }) => (part ? [`grad.${part.of}`] : [])))
  const own = parameters.flatMap(({ path, part, shape }): Result[] => {
    const result = byName.get(`grad.${part?.of ?? path}`)
    // Frozen parameters have none.
    if (!result) return []
    if (!part) return [result]
    const node = b.withOrigin(origins.get(result.node), () => layerOf(b, result.node, part.index, shape))
    return [{ ...result, name: `grad.${path}`, node }]
  })
  const parametersOwn = new Set([...wholeNames, ...own.map(({ name }) => name)])
  return [...own, ...results.filter(({ name }) => !parametersOwn.has(name))]
}

/** A part of a tensor whose first axes are those of stacks. */
function layerOf(b: GraphBuilder, whole: Node, index: number, shape: readonly number[]): Node {
  const sizes = shape.map((n) => dim(n))
  const flat = b.reshape(whole, [product(whole.shape.slice(0, whole.shape.length - sizes.length)), ...sizes])
  const own = b.slice(flat, [dim(index), ...sizes.map(() => zero)], [one, ...sizes])
  return b.reshape(own, sizes)
}

const nextStates = (model: ModelGraph): Result[] =>
  model.states.flatMap((s) =>
    s.next && !(s.part && s.part.index > 0)
      ? [{ name: s.part?.of ?? s.path, node: s.next, role: 'state' as const, replaces: s.node }]
      : [],
  )
