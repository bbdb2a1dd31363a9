/** Making layers from blueprints and calling them. */
import type { Span } from '../../grammar/source.ts'
import * as names from '../diagnostics/names.ts'
import * as shapes from '../diagnostics/shapes.ts'
import type { Node } from '../ir/graph.ts'
import { abridgedLayer } from './abridged-call.ts'
import { bindArguments, checkResult } from './call.ts'
import { called, type Elaboration, fail, inFrame, makeFrame, silent, step } from './elaboration.ts'
import { type Blueprint, childPath, type Instance, makeInstance, snakeCase } from './instance.ts'
import { runStages } from './pipeline.ts'
import { layerByLayer } from './repeated-layer.ts'
import { Scope } from './scope.ts'
import { startUnifier, textOf } from './signature.ts'
import { eachLayer, foldStack, isFolded, layersAround, templatePath, Unfoldable } from './stack.ts'
import { run } from './statement.ts'
import { describe, type Given, type Value } from './value.ts'

/** `layer head = Linear(10)`: in a `for`, the name carries the turn. */
export function instantiate(e: Elaboration, name: string, blueprint: Blueprint, span: Span): Instance {
  const full = name + e.frame.turns
  const first = e.frame.named.get(full)
  if (first) return fail(e, names.declaredTwice, { span, name: full, what: 'layer', first })
  e.frame.named.set(full, span)
  return child(e, full, blueprint, span)
}

/** `|> Linear(10)`: named by kind and order, `linear_1`. */
export function instantiateAnonymous(e: Elaboration, blueprint: Blueprint, span: Span): Instance {
  const kind = snakeCase(blueprint.label)
  let name: string
  do {
    const order = (e.frame.anonymous.get(kind) ?? 0) + 1
    e.frame.anonymous.set(kind, order)
    name = `${kind}_${order}`
  } while (e.frame.named.has(name))
  return child(e, name, blueprint, span)
}

function child(e: Elaboration, name: string, blueprint: Blueprint, span: Span): Instance {
  const { owner } = e.frame
  if (e.frame.kind === 'static')
    return fail(e, names.misplaced, { span, what: 'a layer', where: 'here: this place is evaluated without a model' })
  const known = owner.children.get(name)
  if (known) {
    if (!sameBlueprint(known.blueprint, blueprint))
      return fail(e, shapes.sharedLayerDiffers, { span, path: known.path, first: known.span })
    return known
  }
  if (owner.parameters.has(name) || owner.states.has(name))
    return fail(e, names.declaredTwice, {
      span,
      name,
      what: 'layer',
      first: (owner.parameters.get(name) ?? owner.states.get(name))!.span,
    })
  const made = make(e, childPath(owner.path, name), blueprint, span)
  owner.children.set(name, made)
  return made
}

/** Whether a second call of the owner asks for the layer that its first call made. */
function sameBlueprint(a: Blueprint, b: Blueprint): boolean {
  if (a === b) return true
  if (a.kind === 'module' && b.kind === 'module')
    return (
      a.declaration === b.declaration &&
      [...a.arguments].every(([name, { value }]) => sameArgument(value, b.arguments.get(name)!.value))
    )
  if (a.kind === 'stack' && b.kind === 'stack') return a.count === b.count && sameBlueprint(a.of, b.of)
  return a.kind === 'chain' && b.kind === 'chain' && a.stages === b.stages
}
function sameArgument(a: Value, b: Value): boolean {
  if (a.kind === 'blueprint' && b.kind === 'blueprint') return sameBlueprint(a.blueprint, b.blueprint)
  if (a.kind === 'layer' && b.kind === 'layer') return a.instance === b.instance
  return describe(a) === describe(b)
}

/** What making a layer costs, in evaluated expressions. */
const layerCost = 10

function make(e: Elaboration, path: string, blueprint: Blueprint, span: Span): Instance {
  // What stands for all layers of a stack costs what they would: each has parameters of its own.
  const cost = layerCost * layersAround(e)
  step(e, span, cost)
  const instance = makeInstance(path, blueprint, span)
  if (blueprint.kind === 'stack') {
    // The layers of a stack that may be folded are made when it is called.
    if (isFolded(e, path, blueprint.count)) step(e, span, cost * blueprint.count)
    else layersOf(e, instance)
  }
  if (blueprint.kind !== 'module') return instance
  called(e, blueprint.label, span, () => {
    const scope = new Scope(blueprint.scope)
    for (const [name, argument] of blueprint.arguments) scope.bind(name, argument.value, argument.span)
    instance.scope = scope
    const { dependsOnTraining } = e
    e.dependsOnTraining = false
    const left = inFrame(e, makeFrame('members', instance), () => run(e, blueprint.declaration.members, scope))
    instance.asksTraining = e.dependsOnTraining
    e.dependsOnTraining ||= dependsOnTraining
    if (left) instance.faulty = true
  })
  return instance
}

/** Calls a layer; a stack or chain threads its first argument through its parts. */
export function callLayer(e: Elaboration, instance: Instance, given: readonly Given[], span: Span): Value {
  const { blueprint } = instance
  if (instance.faulty) return silent()
  const value = called(e, blueprint.label, span, () => {
    switch (blueprint.kind) {
      case 'module':
        return abridgedLayer(e, instance, blueprint.declaration, given, () =>
          callModule(e, instance, blueprint, given, span),
        )
      case 'stack':
        return callStack(e, instance, given, span)
      case 'chain': {
        const [input, ...rest] = given
        if (!input)
          return fail(e, names.missingArgument, {
            span,
            label: 'this chain',
            name: 'its input',
            declared: blueprint.span,
          })
        const frame = makeFrame('chain', instance)
        return inFrame(e, frame, () => runStages(e, blueprint.stages, input, rest, blueprint.scope))
      }
      default:
        return blueprint satisfies never
    }
  })
  instance.results ??= tensorsOf(value)
  return value
}

function callModule(
  e: Elaboration,
  instance: Instance,
  blueprint: Blueprint & { kind: 'module' },
  given: readonly Given[],
  span: Span,
): Value {
  const { declaration, label } = blueprint
  const { forward } = declaration
  if (!forward) return fail(e, names.noForward, { span, name: label, declared: declaration.name.span })
  const scope = new Scope(instance.scope)
  // A state means what the last call left it at.
  for (const [name, state] of instance.states) scope.bind(name, { kind: 'tensor', node: state.current }, state.span)
  const unifier = startUnifier(scope)
  bindArguments(e, { label, declared: declaration.name.span, parameters: forward.parameters }, given, span, unifier)
  const result = inFrame(e, makeFrame('forward', instance), () => run(e, forward.body.statements, scope))
  if (!result) return fail(e, names.noReturn, { span: forward.span, name: `forward of ${label}` })
  return checkResult(e, unifier, forward.result, result.value, result.span, label, writtenAs(blueprint))
}

/** A recipe as it stands in the source, where that is short: `Linear(512)`. */
function writtenAs({ span, label }: Blueprint): string {
  const text = textOf({ span })
  return text.length <= 40 && !text.includes('\n') ? text : label
}

/** The layers of a stack, each by itself. */
export function layersOf(e: Elaboration, instance: Instance): ReadonlyMap<string, Instance> {
  const { blueprint, children, path, span, templates } = instance
  if (blueprint.kind !== 'stack' || children.size > 0) return children
  if (templates.length > 0) throw new Unfoldable(path)
  for (let i = 0; i < blueprint.count; i++) children.set(`[${i}]`, make(e, `${path}[${i}]`, blueprint.of, span))
  return children
}

function callStack(e: Elaboration, instance: Instance, given: readonly Given[], span: Span): Value {
  const [first, ...rest] = given
  if (!first)
    return fail(e, names.missingArgument, { span, label: 'this stack', name: 'its input', declared: instance.span })
  const { blueprint } = instance
  if (blueprint.kind === 'stack' && instance.children.size === 0 && isFolded(e, instance.path, blueprint.count))
    return foldStack(e, instance, blueprint.count, [first, ...rest], span, (inner) => {
      const template = make(e, templatePath(instance.path, blueprint.count), blueprint.of, instance.span)
      instance.templates.push(template)
      return { value: callLayer(e, template, inner, span), layers: tree(template) }
    })
  let { value } = first
  const layers = [...layersOf(e, instance).values()]
  const runLayer = layerByLayer(e, layers)
  eachLayer(e, layers.length, (turn) => {
    if (value.kind === 'poison') return silent()
    if (value.kind === 'tuple') return fail(e, shapes.tupleThreaded, { span, label: blueprint.label })
    const given = [{ ...first, value }, ...rest]
    value = runLayer(turn, value, () => callLayer(e, layers[turn]!, given, span))
  })
  return value
}

/** A layer and all below it, in the order in which they were made. */
export function tree(root: Instance): readonly Instance[] {
  return [root, ...[...root.children.values(), ...root.templates].flatMap(tree)]
}

export function tensorsOf(value: Value): readonly Node[] {
  if (value.kind === 'tensor') return [value.node]
  return value.kind === 'tuple' ? value.parts.flatMap((p) => tensorsOf(p.value)) : []
}
