/**
 * `norm2(x)` after `norm1(x)`, where only faults are looked for → what the first call came to, without running it again:
 * a call that had no fault has none with arguments of the same types and static values.
 *
 *     float[batch, T, 64] → Linear(64) → float[batch, T, 64]      after: a new leaf of that type, and the layer's parameters
 *
 * What it came to is kept as long as the declaration lives, so a check after an edit runs little of the library again. A
 * graph made so is no program: it is asked for types, parameters and what lies behind a value, and whatever is found at
 * fault is looked for once more in full, so that it reads the same.
 */
import type { FunctionDeclaration, ModuleDeclaration } from '../../grammar/ast.ts'
import type { Dim } from '../ir/dim.ts'
import type { DType, Node } from '../ir/graph.ts'
import { argumentsKey, valueKey } from './arguments-key.ts'
import { type Elaboration, inFrame, makeFrame, step } from './elaboration.ts'
import type { Instance } from './instance.ts'
import { Scope } from './scope.ts'
import { type Given, tensor, type Value } from './value.ts'
import { type Declared, redeclare } from './variables.ts'

/** What a call came to. */
interface Outcome {
  readonly result: Result
  /** Parameters that it declared, and by which names one gets from the layer called to their owner. */
  readonly variables: readonly { readonly way: readonly string[]; readonly declared: Declared }[]
  readonly requirements: Elaboration['requirements']
  /** Steps, nodes, places that draw random numbers, and calls within it: they count again, so that limits hold. */
  readonly steps: number
  readonly nodes: number
  readonly randomSites: number
  readonly depth: number
  readonly asksTraining: boolean
  readonly faultsDependOnTraining: boolean
}

type Result =
  /** One of the tensors given. */
  | { readonly kind: 'given'; readonly index: number }
  | { readonly kind: 'tensor'; readonly shape: readonly Dim[]; readonly dtype: DType }
  | {
      readonly kind: 'tuple'
      readonly parts: readonly { readonly name: string | undefined; readonly result: Result }[]
    }
  | { readonly kind: 'static'; readonly value: Value }

const outcomes = new WeakMap<FunctionDeclaration | ModuleDeclaration, Map<string, Outcome>>()
let runsAll = false

/** Something in which no call is left out: what is found then is what must be found. */
export function runningEveryCall<Result>(run: () => Result): Result {
  runsAll = true
  try {
    return run()
  } finally {
    runsAll = false
  }
}

/** Outcomes kept of one declaration. */
const most = 256
/** Calls around and within, up to which the limit on them is out of sight. */
const shallow = 64

/** The call of a function that is given a tensor. */
export function abridgedFunction(
  e: Elaboration,
  declaration: FunctionDeclaration,
  given: readonly Given[],
  run: () => Value,
): Value {
  if (!applies(e) || !given.some(({ value }) => value.kind === 'tensor')) return run()
  const { children, parameters } = e.frame.owner
  const [layers, variables] = [children.size, parameters.size]
  const unchanged = () => children.size === layers && parameters.size === variables
  return abridged(e, declaration, argumentsKey(given), given, { training: false, within: undefined, unchanged }, run)
}

/** The first call of a layer. */
export function abridgedLayer(
  e: Elaboration,
  instance: Instance,
  declaration: ModuleDeclaration,
  given: readonly Given[],
  run: () => Value,
): Value {
  if (!applies(e) || instance.results !== undefined) return run()
  const own = blueprintKey(instance)
  const args = own === undefined ? undefined : argumentsKey(given)
  const size = args === undefined ? undefined : untouched(instance)
  if (size === undefined) return run()
  const unchanged = () => untouched(instance, true) === size
  const training = instance.asksTraining
  return abridged(e, declaration, `${own}|${args}`, given, { training, within: instance, unchanged }, run)
}

/** A recurrence's body is left alone: there are rules of its own for what its steps may do. */
const applies = (e: Elaboration): boolean =>
  e.abridges && !runsAll && e.frame.kind !== 'static' && e.scans.every(({ layers }) => layers)

interface Callee {
  /** Whether it may be another in training before it asks. */
  readonly training: boolean
  readonly within: Instance | undefined
  /** Whether the call made nothing that an outcome does not tell of. */
  readonly unchanged: () => boolean
}

function abridged(
  e: Elaboration,
  declaration: FunctionDeclaration | ModuleDeclaration,
  args: string | undefined,
  given: readonly Given[],
  callee: Callee,
  run: () => Value,
): Value {
  if (args === undefined) return run()
  const key = `${e.scans.length} ${args}`
  const inThisMode = `${e.training} ${key}`
  let known = outcomes.get(declaration)
  const outcome =
    (callee.training ? undefined : known?.get(key)) ?? known?.get(inThisMode) ?? withoutTraining(e, callee, known, key)
  if (outcome && e.calls.length + outcome.depth <= shallow) return replay(e, outcome, given, callee.within)
  const { value, outcome: made } = record(e, given, callee, run)
  if (!made) return value
  if (!known) {
    known = new Map()
    outcomes.set(declaration, known)
  }
  if (known.size >= most) known.delete(known.keys().next().value!)
  known.set(made.asksTraining || callee.training ? inThisMode : key, made)
  return value
}

/** Of a call that asks whether it is training in the library alone: then it has the same types and no faults (`asksTraining`). */
function withoutTraining(
  e: Elaboration,
  callee: Callee,
  known: ReadonlyMap<string, Outcome> | undefined,
  key: string,
): Outcome | undefined {
  if (!e.training || callee.training) return undefined
  const outcome = known?.get(`false ${key}`)
  if (!outcome || outcome.faultsDependOnTraining) return undefined
  e.presumed = true
  return outcome
}

function record(
  e: Elaboration,
  given: readonly Given[],
  { within, unchanged }: Callee,
  run: () => Value,
): { readonly value: Value; readonly outcome: Outcome | undefined } {
  const outer = {
    requirements: e.requirements.splice(0),
    dependsOnTraining: e.dependsOnTraining,
    faultsDependOnTraining: e.faultsDependOnTraining,
    deepest: e.deepest,
  }
  const [steps, nodes, randomSites, declared] = [e.steps, nodesOf(e), e.randomSites, e.declared.length]
  e.dependsOnTraining = false
  e.faultsDependOnTraining = false
  e.deepest = e.calls.length
  let value: Value
  let own: Omit<Outcome, 'result' | 'variables'>
  try {
    value = run()
  } finally {
    own = {
      requirements: e.requirements.splice(0),
      steps: e.steps - steps,
      nodes: nodesOf(e) - nodes,
      randomSites: e.randomSites - randomSites,
      depth: e.deepest - e.calls.length,
      asksTraining: e.dependsOnTraining,
      faultsDependOnTraining: e.faultsDependOnTraining,
    }
    e.requirements.push(...outer.requirements)
    requireAll(e, own.requirements)
    e.dependsOnTraining ||= outer.dependsOnTraining
    e.faultsDependOnTraining ||= outer.faultsDependOnTraining
    e.deepest = Math.max(e.deepest, outer.deepest)
  }
  const result = e.sink.diagnostics.length === 0 && unchanged() ? resultOf(value, tensorsIn(given)) : undefined
  const ways = e.declared.slice(declared).map(({ owner, ...each }) => ({ way: wayTo(within, owner), declared: each }))
  const variables = ways.flatMap(({ way, declared: each }) => (way ? [{ way, declared: each }] : []))
  return { value, outcome: result && variables.length === ways.length ? { ...own, result, variables } : undefined }
}

function replay(e: Elaboration, outcome: Outcome, given: readonly Given[], within: Instance | undefined): Value {
  step(e, e.trail.at(-1)!, outcome.steps)
  e.abridged = true
  e.spared += outcome.nodes
  e.randomSites += outcome.randomSites
  e.deepest = Math.max(e.deepest, e.calls.length + outcome.depth)
  e.dependsOnTraining ||= outcome.asksTraining
  e.faultsDependOnTraining ||= outcome.faultsDependOnTraining
  requireAll(e, outcome.requirements)
  for (const { way, declared } of outcome.variables) {
    const owner = way.reduce((layer, name) => layer.children.get(name)!, within!)
    inFrame(e, makeFrame('forward', owner), () => redeclare(e, declared, new Scope(undefined)))
  }
  const nodes = tensorsIn(given)
  const value = remade(e, outcome.result, nodes)
  if (within) called(within)
  return value
}

const nodesOf = (e: Elaboration): number => e.builder!.asked + e.spared

function requireAll(e: Elaboration, requirements: Elaboration['requirements']): void {
  for (const each of requirements)
    if (!e.requirements.some((known) => known.size === each.size)) e.requirements.push(each)
}

/** Layers at and below one of which nothing was called, that is no stack and has no state; `undefined` where that is not so. */
export function untouched(instance: Instance, after = false): number | undefined {
  const { blueprint, states, templates, children, results } = instance
  if (blueprint.kind !== 'module' || states.size > 0 || templates.length > 0 || (!after && results)) return undefined
  let size = 1
  for (const child of children.values()) {
    const below = untouched(child, after)
    if (below === undefined) return undefined
    size += below
  }
  return size
}

/** A second call of it, or of a layer below, is run in full. */
function called(instance: Instance): void {
  instance.results ??= []
  for (const child of instance.children.values()) called(child)
}

/** A path is that of the layer around, a dot, and a name: of layers that are no stacks, which are all there are here. */
export function wayTo(from: Instance | undefined, to: Instance): readonly string[] | undefined {
  if (from === to) return []
  return from && to.path.startsWith(`${from.path}.`) ? to.path.slice(from.path.length + 1).split('.') : undefined
}

const keys = new WeakMap<object, { readonly key: string | undefined }>()
function blueprintKey({ blueprint }: Instance): string | undefined {
  if (blueprint.kind !== 'module') return undefined
  const known = keys.get(blueprint)
  if (known) return known.key
  let key: string | undefined = ''
  for (const { value } of blueprint.arguments.values()) {
    const part = value.kind === 'tensor' ? undefined : valueKey(value)
    key = part === undefined || key === undefined ? undefined : `${key}${part},`
  }
  keys.set(blueprint, { key })
  return key
}

function tensorsIn(given: readonly Given[]): readonly Node[] {
  const all = (value: Value): readonly Node[] =>
    value.kind === 'tensor' ? [value.node] : value.kind === 'tuple' ? value.parts.flatMap((p) => all(p.value)) : []
  return given.flatMap(({ value }) => all(value))
}

function resultOf(value: Value, given: readonly Node[]): Result | undefined {
  switch (value.kind) {
    case 'tensor': {
      const index = given.indexOf(value.node)
      return index >= 0
        ? { kind: 'given', index }
        : { kind: 'tensor', shape: value.node.shape, dtype: value.node.dtype }
    }
    case 'tuple': {
      const parts = value.parts.flatMap((part) => {
        const result = resultOf(part.value, given)
        return result ? [{ name: part.name, result }] : []
      })
      return parts.length === value.parts.length ? { kind: 'tuple', parts } : undefined
    }
    case 'number':
    case 'dim':
    case 'bool':
    case 'string':
    case 'none':
      return { kind: 'static', value }
    default:
      return undefined
  }
}

function remade(e: Elaboration, result: Result, given: readonly Node[]): Value {
  switch (result.kind) {
    case 'given':
      return tensor(given[result.index]!)
    case 'static':
      return result.value
    case 'tuple':
      return { kind: 'tuple', parts: result.parts.map((p) => ({ name: p.name, value: remade(e, p.result, given) })) }
    case 'tensor': {
      const node = e.builder!.bound(result.shape, result.dtype)
      e.behind.set(node, given)
      return tensor(node)
    }
    default:
      return result satisfies never
  }
}
