/** What the plan asks of phase 7: a target's printers, each kernel printed once, however many entries share it. */
import type { Storage } from '../runtime/abi.ts'
import type { PlanOptions } from './6-plan/plan.ts'
import { emitWasm } from './7-emit/wasm/emit.ts'
import { link } from './7-emit/wasm/link.ts'
import type { Sizes } from './7-emit/wgsl/default-schedule.ts'
import { emitKernel } from './7-emit/wgsl/emit.ts'
import { orient } from './7-emit/wgsl/orient.ts'
import { emitScan } from './7-emit/wgsl/scan.ts'
import { declinesScan, scanSchedule } from './7-emit/wgsl/scan-schedule.ts'
import { guaranteedLimits, type ScanSchedule, type Schedule, type Target } from './7-emit/wgsl/schedule.ts'
import { dim } from './ir/dim.ts'
import type { Node } from './ir/graph.ts'
import type { Kernel, ScanKernel } from './ir/kernel.ts'
import { keyOfBody, keyOfSlots } from './ir/kernel-key.ts'
import type { ScanStop } from './ir/scan-stop.ts'
import type { EmittedKernel } from './lowered.ts'
import type { ScheduleChoice } from './schedule-choice.ts'

/** How recurrences are run, where that is not left to the class of adapter: a loop each, or one kernel by this schedule. */
export type ScanChoice = 'loop' | ScanSchedule

export interface EmitterOptions {
  /** Lanes of the adapter's subgroups, where that is one fixed number. */
  readonly subgroup?: number | undefined
  /** Likely values of free dims: schedules are chosen for them, and hold for all. */
  readonly sizes?: ReadonlyMap<string, number> | undefined
  readonly scans?: ScanChoice | undefined
  /** Better schedules than the default ones, where some were found for the adapter. Not for WebAssembly. */
  readonly schedules?: ScheduleChoice | undefined
  /** Storage buffers a dispatch may bind. */
  readonly maxSlots?: number | undefined
}

/** What was printed for one target, by the kernel's body, then by its slots, then by what else decided its text. */
type Prints<Printed> = Map<string, Map<string, Map<string, Printed>>>

/** Kernels that were printed: those of another entry, target or model of the same file are often of the same structure. */
export class PrintedKernels {
  private readonly kernels = new Map<string, Prints<EmittedKernel>>()

  /** For printers that agree about everything that `printer` names. */
  of(printer: string): Prints<EmittedKernel> {
    const known: Prints<EmittedKernel> = this.kernels.get(printer) ?? new Map()
    this.kernels.set(printer, known)
    return known
  }
}

export function planOptions(
  target: Target | 'wasm',
  options: EmitterOptions = {},
  printed = new PrintedKernels(),
): PlanOptions {
  const { subgroup, sizes: given = new Map(), scans, schedules, maxSlots = guaranteedLimits.storageBuffers } = options
  if (target === 'wasm')
    return {
      emit: remembered((kernel: Kernel, sizes) => emitWasm(kernel, sizes), printed.of(target)),
      link,
      maxBindings: Number.POSITIVE_INFINITY,
    }
  const limits = { ...guaranteedLimits, subgroup }
  const likely = new Map([...given].map(([name, size]) => [name, dim(size)] as const))
  const withLikely = (sizes: Sizes): Sizes => (likely.size === 0 ? sizes : new Map([...likely, ...sizes]))
  // A choice of schedules may be another each time.
  const prints = schedules ? new Map() : printed.of(`${target} ${subgroup}`)
  const emit = remembered((kernel: Kernel, sizes: Sizes, storages: readonly Storage[]) => {
    const printing = { storageOf: (_: Node, slot: number) => storages[slot]!, target, limits, sizes }
    if (!schedules) return emitKernel(kernel, printing)
    const turned = kernel.kind === 'contract' ? orient(kernel, sizes) : kernel
    const print = (schedule?: Schedule) =>
      schedule ? emitKernel(turned, { ...printing, schedule }) : emitKernel(kernel, printing)
    return print(schedules({ kernel: turned, emit: print, storages, target, limits, sizes }))
  }, prints)
  const print = remembered((kernel: ScanKernel, sizes: Sizes, storages: readonly Storage[]) => {
    const schedule = scans && scans !== 'loop' ? scans : scanSchedule(kernel, target, limits, withLikely(sizes))
    return emitScan(kernel, storages, schedule)
  }, new Map())
  const declines = (kernel: ScanKernel, sizes: Sizes): ScanStop | undefined => {
    if (scans === undefined) return declinesScan(kernel, target, withLikely(sizes))
    return scans === 'loop' ? { kind: 'chosen' } : undefined
  }
  return { emit: Object.assign(emit, { scans: { print, declines } }), maxBindings: maxSlots }
}

/** Prints kernels of one structure once for each way in which their tensors lie in memory, however many entries share them. */
function remembered<K extends Kernel | ScanKernel, Printed>(
  print: (kernel: K, sizes: Sizes, storages: readonly Storage[]) => Printed,
  prints: Prints<Printed>,
): typeof print {
  return (kernel, sizes, storages) => {
    // Kernels of one structure have the same two texts, which are not put together: that would be another to hash.
    const [body, slots] = [keyOfBody(kernel), keyOfSlots(kernel)]
    const withBody = prints.get(body) ?? new Map<string, Map<string, Printed>>()
    const alike = withBody.get(slots) ?? new Map<string, Printed>()
    let key = storages.join()
    for (const [name, size] of sizes) key += ` ${name}=${size.key}`
    const known = alike.get(key)
    if (known !== undefined) return known
    const made = print(kernel, sizes, storages)
    prints.set(body, withBody.set(slots, alike.set(key, made)))
    return made
  }
}
