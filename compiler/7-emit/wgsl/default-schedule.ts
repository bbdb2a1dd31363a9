/**
 * The schedule of a kernel where none is given, by the class of adapter.
 *
 * On a CPU-class adapter (lavapipe, SwiftShader) a kernel is vector code over subgroups of 4 or 8 lanes: every load is
 * a gather, barriers are costly, and compile time grows steeply with the number of loads in the text. On a GPU
 * neighbouring lanes should touch neighbouring addresses, and workgroup memory saves traffic. Figures: bench/NOTES.md.
 */

import { type Dim, substitute } from '../../ir/dim.ts'
import type { AttentionKernel, Kernel, RowKernel, Scalar } from '../../ir/kernel.ts'
import { countTensors } from '../../ir/kernel-slots.ts'
import { contractSchedule } from './contract-schedule.ts'
import { childrenOf } from './identity.ts'
import {
  type AttentionSchedule,
  guaranteedLimits,
  type Limits,
  type RowSchedule,
  type Schedule,
  type Target,
} from './schedule.ts'
import { elements } from './shader.ts'

/** Values of free dims that are known already. */
export type Sizes = ReadonlyMap<string, Dim>
const noSizes: Sizes = new Map()
/** An estimate of a size as a number. */
export type Count = (size: Dim) => number

/** A free dim counts as this many where a schedule depends on sizes. */
const assumed = 64

export function defaultSchedule(
  kernel: Kernel,
  target: Target,
  limits: Limits = guaranteedLimits,
  sizes: Sizes = noSizes,
): Schedule {
  const count = (size: Dim) => estimate(size, sizes)
  const guards = 'branch'
  switch (kernel.kind) {
    case 'map':
      return { kind: 'map', guards, ...spreadFor(count(elements(kernel.axes)), target) }
    case 'row':
      return rowSchedule(kernel, target, limits, count)
    case 'contract':
      return contractSchedule(kernel, target, limits, count)
    case 'scatter':
      return { kind: 'scatter', guards, lanes: 64, steps: 1 }
    case 'running':
      return { kind: 'running', guards, ...spreadFor(count(elements(kernel.outer)), target) }
    case 'attention':
      return attentionSchedule(kernel, target, count)
    default:
      return kernel satisfies never
  }
}

function attentionSchedule(kernel: AttentionKernel, target: Target, count: Count): AttentionSchedule {
  const guards = 'branch'
  const columns = elements(kernel.columns).constant
  if (target === 'gpu' && columns !== undefined)
    return { kind: 'attention', by: 'workgroup', guards, lanes: columns >= 64 ? 64 : 32 }
  const accesses = Math.max(
    1,
    countLoads(kernel.value) + kernel.stores.reduce((n, s) => n + 1 + countLoads(s.value), 0),
  )
  const unrolled = columns !== undefined && columns * accesses <= 56
  // Lanes that share an outer index compute its scores each for themselves: columns are kept together.
  const width = columns === undefined ? 16 : Math.min(columns, 128)
  return {
    kind: 'attention',
    by: 'lane',
    guards,
    ...spreadFor(count(elements(kernel.outer)), target, count(elements(kernel.row))),
    width,
    unrolled,
  }
}

/**
 * Lanes and steps for independent elements, each so much work as so many operations. A CPU-class adapter starts every subgroup
 * anew at a cost of tens of operations (measured: bench/NOTES.md), so there few lanes take many elements each, as long as the
 * workgroups keep all cores busy, and an element is no long loop itself.
 */
function spreadFor(size: number, target: Target, work = 1): { lanes: number; steps: number } {
  if (target === 'gpu') return { lanes: 64, steps: 1 }
  const lanes = 8
  const most = Math.min(64 / work, size / (lanes * enoughGroups))
  return { lanes, steps: 2 ** Math.floor(Math.log2(Math.max(1, most))) }
}

function rowSchedule(kernel: RowKernel, target: Target, limits: Limits, count: Count): RowSchedule {
  const guards = 'branch'
  const rows = count(elements(kernel.outer))
  const length = count(elements(kernel.row))
  const lanes = Math.min(target === 'gpu' ? 256 : 64, limits.workgroupInvocations)
  // Parts bind two scratch tensors beside what they read.
  const canSplit = countTensors(kernel.slots) + 2 <= limits.storageBuffers
  if (target === 'gpu') {
    if (length <= 32 || (length <= 128 && rows >= 16384))
      return { kind: 'row', by: 'lane', lanes: 64, steps: 1, guards }
    if (canSplit && rows * 8192 < length) return { kind: 'row', by: 'parts', lanes, parts: 256, steps: 1, guards }
    return { kind: 'row', by: 'workgroup', lanes: length >= 1024 ? lanes : 64, guards }
  }
  if (rows >= 64 || length <= 64) return { kind: 'row', by: 'lane', guards, ...spreadFor(rows, target) }
  if (canSplit && rows < 4 && length > 16384)
    return { kind: 'row', by: 'parts', lanes: 8, parts: 16, steps: 64, guards }
  return { kind: 'row', by: 'workgroup', lanes: Math.min(lanes, 64), guards }
}

/** Workgroups that keep the cores of a CPU-class adapter busy. */
export const enoughGroups = 16

/** The least power of two that is not below. */
export const powerOfTwo = (n: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, n)))

/** A size with its free dims at their values, or at an assumed one. */
export function estimate(size: Dim, sizes: Sizes = noSizes): number {
  let sum = 0
  for (const term of substitute(size, sizes).terms) {
    let product = term.coefficient
    for (const atom of term.atoms)
      product *=
        atom.kind === 'symbol'
          ? assumed
          : Math.floor(estimate(atom.numerator) / Math.max(1, estimate(atom.denominator)))
    sum += product
  }
  return sum
}

/** Loads in the text of a scalar, each once. */
export function countLoads(scalar: Scalar): number {
  const seen = new Set<object>()
  let loads = 0
  const visit = (item: ReturnType<typeof childrenOf>[number]) => {
    if (seen.has(item)) return
    seen.add(item)
    if (item.kind === 'load') loads++
    for (const child of childrenOf(item)) visit(child)
  }
  visit(scalar)
  return loads
}
