/**
 * `sinusoidal_waves(512, 10000)`, called from every layer of every preset → run once. A function of the file or the
 * library whose arguments and result are plain numbers, words and lists is remembered with what it cost, as long as its
 * declaration lives; what draws random numbers, asks whether it is training, exposes or complains is run each time.
 */
import type { FunctionDeclaration } from '../../grammar/ast.ts'
import type { Span } from '../../grammar/source.ts'
import { type Elaboration, step } from './elaboration.ts'
import type { Given, Value } from './value.ts'

interface Remembered {
  readonly value: Value
  /** Steps it took: they count again, so that limits do not depend on what ran before. */
  readonly steps: number
}

const results = new WeakMap<FunctionDeclaration, Map<string, Remembered>>()
/** Calls kept of one function, and letters of their arguments. */
const [mostCalls, longestKey] = [64, 256]

export function rememberedCall(
  e: Elaboration,
  declaration: FunctionDeclaration,
  given: readonly Given[],
  span: Span,
  run: () => Value,
): Value {
  const key = keyOf(given)
  if (key === undefined) return run()
  const known = results.get(declaration)?.get(key)
  if (known) {
    step(e, span, known.steps)
    return known.value
  }
  const { steps, randomSites, dependsOnTraining } = e
  const [faults, exposed] = [e.sink.diagnostics.length, e.exposed.length]
  e.dependsOnTraining = false
  let value: Value
  let asked = true
  try {
    value = run()
    asked = e.dependsOnTraining
  } finally {
    e.dependsOnTraining ||= dependsOnTraining
  }
  const pure =
    !asked && e.randomSites === randomSites && e.exposed.length === exposed && e.sink.diagnostics.length === faults
  if (!pure || !isPlain(value)) return value
  const calls = results.get(declaration) ?? new Map<string, Remembered>()
  results.set(declaration, calls)
  if (calls.size >= mostCalls) calls.delete(calls.keys().next().value!)
  calls.set(key, { value, steps: e.steps - steps })
  return value
}

/** The arguments as text; `undefined` where one is no number, truth value or word, or they are long. */
function keyOf(given: readonly Given[]): string | undefined {
  let key = ''
  for (const { name, value } of given) {
    switch (value.kind) {
      case 'number':
        key += `${name?.name ?? ''}:${value.integer ? 'int' : 'float'} ${Object.is(value.value, -0) ? '-0' : value.value};`
        break
      case 'bool':
      case 'string':
        key += `${name?.name ?? ''}:${JSON.stringify(value.value)};`
        break
      case 'none':
        key += `${name?.name ?? ''}:none;`
        break
      default:
        return undefined
    }
    if (key.length > longestKey) return undefined
  }
  return key
}

function isPlain(value: Value): boolean {
  switch (value.kind) {
    case 'number':
    case 'bool':
    case 'string':
    case 'none':
      return true
    case 'list':
      return value.items.every(isPlain)
    case 'tuple':
      return value.parts.every((part) => isPlain(part.value))
    default:
      return false
  }
}
