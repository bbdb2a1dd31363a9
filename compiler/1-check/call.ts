/** Calls: arguments are bound to parameters by position and name, dims by unification, and the body is run. */
import type { Parameter, ResultType } from '../../grammar/ast.ts'
import type { Span } from '../../grammar/source.ts'
import * as names from '../diagnostics/names.ts'
import { nearest } from '../diagnostics/near.ts'
import * as shapes from '../diagnostics/shapes.ts'
import type { StaticValue } from '../program.ts'
import { abridgedFunction } from './abridged-call.ts'
import { callBuiltin } from './builtins/call-builtin.ts'
import { called, type Elaboration, fail, fault, inFrame, Reported, silent } from './elaboration.ts'
import { evaluate, recover } from './expression.ts'
import type { Blueprint, BoundArgument } from './instance.ts'
import { callLayer, instantiateAnonymous } from './layers.ts'
import { setDimSources } from './provenance.ts'
import { Scope } from './scope.ts'
import { accept, finish, startUnifier, textOf, type Unifier } from './signature.ts'
import { run } from './statement.ts'
import { toStaticValue } from './static.ts'
import { rememberedCall } from './static-call.ts'
import { tellSwapped } from './swapped.ts'
import { describe, type Given, none, poison, tensor, type Value } from './value.ts'

/** Applies a value to arguments. */
export function call(e: Elaboration, callee: Value, given: readonly Given[], span: Span): Value {
  switch (callee.kind) {
    case 'poison':
      return poison
    case 'builtin':
      return callBuiltin(e, callee.builtin, given, span)
    case 'function': {
      const { declaration, scope } = callee
      const label = declaration.name.name
      const runBody = () =>
        called(e, label, span, () => {
          const inner = new Scope(scope)
          const unifier = startUnifier(inner)
          bindArguments(
            e,
            { label, declared: declaration.name.span, parameters: declaration.parameters },
            given,
            span,
            unifier,
          )
          const frame = { ...e.frame, kind: 'function' as const }
          const result = inFrame(e, frame, () => run(e, declaration.body.statements, inner))
          if (!result) return fail(e, names.noReturn, { span: declaration.name.span, name: label })
          return checkResult(e, unifier, declaration.result, result.value, result.span, label)
        })
      return abridgedFunction(e, declaration, given, () => rememberedCall(e, declaration, given, span, runBody))
    }
    case 'lambda':
      return called(e, 'a function', span, () => {
        const inner = new Scope(callee.scope)
        const { parameters, body } = callee.expression
        bindArguments(
          e,
          { label: 'this function', declared: callee.expression.span, parameters },
          given,
          span,
          startUnifier(inner),
        )
        return evaluate(e, body, inner)
      })
    case 'module':
      return { kind: 'blueprint', blueprint: configure(e, callee, given, span) }
    case 'blueprint':
      return callLayer(e, instantiateAnonymous(e, callee.blueprint, span), given, span)
    case 'layer':
      return callLayer(e, callee.instance, given, span)
    case 'model':
      return configureModel(e, callee, given, span)
    default:
      return fail(e, names.notCallable, { span, given: describe(callee) })
  }
}

/** A module's constructor given its hyperparameters. */
export function configure(
  e: Elaboration,
  module: Value & { kind: 'module' },
  given: readonly Given[],
  span: Span,
): Blueprint {
  const { declaration } = module
  const label = declaration.name.name
  const scope = new Scope(module.scope)
  const bound = bindArguments(
    e,
    { label, declared: declaration.name.span, parameters: declaration.parameters },
    given,
    span,
    startUnifier(scope),
  )
  return { kind: 'module', label, span, declaration, scope: module.scope, arguments: bound }
}

/** `Transformer(dim: 64)`: the model with other hyperparameters, for questions about it; a tensor shows that a layer was meant. */
function configureModel(e: Elaboration, model: Value & { kind: 'model' }, given: readonly Given[], span: Span): Value {
  const { declaration } = model
  const label = declaration.name.name
  if (given.some((g) => g.value.kind === 'tensor')) return fail(e, names.modelCalled, { span, name: label })
  const bound = bindArguments(
    e,
    { label, declared: declaration.name.span, parameters: declaration.parameters },
    given,
    span,
    startUnifier(new Scope(model.scope)),
  )
  const values = [...bound].flatMap(([name, { value }]): [string, StaticValue][] => {
    const plain = toStaticValue(value)
    return plain === undefined ? [] : [[name, plain]]
  })
  return { ...model, arguments: new Map(values) }
}

export interface Signature {
  readonly label: string
  readonly declared: Span
  readonly parameters: readonly Parameter[]
}

/** Binds arguments into the unifier's scope, each in the form its type asks for. */
export function bindArguments(
  e: Elaboration,
  signature: Signature,
  given: readonly Given[],
  span: Span,
  unifier: Unifier,
): ReadonlyMap<string, BoundArgument> {
  const assigned = assign(e, signature, given)
  const before = e.sink.diagnostics.length
  const bound = bind(e, signature, assigned, span, unifier)
  if (bound) return bound
  tellSwapped(e, {
    label: signature.label,
    span,
    given,
    before,
    assigned,
    run: (e, exchanged) => {
      const inner = startUnifier(new Scope(unifier.scope.parent))
      if (!bind(e, signature, assign(e, signature, exchanged), span, inner)) silent()
    },
  })
  // Nothing is said about dims that a faulty argument would have bound.
  return silent()
}

/** `undefined` where an argument is at fault. */
function bind(
  e: Elaboration,
  signature: Signature,
  assigned: ReadonlyMap<string, Given>,
  span: Span,
  unifier: Unifier,
): ReadonlyMap<string, BoundArgument> | undefined {
  const bound = new Map<string, BoundArgument>()
  let faulty = false
  for (const parameter of signature.parameters) {
    const name = parameter.name.name
    const argument = assigned.get(name)
    const written = argument?.span ?? parameter.default?.span ?? span
    let value: Value
    try {
      const raw = argument?.value ?? defaultValue(e, signature, parameter, unifier.scope, span)
      // A default of `none` makes a parameter optional whatever its type says.
      const absent = raw.kind === 'none' && parameter.default?.kind === 'none'
      value =
        parameter.type && !absent
          ? accept(e, unifier, parameter.type, raw, {
              role: 'argument',
              label: `${name} of ${signature.label}`,
              span: written,
            })
          : raw
    } catch (thrown) {
      value = recover(e, thrown, written)
    }
    if (value.kind === 'poison') faulty = true
    unifier.scope.bind(name, value, written, parameter.type)
    bound.set(name, { value, span: written })
  }
  if (faulty) return undefined
  finish(e, unifier)
  return bound
}

function assign(e: Elaboration, signature: Signature, given: readonly Given[]): Map<string, Given> {
  const assigned = new Map<string, Given>()
  const { parameters, label } = signature
  const open = () => parameters.find((p) => !assigned.has(p.name.name))
  let faulty = false
  for (const argument of given.filter((g) => g.name)) {
    const name = argument.name!.name
    if (!parameters.some((p) => p.name.name === name)) {
      const known = parameters.map((p) => p.name.name)
      fault(e, names.unknownArgument, {
        span: argument.name!.span,
        name,
        label,
        declared: signature.declared,
        known,
        suggestion: nearest(name, known),
      })
      faulty = true
    } else if (assigned.has(name)) {
      fault(e, names.argumentTwice, { span: argument.name!.span, name, label, first: assigned.get(name)!.span })
      faulty = true
    } else assigned.set(name, argument)
  }
  for (const argument of given.filter((g) => !g.name)) {
    const parameter = open()
    if (!parameter) {
      fault(e, names.tooManyArguments, {
        span: argument.span,
        label,
        declared: signature.declared,
        takes: parameters.length,
        given: given.length,
      })
      faulty = true
      break
    }
    assigned.set(parameter.name.name, argument)
  }
  if (faulty) throw new Reported()
  return assigned
}

function defaultValue(e: Elaboration, signature: Signature, parameter: Parameter, scope: Scope, span: Span): Value {
  if (parameter.default) return evaluate(e, parameter.default, scope)
  if (parameter.type?.optional) return none
  return fail(e, names.missingArgument, {
    span,
    label: signature.label,
    name: parameter.name.name,
    declared: parameter.span,
  })
}

/** Checks a result against its declared type and names the parts of a tuple. */
export function checkResult(
  e: Elaboration,
  unifier: Unifier,
  declared: ResultType | undefined,
  value: Value,
  span: Span,
  label: string,
  written = label,
): Value {
  if (!declared || value.kind === 'poison') return value
  const place = { role: 'result' as const, label, span }
  if (!declared.tuple && declared.parts.length === 1) {
    const [part] = declared.parts
    const accepted = accept(e, unifier, part!.type, value, place)
    finish(e, unifier)
    return traced(e, unifier, part!.type, accepted, written)
  }
  if (value.kind !== 'tuple' || value.parts.length !== declared.parts.length)
    return fail(e, shapes.wrongKind, {
      ...place,
      typeSpan: declared.span,
      expected: textOf(declared),
      given: describe(value),
    })
  const parts = declared.parts.map((part, i) => {
    const name = part.name?.name ?? value.parts[i]!.name
    const from = value.parts.find((p) => p.name !== undefined && p.name === part.name?.name) ?? value.parts[i]!
    return { name, value: accept(e, unifier, part.type, from.value, place), type: part.type }
  })
  finish(e, unifier)
  return {
    kind: 'tuple',
    parts: parts.map(({ name, type, value: part }) => ({ name, value: traced(e, unifier, type, part, written) })),
  }
}

/** An axis that the result's type names by a hyperparameter or an expression comes from there. */
function traced(
  e: Elaboration,
  unifier: Unifier,
  type: ResultType['parts'][number]['type'],
  value: Value,
  label: string,
): Value {
  if (value.kind !== 'tensor' || !type.dims || type.dims.some((d) => d.kind === 'rest' && type.dims!.indexOf(d) !== 0))
    return value
  const fromEnd = value.node.shape.length - type.dims.length
  const sources = value.node.shape.map((_, axis) => {
    const pattern = type.dims![axis - fromEnd]
    if (pattern?.kind !== 'dim' || axis < fromEnd) return undefined
    const { value: size } = pattern
    if (size.kind !== 'name') return { span: size.span, text: `\`${label}\`` }
    if (unifier.variables.has(size.name)) return undefined
    const found = unifier.scope.find(size.name)
    return found?.kind === 'value' && found.span ? { span: found.span, text: `\`${label}\`` } : undefined
  })
  if (sources.some((s) => s)) setDimSources(e, value.node, sources)
  return tensor(value.node)
}
