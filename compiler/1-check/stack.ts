/**
 * `block = EncoderBlock(…) * 12`, called → one scan over the layers. The recipe is run once, over a stand-in for the value
 * that goes from layer to layer; what each layer has for itself (parameters and states) is one tensor for all
 * layers, of which a turn sees its own part.
 *
 *     x → block[0] → … → block[11] → y        after: y = scan over 12 layers, each parameter a stack [12, …]
 *
 * That takes layers that are alike: the value keeps its type. Where they are not, or a layer is asked for by itself, the
 * elaboration begins again with this stack written out.
 */
import type { Span } from '../../grammar/source.ts'
import { dim, one, zero } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import type { CarryPort } from '../program.ts'
import type { Elaboration } from './elaboration.ts'
import { build, emit, reshape, sameShape } from './emit.ts'
import type { Instance } from './instance.ts'
import { dimSource, setDimSources } from './provenance.ts'
import type { OpenScan } from './scan.ts'
import { type Given, tensor, type Value } from './value.ts'

/**
 * Layers up to which a stack is written out: what fuses across a layer's border, and attention that never stores its scores,
 * are then worth more than what is shared.
 */
const fewLayers = 24

/** Which stacks are folded: those that gain by it, those of more than so many layers, or, where only faults are looked for, all. */
export type Folding = 'deep' | 'all' | 'none' | number

/** Begins the elaboration again with one more stack written out. */
export class Unfoldable extends Error {
  readonly path: string
  constructor(path: string) {
    super()
    this.path = path
  }
}

/** A stack whose layers are being run: all at once in a scan, or one after another. */
export interface OpenStack {
  readonly count: number
  /** The scan over all layers, or the number of the one that is being run. */
  readonly turn: OpenScan | number
}

export const isFolded = (e: Elaboration, path: string, count: number): boolean =>
  e.builder !== undefined &&
  e.test === undefined &&
  folds(e.folding, count) &&
  !e.unrolled.has(path) &&
  e.scans.every(({ layers }) => layers)

/** How many layers the one that is being run stands for. */
export const layersAround = (e: Elaboration): number =>
  e.stacks.reduce((layers, { count, turn }) => (typeof turn === 'number' ? layers : layers * count), 1)

/** `encoder.block[0..12]`: all layers of a stack. */
export const templatePath = (path: string, count: number): string => `${path}[0..${count}]`

/** Whether a stack of so many layers is folded. */
export const folds = (folding: Folding, count: number): boolean =>
  folding !== 'none' && count > (folding === 'all' ? 1 : folding === 'deep' ? fewLayers : folding)

/** Runs the recipe for all layers; `call` makes the layer that stands for them and calls it. */
export function foldStack(
  e: Elaboration,
  instance: Instance,
  count: number,
  [first, ...rest]: readonly [Given, ...Given[]],
  span: Span,
  call: (given: readonly Given[]) => { readonly value: Value; readonly layers: readonly Instance[] },
): Value {
  const unfoldable = () => new Unfoldable(instance.path)
  if (first.value.kind !== 'tensor') throw unfoldable()
  const initial = first.value.node
  const carried = leaf(e, initial, 0)
  const path = templatePath(instance.path, count)
  e.shallowest = Math.min(e.shallowest, count)
  const scan: OpenScan = {
    span,
    length: dim(count),
    elements: [],
    carries: new Map(),
    yields: new Map(),
    layers: { path, count },
  }
  const firstExposed = e.exposed.length
  const firstCarry = e.carries.length
  e.scans.push(scan)
  e.stacks.push({ count, turn: scan })
  let called: ReturnType<typeof call>
  try {
    called = call([{ ...first, value: tensor(carried) }, ...rest])
  } finally {
    e.scans.pop()
    e.stacks.pop()
  }
  const { value, layers } = called
  if (value.kind !== 'tensor' || value.node.dtype !== initial.dtype || !sameShape(value.node.shape, initial.shape))
    throw unfoldable()
  const next = value.node
  const states = layers.flatMap((layer) => [...layer.states.values()]).filter((state) => state.next)
  const exposed = e.exposed.splice(firstExposed)
  carriesOfLayers(e, e.carries.splice(firstCarry), path, instance.path, count)
  let results: readonly Node[] = []
  build(e, [initial], (b) => {
    results = b.scan({
      length: scan.length,
      reverse: false,
      layers: true,
      elements: scan.elements,
      carries: [{ leaf: carried, initial, next }],
      yields: [...states.map((state) => state.next!), ...exposed.map(({ node }) => node)],
    })
    return results[0]!
  })
  const [last, ...yielded] = results as readonly [Node, ...Node[]]
  setDimSources(e, last, sourcesOf(e, next, 0))
  for (const [i, state] of states.entries()) {
    state.next = yielded[i]!
    state.current = yielded[i]!
  }
  for (const [i, { name, node, span: at }] of exposed.entries()) {
    const all = yielded[states.length + i]!
    for (let turn = 0; turn < count; turn++) {
      const own = part(e, all, turn)
      setDimSources(e, own, sourcesOf(e, node, 0))
      e.exposed.push({ name: name.replace(path, `${instance.path}[${turn}]`), node: own, span: at })
    }
  }
  return tensor(last)
}

/** Carries of recurrences in the recipe: each layer's by its name, all of them parts of one. */
function carriesOfLayers(e: Elaboration, carries: readonly CarryPort[], path: string, stack: string, count: number) {
  const widened = new Map(
    carries.map(({ target }) => [target, { ...target, shape: [dim(count), ...target.shape] }] as const),
  )
  for (const port of carries)
    for (let turn = 0; turn < count; turn++)
      e.carries.push({
        ...port,
        name: port.name.replace(path, `${stack}[${turn}]`),
        target: widened.get(port.target)!,
        layers: [turn, ...port.layers],
      })
}

/** Runs layers one after another; they draw the random numbers that they draw in a scan. */
export function eachLayer(e: Elaboration, count: number, run: (turn: number) => void): void {
  const first = e.randomSites
  let last = first
  for (let turn = 0; turn < count; turn++) {
    e.randomSites = first
    e.stacks.push({ count, turn })
    try {
      run(turn)
    } finally {
      e.stacks.pop()
      last = Math.max(last, e.randomSites)
    }
  }
  e.randomSites = last
}

/** The scans over layers that something with this path is part of, outermost first. */
export const stacksAround = (e: Elaboration, path: string): readonly OpenScan[] =>
  e.scans.filter(({ layers }) => layers && path.startsWith(layers.path))

/** A turn's part of what all layers have: one stand-in, however often it is asked for. */
export function ownPart(e: Elaboration, scan: OpenScan, all: Node): Node {
  const known = scan.elements.find(({ stack }) => stack === all)
  if (known) return known.leaf
  const made = leaf(e, all, 1)
  scan.elements.push({ leaf: made, stack: all })
  return made
}

/** A stream of random numbers: the number of the place, and in a scan over layers what the layer adds to it. */
export interface Site {
  readonly site: number
  readonly layer: Node | undefined
}

/** The next place that draws random numbers. It has a stream for each layer of the stacks around. */
export function nextSite(e: Elaboration): Site {
  const first = e.randomSites
  e.randomSites += e.stacks.reduce((streams, { count }) => streams * count, 1)
  let site = 0
  let layer: Node | undefined
  for (const { count, turn } of e.stacks) {
    const outer = layer && times(e, layer, count)
    site *= count
    if (typeof turn === 'number') {
      site += turn
      layer = outer
    } else {
      const own = ownPart(e, turn, emit(e, 'iota', [], { shape: [dim(count)], axis: 0 }))
      layer = outer ? build(e, [], (b) => b.add(outer, own)) : own
    }
  }
  return { site: first + site, layer }
}

const times = (e: Elaboration, node: Node, factor: number): Node => build(e, [], (b) => b.mul(node, factor))

function part(e: Elaboration, all: Node, turn: number): Node {
  const [, ...shape] = all.shape
  const own = build(e, [all], (b) => b.slice(all, [dim(turn), ...shape.map(() => zero)], [one, ...shape]))
  return reshape(e, own, shape)
}

/** A stand-in of the node's type without its first axes. */
function leaf(e: Elaboration, like: Node, from: 0 | 1): Node {
  const made = build(e, [], (b) => b.bound(like.shape.slice(from), like.dtype))
  setDimSources(e, made, sourcesOf(e, like, from))
  return made
}

const sourcesOf = (e: Elaboration, node: Node, from: 0 | 1) =>
  node.shape.slice(from).map((_, axis) => dimSource(e, node, axis + from))
