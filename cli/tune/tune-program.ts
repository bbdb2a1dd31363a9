/** A program, a GPU and some time → better schedules for its kernels: the kernels that take longest are tried first. */
import { candidates } from '../../compiler/7-emit/wgsl/candidates.ts'
import { defaultSchedule } from '../../compiler/7-emit/wgsl/default-schedule.ts'
import { matrixCandidates } from '../../compiler/7-emit/wgsl/matrix-candidates.ts'
import type { Matrices, Schedule } from '../../compiler/7-emit/wgsl/schedule.ts'
import { signature } from '../../compiler/7-emit/wgsl/signature.ts'
import { type dim, evaluate, product } from '../../compiler/ir/dim.ts'
import type { Kernel } from '../../compiler/ir/kernel.ts'
import type { EmittedKernel } from '../../compiler/lowered.ts'
import { type CompileOptions, compile } from '../../compiler/pipeline.ts'
import type { Program } from '../../compiler/program.ts'
import type { ScheduleRequest } from '../../compiler/schedule-choice.ts'
import type { GpuDevice } from '../../runtime/device.ts'
import { type KernelBench, openKernel } from './kernel-bench.ts'
import { matricesOf } from './matrices.ts'
import { type Tuned, tuneKernel } from './tune-kernel.ts'
import type { Winner } from './winners.ts'

export interface TuneRequest {
  readonly program: Program
  readonly compile: CompileOptions
  readonly gpu: GpuDevice
  readonly dims: Readonly<Record<string, number>>
  readonly milliseconds: number
  /** What the device multiplies as matrices, where that is not what it says of itself. */
  readonly matrices?: Matrices
  readonly tell: (kernel: string, tuned: Tuned<Schedule>) => void
}

interface Wanted extends ScheduleRequest {
  readonly key: string
  readonly name: string
  readonly time: number
}

export async function tuneProgram(request: TuneRequest): Promise<Record<string, Winner>> {
  const { gpu, milliseconds, tell } = request
  const end = performance.now() + milliseconds
  const dims = new Map(Object.entries(request.dims))
  const matrices = request.matrices ?? matricesOf(gpu.device)
  const kernels = await timed(kernelsOf(request), gpu, dims, () => performance.now() < end)
  const winners: Record<string, Winner> = {}
  let left = kernels.reduce((sum, { time }) => sum + time, 0)
  for (const wanted of kernels) {
    if (performance.now() >= end) break
    // Each kernel gets as much of the time that is left as it takes of the step.
    const until = performance.now() + ((end - performance.now()) * wanted.time) / left
    left -= wanted.time
    const { kernel, emit, storages, target, limits, sizes } = wanted
    const standard = defaultSchedule(kernel, target, limits, sizes)
    const byMatrices = matrixCandidates(kernel, storages, standard, matrices)
    const half = byMatrices.length === 0 ? until : (performance.now() + until) / 2
    const tolerance = toleranceOf(kernel, storages, dims)
    const [plain, best] = await withBench(gpu, wanted, dims, async (bench) => {
      const search = (from: EmittedKernel, tried: readonly Schedule[], end: number) => {
        const list = tried.map((choice) => ({ choice, emitted: () => emit(choice) }))
        return tuneKernel(bench, from, list, tolerance, () => performance.now() < end)
      }
      const found = await search(emit(), candidates(kernel, standard, limits, target), half)
      if (byMatrices.length === 0) return [found, found]
      // What wins by matrices must win over the best that runs on any adapter, which stays its stand-in.
      const more = await search(emit(found.choice), byMatrices, until)
      return [found, afterwards(found, more)]
    })
    tell(wanted.name, best)
    if (best.choice)
      winners[wanted.key] = {
        schedule: best.choice,
        ...(plain.choice && plain !== best && { elsewhere: plain.choice }),
        kernel: wanted.name,
        dims: request.dims,
        before: best.before,
        after: best.after,
      }
  }
  return winners
}

/** One search after the other, of which the second began with what the first had found. */
function afterwards(first: Tuned<Schedule>, second: Tuned<Schedule>): Tuned<Schedule> {
  const [tried, refused] = [first.tried + second.tried, first.refused + second.refused]
  if (second.choice === undefined) return { ...first, tried, refused }
  return { choice: second.choice, before: first.before, after: second.after, tried, refused }
}

/** Every different kernel of the program that a schedule is chosen for. */
function kernelsOf({ program, compile: options }: TuneRequest): Map<string, ScheduleRequest & { name: string }> {
  const found = new Map<string, ScheduleRequest & { name: string }>()
  compile(program, {
    ...options,
    schedules: (request) => {
      const emitted = request.emit()
      found.set(signature(emitted), { ...request, name: emitted.stages[0]?.name ?? request.kernel.kind })
      return undefined
    },
  })
  return found
}

async function timed(
  found: ReadonlyMap<string, ScheduleRequest & { name: string }>,
  gpu: GpuDevice,
  dims: ReadonlyMap<string, number>,
  hasTime: () => boolean,
): Promise<Wanted[]> {
  const kernels: Wanted[] = []
  for (const [key, request] of found) {
    if (!hasTime()) break
    const time = await withBench(gpu, request, dims, async (bench) => {
      const standard = request.emit()
      await bench.results(standard)
      return bench.time(standard)
    })
    kernels.push({ ...request, key, time })
  }
  return kernels.sort((a, b) => b.time - a.time)
}

async function withBench<T>(
  gpu: GpuDevice,
  { kernel, storages, sizes }: ScheduleRequest,
  dims: ReadonlyMap<string, number>,
  action: (bench: KernelBench) => Promise<T>,
): Promise<T> {
  // The update runs over a run of parameters whose length the plan knows.
  const known = new Map([...[...sizes].map(([name, size]) => [name, evaluate(size, dims)] as const), ...dims])
  const bench = openKernel(gpu.device, kernel, storages, known)
  try {
    const result = await action(bench)
    gpu.check()
    return result
  } finally {
    bench.dispose()
  }
}

/** Sums of many terms may be taken in another order: an error of float32 that grows as the root of their number. */
function toleranceOf(kernel: Kernel, storages: readonly string[], dims: ReadonlyMap<string, number>): number {
  const terms =
    kernel.kind === 'contract'
      ? kernel.depth
      : kernel.kind === 'row'
        ? kernel.row
        : kernel.kind === 'attention'
          ? kernel.columns
          : []
  const count = terms.reduce((n, { extent }) => n * (evaluateOr(extent, dims) ?? 1), 1)
  const unit = storages.includes('f16') ? 2e-3 : 2e-6
  return unit * Math.max(4, Math.sqrt(count))
}

const evaluateOr = (size: ReturnType<typeof dim>, dims: ReadonlyMap<string, number>): number | undefined => {
  try {
    return evaluate(product([size]), dims)
  } catch {
    return undefined
  }
}
