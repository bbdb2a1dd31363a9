/**
 * Every pass in its order, and why it stands there.
 *
 * check → lower (differentiates) → simplify → fuse → emit kernels → plan. Simplification comes after differentiation, so
 * that what a gradient repeats of the forward pass is found once; fusion after simplification, so that it sees the
 * fewest nodes; kernels are printed before memory is planned, because a schedule may ask for scratch space.
 */
import type { CompiledProgram } from '../runtime/abi.ts'
import { type LowerOptions, lower } from './2-lower/lower.ts'
import { differentiate } from './3-differentiate/differentiate.ts'
import { rematerialise } from './4-simplify/rematerialise.ts'
import { simplify } from './4-simplify/simplify.ts'
import { FusedGraphs } from './5-fuse/alike.ts'
import type { FuseOptions } from './5-fuse/fuse.ts'
import { halfStorage } from './5-fuse/half-storage.ts'
import { fuseSegments } from './5-fuse/segments.ts'
import { plan } from './6-plan/plan.ts'
import type { FusedEntry } from './6-plan/staged.ts'
import type { Target } from './7-emit/wgsl/schedule.ts'
import { type EmitterOptions, PrintedKernels, planOptions } from './emitters.ts'
import { product, symbolsOf } from './ir/dim.ts'
import { type Graph, nodesOf } from './ir/graph.ts'
import { verifyGraph } from './ir/verify-graph.ts'
import { verifyKernel } from './ir/verify-kernel.ts'
import { likelySizes } from './likely-sizes.ts'
import { type HalfStorage, kernelsOf, type LoweredProgram } from './lowered.ts'
import type { Program, TrainDescription } from './program.ts'
import type { ScheduleChoice } from './schedule-choice.ts'

export interface CompileOptions extends Omit<LowerOptions, 'differentiate' | 'simplify'> {
  /** The class of adapter that schedules are chosen for. */
  readonly target?: Target | 'wasm'
  /** Lanes of the adapter's subgroups, where that is one fixed number. */
  readonly subgroup?: number | undefined
  /** Better schedules than the default ones, where some were found for the adapter. Not for WebAssembly. */
  readonly schedules?: ScheduleChoice | undefined
  /**
   * The block whose sizes are likely, where no `train` is compiled: the plan of an entry, and so each bit that it computes, is
   * then the same with the block and without.
   */
  readonly sizesFrom?: TrainDescription | undefined
  /** Run the verifiers between passes. */
  readonly verify?: boolean
  /** A training step computes values again instead of keeping them; of its bottlenecks it keeps each so-manieth. */
  readonly rematerialise?: number | undefined
  /** Storage buffers a dispatch may bind. */
  readonly maxSlots?: number
}

/** What may differ between the targets of one compilation. */
export type TargetOptions = Pick<CompileOptions, 'target' | 'subgroup' | 'half' | 'schedules'>

export interface Compilation {
  readonly lowered: LoweredProgram
  readonly simplified: LoweredProgram
  readonly fused: readonly FusedEntry[]
  readonly program: CompiledProgram
}

export function compile(program: Program, options: CompileOptions): Compilation {
  return compileFor(program, options, [options])[0]!
}

/** For several targets: what comes before the choice of schedules is done once, wherever it comes out the same. */
export function compileFor(program: Program, shared: CompileOptions, targets: readonly TargetOptions[]): Compilation[] {
  const sizes = sizesOf(program, shared)
  const known = knownOf(program)
  const fronts = new Map<boolean, Front>()
  return targets.map((target) => {
    const options = { ...shared, ...target }
    const mixed = options.half === true && options.train?.precision === 'mixed'
    const front = fronts.get(mixed) ?? frontOf(program, options)
    fronts.set(mixed, front)
    const { lowered, simplified } = front
    const fused = fuseFor(front, options, { sizes, known: known.graphs })
    return {
      lowered,
      simplified,
      fused,
      program: plan(simplified, fused, planOptions(options.target ?? 'gpu', { ...options, sizes }, known.kernels)),
    }
  })
}

/** What compilations of one file have in common: its models, their entries and the targets are much alike. */
interface KnownParts {
  readonly graphs: FusedGraphs
  readonly kernels: PrintedKernels
}
function knownOf(program: Program): KnownParts {
  const known = knownParts.get(program) ?? { graphs: new FusedGraphs(), kernels: new PrintedKernels() }
  knownParts.set(program, known)
  return known
}
const knownParts = new WeakMap<Program, KnownParts>()

/** A program before kernels, and the ways in which it was fused. */
interface Front {
  readonly lowered: LoweredProgram
  readonly simplified: LoweredProgram
  readonly fusions: { readonly entries: readonly FusedEntry[]; readonly decisions: ReadonlyMap<number, boolean> }[]
}

function frontOf(program: Program, options: CompileOptions): Front {
  const recompute = options.rematerialise !== undefined
  const lowered = lower(program, {
    ...options,
    differentiate: (builder, loss, wrt) => differentiate(builder, loss, wrt, { recompute }),
    simplify,
  })
  if (options.verify) forEachGraph(lowered, verifyGraph)
  const simplified = keepLess(mapGraphs(lowered, simplify), options.rematerialise)
  if (options.verify) forEachGraph(simplified, verifyGraph)
  return { lowered, simplified, fusions: [] }
}

/** Two targets share their kernels where they agree about each value that could be stored or computed again. */
function fuseFor(
  front: Front,
  options: CompileOptions,
  { sizes, known }: Required<Pick<FuseOptions, 'sizes' | 'known'>>,
): readonly FusedEntry[] {
  const isMany = (times: number) => times >= recomputeRatio(options)
  const before = front.fusions.find(({ decisions }) => [...decisions].every(([times, many]) => isMany(times) === many))
  if (before) return before.entries
  const decisions = new Map<number, boolean>()
  const recompute = (times: number) => {
    decisions.set(times, isMany(times))
    return isMany(times)
  }
  const { simplified } = front
  const entries = simplified.entries.map(
    (entry): FusedEntry => ({
      name: entry.name,
      phases: entry.phases.map((phase) => {
        const segments = fuseSegments(phase.graph, { sizes, known, maxSlots: options.maxSlots ?? 8, recompute })
        return { ...phase, segments, ...(phase.mixed && { half: trainableHalf(halfStorage(segments), simplified) }) }
      }),
    }),
  )
  if (options.verify)
    for (const { phases } of entries) for (const { segments } of phases) kernelsOf(segments).forEach(verifyKernel)
  front.fusions.push({ entries, decisions })
  return entries
}

/**
 * Measured with attention forward and backward: in software, making scores again costs several times what memory does. There
 * few scores are kept in memory; a length that nobody knows counts as great, so that memory never grows with its square.
 */
const recomputeRatio = ({ target = 'gpu' }: CompileOptions): number => (target === 'gpu' ? 2 : 16)

function sizesOf(program: Program, options: CompileOptions): ReadonlyMap<string, number> {
  const { train, sizesFrom = train, model, arguments: given } = options
  if (!sizesFrom) return new Map()
  const graphOf = (training: boolean) => program.model(model, { training, ...(given && { arguments: given }) })
  const inference = graphOf(false)
  return likelySizes(program, inference.portsDependOnTraining ? graphOf(true) : inference, sizesFrom)
}

/** A graph without a model around it (the expectations of a `test` block), compiled as it stands so that the device does the work. */
export function compileGraph(graph: Graph, target: Target | 'wasm', options: EmitterOptions = {}): CompiledProgram {
  const bare: LoweredProgram = {
    name: graph.name,
    dims: [...new Set(nodesOf(graph.results).flatMap(({ shape }) => [...symbolsOf(product(shape))]))],
    requirements: [],
    entries: [],
    parameters: [],
    states: [],
    groups: [],
  }
  const segments = fuseSegments(graph, { maxSlots: 8 })
  const entry = { name: 'infer' as const, phases: [{ graph, flat: undefined, segments }] }
  return plan(bare, [entry], planOptions(target, options))
}

/** Frozen parameters have no copy: they do not change, and the copy is made of the trained ones as one run. */
function trainableHalf({ values, parameters }: HalfStorage, { parameters: all }: LoweredProgram): HalfStorage {
  const trained = all.filter(({ trainable }) => trainable).map(({ path, part }) => part?.of ?? path)
  return { values, parameters: new Set(trained.filter((path) => parameters.has(path))) }
}

function keepLess(program: LoweredProgram, stride: number | undefined): LoweredProgram {
  if (stride === undefined) return program
  return mapGraphs(program, (graph) => rematerialise(graph, stride), 'step')
}

function mapGraphs(program: LoweredProgram, pass: (graph: Graph) => Graph, only?: string): LoweredProgram {
  return {
    ...program,
    entries: program.entries.map((entry) =>
      only === undefined || entry.name === only
        ? { ...entry, phases: entry.phases.map((phase) => ({ ...phase, graph: pass(phase.graph) })) }
        : entry,
    ),
  }
}
function forEachGraph(program: LoweredProgram, visit: typeof verifyGraph): void {
  for (const { phases } of program.entries) for (const { graph } of phases) visit(graph)
}
