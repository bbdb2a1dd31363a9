/** `image |> conv |> relu |> Linear(10)`: a value goes through stages; a stage that is a recipe becomes a layer here. */
import type { Expression, Stage } from '../../grammar/ast.ts'
import type { Span } from '../../grammar/source.ts'
import * as names from '../diagnostics/names.ts'
import { call, configure } from './call.ts'
import { at, type Elaboration, fail } from './elaboration.ts'
import { condition, evaluate, evaluateCallee, givens, live, recover } from './expression.ts'
import type { Blueprint } from './instance.ts'
import { callLayer, instantiate, instantiateAnonymous } from './layers.ts'
import type { Scope } from './scope.ts'
import { describe, type Given, poison, type Value } from './value.ts'

export function pipeline(e: Elaboration, expression: Expression & { kind: 'pipeline' }, scope: Scope): Value {
  const input = evaluate(e, expression.input, scope)
  return runStages(e, expression.stages, { name: undefined, value: input, span: expression.input.span }, [], scope)
}

/** `rest` are further arguments of a chain: they go to each stage that is a layer taking them. */
export function runStages(
  e: Elaboration,
  stages: readonly Stage[],
  input: Given,
  rest: readonly Given[],
  scope: Scope,
): Value {
  let current = input
  for (const stage of stages) {
    const value = at(e, stage.span, () => {
      try {
        return apply(e, stage.value, stage.name, current, rest, scope)
      } catch (thrown) {
        return recover(e, thrown, stage.span)
      }
    })
    current = { name: undefined, value, span: joined(current.span, stage.span) }
  }
  return current.value
}

/** The span of everything piped so far, as the place of the next stage's input. */
function joined(a: Span, b: Span): Span {
  return a.source === b.source && a.start <= b.end ? { source: a.source, start: a.start, end: b.end } : b
}

function apply(
  e: Elaboration,
  stage: Expression,
  name: Stage['name'],
  input: Given,
  rest: readonly Given[],
  scope: Scope,
): Value {
  if (stage.kind === 'conditional')
    return apply(e, condition(e, stage.condition, scope) ? stage.then : stage.else, name, input, rest, scope)
  const [callee, args] =
    stage.kind === 'call'
      ? [live(evaluateCallee(e, stage.callee, scope)), givens(e, stage.arguments, scope)]
      : [live(evaluate(e, stage, scope)), []]
  const blueprint = recipe(e, callee, args, stage)
  if (blueprint) {
    const instance = name
      ? instantiate(e, name.name, blueprint, stage.span)
      : instantiateAnonymous(e, blueprint, stage.span)
    const extra = callee.kind === 'blueprint' && stage.kind === 'call' ? args : rest
    return input.value.kind === 'poison' ? poison : callLayer(e, instance, [input, ...extra], stage.span)
  }
  if (name) return fail(e, names.stageNamed, { span: name.span, given: describe(callee) })
  if (callee.kind === 'none') return input.value
  if (input.value.kind === 'poison') return poison
  // `rest` reaches layers alone: a function in a chain takes the threaded value and what it is written with.
  return call(e, callee, [input, ...args, ...(callee.kind === 'layer' ? rest : [])], stage.span)
}

/** The layer that a stage makes, where it makes one. */
function recipe(e: Elaboration, callee: Value, args: readonly Given[], stage: Expression): Blueprint | undefined {
  if (callee.kind === 'module') return configure(e, callee, args, stage.span)
  return callee.kind === 'blueprint' ? callee.blueprint : undefined
}
