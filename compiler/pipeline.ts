/**
 * Every pass in its order, and why it stands there.
 *
 * check → lower (differentiates) → simplify → fuse → emit kernels → plan. Simplification comes after differentiation, so
 * that what a gradient repeats of the forward pass is found once; fusion after simplification, so that it sees the
 * fewest nodes; kernels are printed before memory is planned, because a schedule may ask for scratch space.
 */
import type { CompiledProgram, Storage } from '../runtime/abi.ts'
import { type LowerOptions, lower } from './2-lower/lower.ts'
import { differentiate } from './3-differentiate/differentiate.ts'
import { simplify } from './4-simplify/simplify.ts'
import type { FuseOptions } from './5-fuse/fuse.ts'
import { halfStorage } from './5-fuse/half-storage.ts'
import { fuseSegments } from './5-fuse/segments.ts'
import { type PlanOptions, plan } from './6-plan/plan.ts'
import type { FusedEntry } from './6-plan/stages.ts'
import { emitWasm } from './7-emit/wasm/emit.ts'
import { link } from './7-emit/wasm/link.ts'
import { emitKernel } from './7-emit/wgsl/emit.ts'
import { emitScan, prefersWholeScans, scanLanes } from './7-emit/wgsl/scan.ts'
import { guaranteedLimits, type Target } from './7-emit/wgsl/schedule.ts'
import type { Dim } from './ir/dim.ts'
import type { Graph } from './ir/graph.ts'
import type { Kernel, ScanKernel } from './ir/kernel.ts'
import { verifyGraph } from './ir/verify-graph.ts'
import { verifyKernel } from './ir/verify-kernel.ts'
import { type EmittedKernel, type HalfStorage, kernelsOf, type LoweredProgram } from './lowered.ts'
import type { Program } from './program.ts'

export interface CompileOptions extends Omit<LowerOptions, 'differentiate'> {
  /** The class of adapter that schedules are chosen for. */
  readonly target?: Target | 'wasm'
  /** Lanes of the adapter's subgroups, where that is one fixed number. */
  readonly subgroup?: number | undefined
  /** Run the verifiers between passes. */
  readonly verify?: boolean
  /** Storage buffers a dispatch may bind. */
  readonly maxSlots?: number
}

export interface Compilation {
  readonly lowered: LoweredProgram
  readonly simplified: LoweredProgram
  readonly fused: readonly FusedEntry[]
  readonly program: CompiledProgram
}

export function compile(program: Program, options: CompileOptions): Compilation {
  const lowered = lower(program, { ...options, differentiate })
  if (options.verify) forEachGraph(lowered, verifyGraph)
  const simplified = mapGraphs(lowered, simplify)
  if (options.verify) forEachGraph(simplified, verifyGraph)
  const fused = simplified.entries.map(
    (entry): FusedEntry => ({
      name: entry.name,
      phases: entry.phases.map((phase) => {
        const segments = fuseSegments(phase.graph, fuseOptions(options))
        return { ...phase, segments, ...(phase.mixed && { half: trainableHalf(halfStorage(segments), simplified) }) }
      }),
    }),
  )
  if (options.verify)
    for (const { phases } of fused) for (const { segments } of phases) kernelsOf(segments).forEach(verifyKernel)
  return {
    lowered,
    simplified,
    fused,
    program: plan(simplified, fused, planOptions(options.target ?? 'gpu', options.subgroup)),
  }
}

/**
 * Measured with attention forward and backward: in software, making scores again costs several times what memory does, and
 * its gradients take a minute to compile. There training keeps scores in memory unless it is known how many there are.
 */
function fuseOptions({ maxSlots = 8, target, train }: CompileOptions): FuseOptions {
  const software = train && train.dims.size === 0 ? Number.POSITIVE_INFINITY : 16
  return {
    maxSlots,
    recompute: target === 'gpu' || target === undefined ? 2 : software,
    ...(train && { sizes: train.dims }),
  }
}

/** A graph without a model around it (the expectations of a `test` block), compiled as it stands so that the device does the work. */
export function compileGraph(
  graph: Graph,
  target: Target | 'wasm',
  wholeScans?: (kernel: ScanKernel) => boolean,
): CompiledProgram {
  const bare: LoweredProgram = { name: graph.name, dims: [], entries: [], parameters: [], states: [], groups: [] }
  const segments = fuseSegments(graph, { maxSlots: 8 })
  const entry = { name: 'infer' as const, phases: [{ graph, flat: undefined, segments }] }
  return plan(bare, [entry], planOptions(target, undefined, wholeScans))
}

function planOptions(
  target: Target | 'wasm',
  subgroup?: number,
  wholeScans: (kernel: ScanKernel) => boolean = prefersWholeScans(target === 'wasm' ? 'cpu-class' : target),
): PlanOptions {
  if (target !== 'wasm') return { emit: emitter(target, subgroup, wholeScans) }
  const emit = remembered((kernel, sizes) => emitWasm(kernel, sizes))
  return { emit: Object.assign(emit, { prefersWhole: wholeScans }), link }
}

type Print = (
  kernel: Kernel | ScanKernel,
  sizes: ReadonlyMap<string, Dim>,
  storages: readonly Storage[],
) => EmittedKernel

/** Prints a kernel once for each way in which its tensors lie in memory, however many entries share it. */
function remembered(print: Print): Print {
  const known = new Map<Kernel | ScanKernel, Map<string, EmittedKernel>>()
  return (kernel, sizes, storages) => {
    const prints = known.get(kernel) ?? new Map<string, EmittedKernel>()
    known.set(kernel, prints)
    const key = storages.join()
    const printed = prints.get(key) ?? print(kernel, sizes, storages)
    prints.set(key, printed)
    return printed
  }
}

function emitter(
  target: Target,
  subgroup: number | undefined,
  wholeScans: (kernel: ScanKernel) => boolean,
): PlanOptions['emit'] {
  const limits = { ...guaranteedLimits, subgroup }
  const emit = remembered((kernel, sizes, storages) =>
    kernel.kind === 'scan'
      ? emitScan(kernel, storages, scanLanes(target))
      : emitKernel(kernel, { storageOf: (_, slot) => storages[slot]!, target, limits, sizes }),
  )
  return Object.assign(emit, { prefersWhole: wholeScans })
}

/** Frozen parameters have no copy: they do not change, and the copy is made of the trained ones as one run. */
function trainableHalf({ values, parameters }: HalfStorage, { parameters: all }: LoweredProgram): HalfStorage {
  const trained = all.filter(({ trainable, path }) => trainable && parameters.has(path))
  return { values, parameters: new Set(trained.map(({ path }) => path)) }
}

function mapGraphs(program: LoweredProgram, pass: typeof simplify): LoweredProgram {
  return {
    ...program,
    entries: program.entries.map((entry) => ({
      ...entry,
      phases: entry.phases.map((phase) => ({ ...phase, graph: pass(phase.graph) })),
    })),
  }
}
function forEachGraph(program: LoweredProgram, visit: typeof verifyGraph): void {
  for (const { phases } of program.entries) for (const { graph } of phases) visit(graph)
}
