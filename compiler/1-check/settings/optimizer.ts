/** `adam(lr: 1e-3, beta2: 0.98) { "head.*": lr 1e-2 }` → the optimizer's module, its hyperparameters and its rates. */
import type { Expression, Setting } from '../../../grammar/ast.ts'
import { report } from '../../diagnostics/catalogue.ts'
import { nearest } from '../../diagnostics/near.ts'
import * as training from '../../diagnostics/training.ts'
import type { OptimizerDescription } from '../../program.ts'
import { type Environment, evaluateStatic, moduleArguments } from '../static.ts'
import { describe, type Value } from '../value.ts'
import { namedCall } from './kind.ts'
import { rate } from './schedules.ts'

/** What an optimizer's `forward` takes, in this order. */
const signature = ['param', 'grad', 'rate', 'step']

export function readOptimizer(setting: Setting, environment: Environment): OptimizerDescription | undefined {
  const expression = setting.values[0]!
  const call = namedCall(expression)
  const overrides = readOverrides(setting, environment)
  if (!call) return notOne(expression, 'this', environment)
  const value = found(call.name, environment)
  if (value?.kind !== 'module') return notOne(expression, value ? describe(value) : `\`${call.name}\``, environment)
  const { declaration } = value
  if (!isOptimizer(value)) return notOne(expression, describe(value), environment)

  // A second `lr` stays with the others, where it is an unknown name.
  const lr = call.arguments.find((argument) => argument.name?.name === 'lr')
  const others = call.arguments.filter((argument) => argument !== lr)
  const given = moduleArguments(declaration.parameters, others, environment, {
    label: call.name,
    declared: declaration.name.span,
    span: call.span,
  })
  if (!lr) {
    environment.sink.add(report(training.rateMissing, { span: call.span, name: call.name }))
    return undefined
  }
  const schedule = rate.read(lr.value, environment, '`lr`')
  if (!given || !schedule || !overrides) return undefined
  return { module: call.name, arguments: given, rate: schedule, overrides, span: expression.span }
}

function found(name: string, environment: Environment): Value | undefined {
  const binding = environment.scope.find(name)
  return binding?.kind === 'value' ? binding.value : undefined
}

function isOptimizer(value: Value): boolean {
  if (value.kind !== 'module') return false
  const parameters = value.declaration.forward?.parameters.map((p) => p.name.name) ?? []
  return parameters.length === signature.length && signature.every((name, i) => parameters[i] === name)
}

function notOne(expression: Expression, given: string, environment: Environment): undefined {
  if (expression.kind === 'error') return undefined
  const call = namedCall(expression)
  const known = [...new Set(environment.scope.visible())]
    .filter((name) => isOptimizer(found(name, environment) ?? { kind: 'none' }))
    .sort()
  // Something that is no call at all is evaluated, so that a fault inside it is the one reported.
  if (!call && evaluateStatic(expression, environment).kind === 'poison') return undefined
  environment.sink.add(
    report(training.notAnOptimizer, {
      span: call?.nameSpan ?? expression.span,
      given,
      known,
      suggestion: call && nearest(call.name, known),
    }),
  )
  return undefined
}

function readOverrides(setting: Setting, environment: Environment): OptimizerDescription['overrides'] | undefined {
  let faulty = false
  const overrides = setting.overrides.flatMap(({ pattern, changes }) =>
    changes.flatMap(({ name, value }) => {
      const schedule =
        name.name === 'lr' ? rate.read(value, environment, `\`lr\` of ${JSON.stringify(pattern.value)}`) : undefined
      if (name.name !== 'lr') {
        const known = ['lr']
        environment.sink.add(
          report(training.unknownChange, {
            span: name.span,
            name: name.name,
            known,
            suggestion: nearest(name.name, known),
          }),
        )
      }
      if (schedule) return [{ pattern: pattern.value, rate: schedule }]
      faulty = true
      return []
    }),
  )
  return faulty ? undefined : overrides
}
