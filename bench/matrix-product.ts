/**
 * A square product of operands in 16 bits, summed in float32: by the default schedule, and by the best of those by subgroup
 * matrices that agree with the float64 reference, where the device has them. Milliseconds, a median each.
 */
import { openKernel } from '../cli/tune/kernel-bench.ts'
import { matricesOf } from '../cli/tune/matrices.ts'
import { agree } from '../cli/tune/tune-kernel.ts'
import { defaultSchedule } from '../compiler/7-emit/wgsl/default-schedule.ts'
import { emitKernel } from '../compiler/7-emit/wgsl/emit.ts'
import { matrixCandidates } from '../compiler/7-emit/wgsl/matrix-candidates.ts'
import type { Schedule, Target } from '../compiler/7-emit/wgsl/schedule.ts'
import type { Storage } from '../runtime/abi.ts'
import { denseLayer } from './dense-layer.ts'

export interface MatrixProduct {
  /** By the default schedule. */
  readonly plain: number
  /** By matrices; without, the sentence that says why not. */
  readonly best?: { readonly ms: number; readonly schedule: Schedule }
  readonly skipped?: string
  readonly tried: number
  /** Candidates that the device refused, or whose numbers were wrong. */
  readonly refused: number
}

const storages: readonly Storage[] = ['f16', 'f16', 'f32']

export async function matrixProduct(device: GPUDevice, n: number, target: Target): Promise<MatrixProduct | undefined> {
  if (!device.features.has('shader-f16')) return undefined
  const kernel = denseLayer(n, n, n, false)
  const print = (schedule: Schedule) =>
    emitKernel(kernel, { storageOf: (_, slot) => storages[slot]!, target, schedule })
  const bench = openKernel(device, kernel, storages, new Map())
  try {
    const standard = defaultSchedule(kernel, target)
    const emitted = print(standard)
    const expected = await bench.results(emitted)
    const plain = await bench.time(emitted)
    const candidates = matrixCandidates(kernel, storages, standard, matricesOf(device))
    let best: MatrixProduct['best']
    let refused = 0
    for (const schedule of candidates) {
      const tried = print(schedule)
      const isRight = await bench
        .results(tried)
        .then((given) => agree(given, expected, 1e-4))
        .catch(() => false)
      const ms = isRight ? await bench.time(tried) : Number.POSITIVE_INFINITY
      if (!isRight) refused += 1
      else if (ms < (best?.ms ?? Number.POSITIVE_INFINITY)) best = { ms, schedule }
    }
    const reference = bench.reference()
    const isWrong = !agree(expected, reference, 1e-4, (value) => !Number.isNaN(value))
    if (isWrong) throw new Error('the default product differs from the reference')
    const counts = { plain, tried: candidates.length, refused }
    if (best) return { ...counts, best }
    const skipped =
      candidates.length === 0
        ? 'the adapter offers no subgroup matrices of f16 or f32 with sums in f32'
        : 'no product by subgroup matrices was right'
    return { ...counts, skipped }
  } finally {
    bench.dispose()
  }
}
