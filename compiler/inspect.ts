/**
 * A compiled model → the facts that `dlmc inspect` shows: a table of layers, totals, the certified footprint, and the
 * dispatches of each entry with the lines that made them. Numbers only; the command line finds the words and columns.
 */
import type { CompiledProgram, DimValues, Dispatch, FootprintPart, Size } from '../runtime/abi.ts'
import { evaluate as evaluateSize } from '../runtime/size.ts'
import { add, type Bindings, type Dim, evaluate, scale, symbolsOf } from './ir/dim.ts'
import { type Node, nodesOf } from './ir/graph.ts'
import { opOf } from './ops/registry.ts'
import type { ModelGraph } from './program.ts'
import { countWithin, eachPath } from './stack-path.ts'

export interface LayerRow {
  readonly path: string
  readonly kind: string
  readonly depth: number
  /** Shapes of the results as text, symbolic and (where all dims are bound) in numbers. */
  readonly shapes: readonly string[]
  readonly sizes: readonly (readonly number[])[]
  readonly parameters: number
  /** Of products and convolutions alone, one per multiply-add, as layer tables count them. */
  readonly multiplyAdds: number
  readonly flops: number
  readonly flopsFormula: string
  /** float32 bytes of the results. */
  readonly outputBytes: number
}

export interface PartReport {
  readonly bytes: number
  readonly stagingBytes: number
  readonly arenas: readonly { readonly name: string; readonly bytes: number; readonly formula: string }[]
  readonly largestBinding: number
  readonly flops: number
  readonly bytesMoved: number
  readonly dispatches: number
  readonly pipelines: number
}

export interface DispatchRow {
  readonly label: string
  readonly flops: number
  readonly bytesMoved: number
  readonly workgroups: readonly number[]
  /** How often it runs in one run of the entry: once for each turn of the loops around it. */
  readonly repeats: number
  readonly origins: readonly string[]
  readonly stops: readonly string[]
}

export interface RecurrenceRow {
  /** Turns, and the kernels that do one: a recurrence in one kernel has one for all turns. */
  readonly turns: number
  readonly kernels: number
  /** All of its dispatches in one run. */
  readonly dispatches: number
  readonly origins: readonly string[]
  /** Why it is a loop of kernels; absent where one kernel does all turns. */
  readonly stop: string | undefined
}

export interface InspectReport {
  readonly model: string
  readonly documentation: string | undefined
  readonly dims: DimValues
  readonly layers: readonly LayerRow[]
  readonly parameters: { readonly total: number; readonly trainable: number; readonly bytes: number }
  readonly inference: PartReport
  readonly training: PartReport | undefined
  readonly entries: readonly {
    readonly name: string
    readonly dispatches: readonly DispatchRow[]
    readonly recurrences: readonly RecurrenceRow[]
  }[]
}

export function inspect(model: ModelGraph, program: CompiledProgram, dims: DimValues): InspectReport {
  const bindings: Bindings = new Map(Object.entries(dims))
  const count = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1)
  const total = model.parameters.reduce((sum, p) => sum + count(p.shape), 0)
  const trainable = program.parameters.filter((p) => p.trainable).reduce((sum, p) => sum + count(p.shape), 0)
  return {
    model: model.name,
    documentation: model.documentation,
    dims,
    layers: layerRows(model, bindings),
    parameters: { total, trainable, bytes: total * 4 },
    inference: partReport(program, program.footprint.inference, dims),
    training: program.footprint.training && partReport(program, program.footprint.training, dims),
    entries: program.entries.map(({ name, dispatches, recurrences = [] }) => ({
      name,
      recurrences: recurrences.map(({ first, end, count, origins, stop }) => ({
        turns: evaluateSize(count, dims),
        kernels: end - first,
        dispatches: runsOf(dispatches.slice(first, end), dims),
        origins,
        stop,
      })),
      dispatches: dispatches.map((d) => ({
        label: d.label,
        flops: evaluateSize(d.flops, dims),
        bytesMoved: evaluateSize(d.bytes, dims),
        workgroups: d.workgroups.map((w) => evaluateSize(w, dims)),
        repeats: runsOf([d], dims),
        origins: d.origins,
        stops: d.stops,
      })),
    })),
  }
}

function layerRows(model: ModelGraph, bindings: Bindings): LayerRow[] {
  const sizeOf = new Map(model.parameters.map((p) => [p.path, p.shape.reduce((a, b) => a * b, 1)]))
  const forward = worksOf([...model.outputs, ...(model.loss ? [{ node: model.loss }] : [])], model.origins)
  const value = (d: Dim) => ([...symbolsOf(d)].every((s) => bindings.has(s)) ? evaluate(d, bindings) : Number.NaN)
  return model.layers.map((layer) => {
    const own = forward.flatMap(({ node, runs, paths }) => {
      const times = Math.max(0, ...paths.map((path) => (countWithin(path, layer.path) * runs) / eachPath(path).length))
      return times > 0 ? [{ node, flops: scale(flopsOf(node), times) }] : []
    })
    const flops = add(...own.map((each) => each.flops))
    const products = add(...own.filter(({ node }) => opOf(node).lower.kind === 'contract').map((each) => each.flops))
    return {
      path: layer.path,
      kind: layer.kind,
      depth: layer.path.split(/[.[]/).length - 1,
      shapes: layer.results.map((node) => `[${node.shape.map((d) => d.key).join(', ')}]`),
      sizes: layer.results.map((node) => node.shape.map(value)),
      parameters: layer.parameters.reduce((sum, path) => sum + (sizeOf.get(path) ?? 0), 0),
      multiplyAdds: value(products) / 2,
      flops: value(flops),
      flopsFormula: flops.key,
      outputBytes: layer.results.reduce((sum, node) => sum + 4 * node.shape.map(value).reduce((a, b) => a * b, 1), 0),
    }
  })
}

const flopsOf = (node: Node): Dim => opOf(node).cost(node, node.attributes as never).flops

/** A node, how often it runs, and the paths of what made it; in the body of a folded stack these stand for all its layers. */
interface Work {
  readonly node: Node
  readonly runs: number
  readonly paths: readonly string[]
}

function worksOf(results: readonly { readonly node: Node }[], origins: ModelGraph['origins'], runs = 1): Work[] {
  return nodesOf(results).flatMap((node): Work[] => {
    if (node.op !== 'scan' || !node.attributes.layers)
      return [{ node, runs, paths: (origins.get(node) ?? []).map(({ path }) => path) }]
    const { body, length } = node.attributes
    const inside = [...body.next, ...body.yields].map((each) => ({ node: each }))
    return worksOf(inside, body.origins, runs * length.constant!)
  })
}

function partReport(program: CompiledProgram, part: FootprintPart, dims: DimValues): PartReport {
  const number = (size: Size) => evaluateSize(size, dims)
  // The first of a part's entries is the one that its operations are counted for.
  const measured = program.entries.find((e) => e.name === part.entries[0])!
  const bindings = program.entries
    .filter((e) => part.entries.includes(e.name))
    .flatMap((e) => e.dispatches.flatMap((d) => d.bindings))
  return {
    bytes: number(part.bytes),
    stagingBytes: number(part.staging),
    arenas: part.arenas.map((index) => {
      const arena = program.arenas[index]!
      return { name: arena.name, bytes: number(arena.bytes), formula: printSize(arena.bytes) }
    }),
    largestBinding: Math.max(0, ...bindings.map((b) => number(b.bytes))),
    flops: number(part.flops),
    bytesMoved: number(part.moved),
    dispatches: runsOf(measured.dispatches, dims),
    pipelines: part.pipelines,
  }
}

/** Dispatches as they run, those in loops once for each turn. */
const runsOf = (dispatches: readonly Dispatch[], dims: DimValues): number =>
  dispatches.reduce((sum, d) => sum + (d.repeats === undefined ? 1 : evaluateSize(d.repeats, dims)), 0)

/** `256 * ((3136*batch + 255) // 256) + 512`, as a reader would write the polynomial. */
export function printSize(size: Size): string {
  if (typeof size === 'number') return String(size)
  return size.terms
    .map(([coefficient, ...factors]) => {
      const parts = factors.map((f) =>
        typeof f === 'string' ? f : `((${printSize(f.floor[0])}) // ${printSize(f.floor[1])})`,
      )
      return [...(coefficient === 1 && parts.length > 0 ? [] : [String(coefficient)]), ...parts].join('*')
    })
    .join(' + ')
}
