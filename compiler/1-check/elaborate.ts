/** A model, an optimizer or a test → its graph: the static part runs, the tensor part is recorded. */
import type { ModelDeclaration, TestDeclaration } from '../../grammar/ast.ts'
import type { Span } from '../../grammar/source.ts'
import { report } from '../diagnostics/catalogue.ts'
import * as names from '../diagnostics/names.ts'
import { type Dim, symbol } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import { GraphBuilder } from '../ops/builder.ts'
import type { LayerRecord, ModelGraph, OptimizerDescription, OptimizerGraph, ParameterPort, StatePort, StaticValue, TestCase } from '../program.ts'
import { bindArguments } from './call.ts'
import { Abandoned, type Elaboration, type ModelLookup, Reported, type Sink, startElaboration } from './elaboration.ts'
import { build, emit } from './emit.ts'
import type { BoundArgument, Instance } from './instance.ts'
import { callLayer, instantiate, tensorsOf } from './layers.ts'
import { Scope } from './scope.ts'
import { startUnifier } from './signature.ts'
import { run } from './statement.ts'
import { fromStaticValue } from './static.ts'
import { type Given, tensor, type Value } from './value.ts'

export interface Workshop {
  readonly sink: Sink
  readonly isStandard: (span: Span) => boolean
  readonly model: ModelLookup
}

/** Runs an elaboration whose faults are in the sink already; `undefined` when there were any. */
function guarded<Result>(sink: Sink, work: () => Result): Result | undefined {
  const before = sink.errors
  try {
    const result = work()
    return sink.errors > before ? undefined : result
  } catch (thrown) {
    if (thrown instanceof Reported || thrown instanceof Abandoned) return undefined
    throw thrown
  }
}

export interface ModelOptions {
  readonly declaration: ModelDeclaration
  readonly scope: Scope
  readonly training: boolean
  readonly arguments: ReadonlyMap<string, StaticValue>
}

export function elaborateModel({ declaration, scope: outer, training, arguments: given }: ModelOptions, shop: Workshop): ModelGraph | undefined {
  const { name } = declaration
  const builder = new GraphBuilder()
  const e = startElaboration({ ...shop, builder, training, kind: 'model', span: declaration.span })
  return guarded(shop.sink, () => {
    const scope = new Scope(outer)
    const values = [...given].map(([key, value]): Given => ({ name: { name: key, span: name.span }, value: fromStaticValue(value), span: name.span }))
    bindArguments(e, { label: name.name, declared: name.span, parameters: declaration.parameters }, values, name.span, startUnifier(scope))
    run(e, declaration.members, scope)
    const { ports } = e
    const terms = ports.lossTerms.map((t) => t.node)
    const loss = terms.length === 0 ? undefined : build(e, terms, (b) => terms.reduce((sum, term) => b.add(sum, term)))
    return {
      name: name.name,
      documentation: declaration.documentation,
      arguments: given,
      training,
      dims: ports.dims,
      inputs: ports.inputs,
      targets: ports.targets,
      parameters: instances(e).flatMap((i) => [...i.parameters.values()]).map(parameterPort),
      states: instances(e).flatMap((i) => [...i.states.values()]).map((s): StatePort => ({ ...parameterPort(s), dtype: s.dtype, next: s.next })),
      outputs: ports.outputs,
      exposed: e.exposed,
      loss,
      lossTerms: ports.lossTerms,
      metrics: ports.metrics,
      layers: e.layers.map(layerRecord),
      randomKey: e.randomKey,
      origins: builder.origins,
      builder,
      span: declaration.span,
    }
  })
}

const instances = (e: Elaboration): readonly Instance[] => [e.root, ...e.layers]
const parameterPort = ({ path, node, shape, initial, span }: ParameterPort): ParameterPort => ({ path, node, shape, initial, span })

function layerRecord(instance: Instance): LayerRecord {
  const { path, blueprint, results, span } = instance
  const below = (i: Instance): string[] => [...[...i.parameters.values()].map((p) => p.path), ...[...i.children.values()].flatMap(below)]
  return { path, kind: blueprint.label, results: results ?? [], parameters: below(instance), span }
}

/** Elaborated over the free dim N, so that one program serves every run of parameters. */
export function elaborateOptimizer(description: OptimizerDescription, outer: Scope, shop: Workshop): OptimizerGraph | undefined {
  const { module: name, span } = description
  const builder = new GraphBuilder()
  const e = startElaboration({ ...shop, builder, training: true, kind: 'model', span })
  const bad = (reason: string) => void shop.sink.add(report(names.badOptimizer, { span, name, reason }))
  return guarded(shop.sink, () => {
    const binding = outer.find(name)
    if (binding?.kind !== 'value' || binding.value.kind !== 'module') return bad('it is no module')
    const { declaration, scope } = binding.value
    const bound = new Map([...description.arguments].map(([key, value]): [string, BoundArgument] => [key, { value: fromStaticValue(value), span }]))
    const instance = instantiate(e, 'optimizer', { kind: 'module', label: name, span, declaration, scope, arguments: bound }, span)
    const leaf = (leafName: string, shape: readonly Dim[], role: 'input' | 'gradient' | 'step') => emit(e, 'input', [], { name: leafName, shape, dtype: 'float', role })
    const flat = [symbol('N')]
    const leaves = { param: leaf('param', flat, 'input'), grad: leaf('grad', flat, 'gradient'), rate: leaf('rate', [], 'step'), step: leaf('step', [], 'step') }
    const given = Object.values(leaves).map((node: Node): Given => ({ name: undefined, value: tensor(node), span }))
    const [result] = tensorsOf(callLayer(e, instance, given, span))
    if (result?.shape.length !== 1 || result.shape[0] !== flat[0]) return bad('its result is not the new parameters, `float[N]`')
    const states = instances(e).flatMap((i) => [...i.states.values()])
    const moments = states.flatMap(({ path, node, next, initial }) =>
      initial.kind === 'constant' ? [{ name: path.replace(/^optimizer\./, ''), node, next: next ?? node, initial: initial.value }] : [],
    )
    if (moments.length !== states.length) return bad('each of its states must begin at one number')
    if (instances(e).some((i) => i.parameters.size > 0)) return bad('it has parameters of its own')
    return { ...leaves, result, moments, origins: builder.origins }
  })
}

export function elaborateTest(declaration: TestDeclaration, outer: Scope, shop: Workshop): TestCase | undefined {
  const { title, span } = declaration
  const e = startElaboration({ ...shop, builder: new GraphBuilder(), training: false, kind: 'test', span })
  return guarded(shop.sink, () => {
    run(e, declaration.body.statements, new Scope(outer))
    return { title: title.value, span, expectations: e.test!.expectations }
  })
}

export type ModelValue = Extract<Value, { kind: 'model' }>
