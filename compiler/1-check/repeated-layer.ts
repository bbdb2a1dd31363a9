/**
 * The layers of a stack that is written out do alike. They are run until two that follow each other asked for the same nodes in
 * the same order, but for their names, their input and their streams of random numbers; each further one asks for those of the
 * layer before it, without being run.
 *
 *     x₀ → block[0] → x₁ → block[1] → x₂ → …        after: block[2] = block[1] with x₂ for x₁ and `block[2].…` for `block[1].…`
 *
 * What a layer asks for could depend on how its input was made, but no further back than over a layer of the stack: of two alike
 * layers the second one saw the first, and so does each that follows. Whatever is found at fault is looked for once more with all layers run.
 */
import { sameDims } from '../ir/dim.ts'
import type { Node, Origin } from '../ir/graph.ts'
import type { GraphBuilder } from '../ops/builder.ts'
import { isSame } from '../ops/interning.ts'
import type { Asked } from '../ops/node-table.ts'
import { untouched, wayTo } from './abridged-call.ts'
import { type Elaboration, step } from './elaboration.ts'
import { refuse } from './emit.ts'
import type { Instance } from './instance.ts'
import { tree } from './layers.ts'
import { tensor, type Value } from './value.ts'
import type { Declared } from './variables.ts'

/** What running a layer came to. */
interface Run {
  readonly turn: number
  readonly layer: Instance
  /** Layers at and below it. */
  readonly size: number
  readonly input: Node
  readonly result: Node
  readonly asked: readonly Asked[]
  readonly declared: readonly (Declared & { readonly owner: Instance })[]
  readonly exposed: Elaboration['exposed']
  readonly steps: number
  readonly lastSite: number
}

/** Runs the layers one after another, or repeats what the last one did. */
export function layerByLayer(e: Elaboration, layers: readonly Instance[]) {
  let last: Run | undefined
  let areAlike = false
  return (turn: number, input: Value, run: () => Value): Value => {
    const layer = layers[turn]!
    if (!e.repeats || e.scans.length > 0 || layers.length < 3 || input.kind !== 'tensor') return run()
    if (last && areAlike && sameType(input.node, last.input) && untouched(layer) === last.size)
      try {
        return tensor(repeated(e, last, layer, turn, input.node))
      } catch (thrown) {
        return refuse(e, thrown)
      }
    const [value, made] = recorded(e, layer, turn, input.node, run)
    areAlike = last !== undefined && made !== undefined && alike(last, made)
    last = made
    return value
  }
}

const sameType = (a: Node, b: Node): boolean => a.dtype === b.dtype && sameDims(a.shape, b.shape)

/** With what it came to, where that is all that it did. */
function recorded(
  e: Elaboration,
  layer: Instance,
  turn: number,
  input: Node,
  run: () => Value,
): readonly [Value, Run | undefined] {
  const size = untouched(layer)
  if (size === undefined || layer.faulty || !e.builder) return [run(), undefined]
  const { declared, exposed, requirements, carries, sink, scans, steps } = e
  const before = [requirements.length, carries.length, sink.diagnostics.length, scans.length]
  const [firstDeclared, firstExposed] = [declared.length, exposed.length]
  const { value, asked } = e.builder.asking(run)
  const after = [requirements.length, carries.length, sink.diagnostics.length, scans.length]
  if (value.kind !== 'tensor' || before.some((count, at) => count !== after[at]) || untouched(layer, true) !== size)
    return [value, undefined]
  return [
    value,
    {
      turn,
      layer,
      size,
      input,
      result: value.node,
      asked,
      declared: declared.slice(firstDeclared),
      exposed: exposed.slice(firstExposed),
      steps: e.steps - steps,
      lastSite: e.randomSites,
    },
  ]
}

/** Whether the second of two layers did what the first one did, of its own input and under its own name. */
function alike(first: Run, second: Run): boolean {
  const names = renaming(first.layer, second.layer)
  const nodes = new Map([[first.input, second.input]])
  const isOwn = (a: Node, b: Node): boolean => (nodes.get(a) ?? a) === b
  const [layers, others] = [tree(first.layer), tree(second.layer)]
  if (first.asked.length !== second.asked.length || first.lastSite !== second.lastSite || first.steps !== second.steps)
    return false
  for (const [at, a] of first.asked.entries()) {
    const b = second.asked[at]!
    const known = nodes.get(a.node)
    if (known ? known !== b.node : !isAlike(a.node, b.node, isOwn, names, second.turn - first.turn)) return false
    nodes.set(a.node, b.node)
    if (a.origins.length !== b.origins.length) return false
    if (!a.origins.every((origin, i) => sameOrigin(names.origin(origin), b.origins[i]!))) return false
  }
  return (
    isOwn(first.result, second.result) &&
    first.declared.length === second.declared.length &&
    first.declared.every((a, at) => sameDeclared(a, second.declared[at]!, names)) &&
    first.exposed.length === second.exposed.length &&
    first.exposed.every((a, at) => {
      const b = second.exposed[at]!
      return names.text(a.name) === b.name && isOwn(a.node, b.node) && a.span === b.span
    }) &&
    layers.every(({ results = [] }, at) => {
      const own = others[at]!.results ?? []
      return results.length === own.length && results.every((node, i) => isOwn(node, own[i]!))
    })
  )
}

function isAlike(a: Node, b: Node, isOwn: (a: Node, b: Node) => boolean, names: Renaming, turns: number): boolean {
  if (a.op !== b.op || !sameType(a, b) || a.operands.length !== b.operands.length) return false
  if (!a.operands.every((operand, at) => isOwn(operand, b.operands[at]!))) return false
  const [one, other] = [a.attributes, b.attributes]
  if ('path' in one && 'path' in other) return names.text(one.path) === other.path
  if ('stream' in one && 'stream' in other) return one.stream + turns === other.stream
  return a === b || (a.operands.length > 0 && isSame(b, a.op, b.operands, a.attributes))
}

const sameOrigin = (a: Origin, b: Origin): boolean => a.span === b.span && a.path === b.path && a.role === b.role

function sameDeclared(a: Run['declared'][number], b: Run['declared'][number], names: Renaming): boolean {
  return (
    a.statement === b.statement &&
    a.name === b.name &&
    a.dtype === b.dtype &&
    sameDims(a.dims, b.dims) &&
    JSON.stringify(a.initial) === JSON.stringify(b.initial) &&
    names.text(a.owner.path) === b.owner.path
  )
}

/** What stands in the path of one layer, and in the paths below it, in that of another. */
interface Renaming {
  readonly text: (path: string) => string
  readonly origin: (origin: Origin) => Origin
}

function renaming(from: Instance, to: Instance): Renaming {
  const text = (path: string): string =>
    path === from.path || path.startsWith(`${from.path}.`) ? to.path + path.slice(from.path.length) : path
  return {
    text,
    origin: (origin) => {
      const path = text(origin.path)
      return path === origin.path ? origin : { ...origin, path }
    },
  }
}

/** A further layer, of which everything is known. */
function repeated(e: Elaboration, known: Run, layer: Instance, turn: number, input: Node): Node {
  const builder = e.builder!
  const names = renaming(known.layer, layer)
  const nodes = new Map([[known.input, input]])
  const own = (node: Node): Node => nodes.get(node) ?? node
  step(e, e.trail.at(-1)!, known.steps)
  e.randomSites = known.lastSite
  let [before, origins]: (readonly Origin[])[] = [none, none]
  for (const { node, origins: from } of known.asked) {
    if (from !== before) {
      before = from
      origins = from.map(names.origin)
    }
    const made = builder.withOrigin(origins, () =>
      again(builder, node, node.operands.map(own), names, turn - known.turn),
    )
    nodes.set(node, made)
    const sources = e.dimSources.get(node)
    if (sources && !e.dimSources.has(made)) e.dimSources.set(made, sources)
  }
  for (const declared of known.declared) {
    const owner = wayTo(known.layer, declared.owner)!.reduce((at, name) => at.children.get(name)!, layer)
    const variable = declared.owner.parameters.get(declared.name)!
    const leaf = own(variable.leaf)
    owner.parameters.set(declared.name, { ...variable, path: names.text(variable.path), node: leaf, leaf })
    e.declared.push({ ...declared, owner })
  }
  for (const { name, node, span } of known.exposed) e.exposed.push({ name: names.text(name), node: own(node), span })
  const others = tree(known.layer)
  for (const [at, each] of tree(layer).entries()) each.results = others[at]!.results?.map(own)
  return own(known.result)
}
const none: readonly Origin[] = []

/** A layer's own leaves say whose they are. */
function again(b: GraphBuilder, node: Node, operands: readonly Node[], names: Renaming, turns: number): Node {
  const { op, attributes } = node
  if ('path' in attributes) return b.node(op, operands, { ...attributes, path: names.text(attributes.path) } as never)
  if ('stream' in attributes) return b.node(op, operands, { ...attributes, stream: attributes.stream + turns } as never)
  return b.copy(node, operands)
}
