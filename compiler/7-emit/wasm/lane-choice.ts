/** Along which axis lanes should lie: how its neighbouring elements lie in memory decides. */
import type { Axis, Index, Scalar, Store } from '../../ir/kernel.ts'
import { childrenOf } from '../wgsl/identity.ts'
import type { KernelFunction } from './function.ts'

/** Fewer elements along an axis than this leave lanes without work. */
const fewest = 4

/**
 * How good an axis is for lanes: accesses that are side by side count for it, those that must be gathered against it.
 * 0 where lanes would not pay.
 */
export function laneQuality(
  fn: KernelFunction,
  scalars: readonly Scalar[],
  axis: Axis,
  stores: readonly Store[] = [],
): number {
  if (axis.extent.constant !== undefined && axis.extent.constant < fewest) return 0
  let [good, bad] = [0, 0]
  const seen = new Set<object>()
  const judge = (index: Index, weight: number) => {
    const step = stepOf(fn, index, axis)
    if (step === 1) good += 3 * weight
    else if (step === 0) good += weight
    else bad += 2 * weight
  }
  const visit = (item: Scalar | Index) => {
    if (seen.has(item)) return
    seen.add(item)
    if (item.kind === 'load') judge(item.index, 1)
    // What costs much gains most from lanes, wherever its operands come from.
    if (item.kind === 'apply' && costly.has(item.fn)) good += 8
    for (const child of childrenOf(item)) visit(child)
  }
  for (const scalar of scalars) visit(scalar)
  for (const { index, value } of stores) {
    judge(index, 2)
    visit(value)
  }
  return good > bad ? good - bad : 0
}
const costly: ReadonlySet<string> = new Set([
  'exp',
  'log',
  'tanh',
  'erf',
  'sin',
  'cos',
  'pow',
  'threefry',
  'sqrt',
  'rsqrt',
  'div',
])

/** 0: does not depend on the axis; 1: side by side; `undefined`: anything else. */
function stepOf(fn: KernelFunction, index: Index, axis: Axis): 0 | 1 | undefined {
  if (!fn.identities.of(index).free.has(axis)) return 0
  if (index.kind === 'axis') return 1
  if (index.kind !== 'sum') return undefined
  let step: 0 | 1 | undefined = 0
  for (const term of index.terms) {
    const own = stepOf(fn, term.index, axis)
    if (own === 0) continue
    if (own === undefined || step !== 0 || term.factor.constant !== 1) return undefined
    step = 1
  }
  return step
}
