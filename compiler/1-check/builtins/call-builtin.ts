/** Applies a builtin function to arguments: each goes to its parameter by position or name, as for any function. */
import type { Span } from '../../../grammar/source.ts'
import * as names from '../../diagnostics/names.ts'
import { nearest } from '../../diagnostics/near.ts'
import { type Elaboration, fault, Reported } from '../elaboration.ts'
import { tellSwapped } from '../swapped.ts'
import { type Given, isCallable, poison, type Value } from '../value.ts'
import { type Assigned, type Builtin, BuiltinCall, parametersOf } from './builtin.ts'

export function callBuiltin(e: Elaboration, builtin: Builtin, given: readonly Given[], span: Span): Value {
  const assigned = assign(e, builtin, given, span)
  if (!assigned) return poison
  if (given.some((g) => g.value.kind === 'poison')) return poison
  const before = e.sink.diagnostics.length
  try {
    return builtin.apply(new BuiltinCall(e, builtin, span, assigned))
  } catch (thrown) {
    if (!(thrown instanceof Reported)) throw thrown
    // What a function or layer does when it is run again is there afterwards.
    if (!given.some(({ value }) => isCallable(value)))
      tellSwapped(e, {
        label: builtin.name,
        span,
        given,
        before,
        assigned: assigned.values,
        run: (e, exchanged) => {
          const again = assign(e, builtin, exchanged, span)
          if (again) builtin.apply(new BuiltinCall(e, builtin, span, again))
        },
      })
    throw thrown
  }
}

const noMore: readonly Given[] = []

function assign(e: Elaboration, builtin: Builtin, given: readonly Given[], span: Span): Assigned | undefined {
  const parameters = parametersOf(builtin)
  const values = new Map<string, Given>()
  // The plainest call, and by far the most frequent: every parameter has its argument, in order.
  if (given.length === parameters.length && parameters.every((p, i) => !p.many && !given[i]!.name)) {
    for (const [i, parameter] of parameters.entries()) values.set(parameter.name, given[i]!)
    return { values, more: noMore }
  }
  const more: Given[] = []
  const single = parameters.filter((p) => !p.many)
  const known = single.map((p) => p.name)
  const label = builtin.name
  for (const argument of given.filter((g) => g.name)) {
    const name = argument.name!.name
    if (values.has(name))
      return void fault(e, names.argumentTwice, {
        span: argument.name!.span,
        name,
        label,
        first: values.get(name)!.span,
      })
    if (known.includes(name)) values.set(name, argument)
    else if (parameters.some((p) => p.many === 'named')) more.push(argument)
    else
      return void fault(e, names.unknownArgument, {
        span: argument.name!.span,
        name,
        label,
        declared: undefined,
        known,
        suggestion: nearest(name, known),
      })
  }
  for (const argument of given.filter((g) => !g.name)) {
    const parameter = single.find((p) => !values.has(p.name))
    if (parameter) values.set(parameter.name, argument)
    else if (parameters.some((p) => p.many === 'positional')) more.push(argument)
    else
      return void fault(e, names.tooManyArguments, {
        span: argument.span,
        label,
        declared: undefined,
        takes: single.length,
        given: given.length,
      })
  }
  for (const parameter of single) {
    if (values.has(parameter.name)) continue
    if (parameter.default === undefined)
      return void fault(e, names.missingArgument, {
        span,
        label,
        name: parameter.name,
        declared: undefined,
        signature: builtin.signature,
      })
    values.set(parameter.name, { name: undefined, value: parameter.default, span })
  }
  return { values, more }
}
