/**
 * A program and a budget in bytes → a compilation whose training session is certified to take no more. First as it is;
 * then computing values of the forward pass again (`rematerialise.ts`), keeping fewer and fewer of its bottlenecks: of all
 * that fit, the first, which computes least again.
 */
import type { DimValues } from '../runtime/abi.ts'
import { evaluate } from '../runtime/size.ts'
import { bottleneckCount } from './4-simplify/rematerialise.ts'
import type { Compilation } from './pipeline.ts'

export interface MemoryFit {
  readonly compilation: Compilation
  /** Of the training session. */
  readonly bytes: number
  /** Of the bottlenecks, each so-manieth is kept; `undefined`: nothing is computed again. */
  readonly stride: number | undefined
  readonly fits: boolean
}

/** Where nothing fits, the smallest. */
export function fitMemory(
  compileWith: (rematerialise: number | undefined) => Compilation,
  budget: number,
  dimsOf: (compilation: Compilation) => DimValues,
): MemoryFit {
  const attempt = (stride: number | undefined): MemoryFit => {
    const compilation = compileWith(stride)
    const { program } = compilation
    const bytes = evaluate((program.footprint.training ?? program.footprint.inference).bytes, dimsOf(compilation))
    return { compilation, bytes, stride, fits: bytes <= budget }
  }
  const plain = attempt(undefined)
  if (plain.fits) return plain
  let smallest = plain
  for (const stride of strides(plain.compilation)) {
    const fit = attempt(stride)
    if (fit.fits) return fit
    if (fit.bytes < smallest.bytes) smallest = fit
  }
  return smallest
}

/** 1, 2, 3, 4, 6, 8, 12, …: from keeping every bottleneck to keeping one. */
function* strides({ simplified }: Compilation): Generator<number> {
  const step = simplified.entries.find(({ name }) => name === 'step')
  // Recurrences keep less in any case.
  const most = Math.max(1, ...(step?.phases ?? []).map(({ graph }) => bottleneckCount(graph)))
  for (let power = 1; power <= most; power *= 2) {
    yield power
    if (power >= 2 && power * 1.5 <= most) yield power * 1.5
  }
}
