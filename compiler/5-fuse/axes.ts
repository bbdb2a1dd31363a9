/**
 * Axes are chosen last, from how they are used. Where an index takes an axis apart (`i // 49`, `i % 49`: a reshape that
 * did not vanish) the axis is split in two, and the division with it; where two axes always appear as one position
 * (`7·y + x`), they become one.
 *
 * before: map i0<8·batch·49>: … t[i0 // 49 …]        after: map i0<8·batch>, i1<49>: … t[i0 …]
 */
import { type Dim, exactQuotient, multiply, one, product, scale } from '../ir/dim.ts'
import { axesOfIndex, axisIndex, sumIndex, zeroIndex } from '../ir/index.ts'
import { isNonNegative } from '../ir/index-bounds.ts'
import type { Axis, Index, Kernel } from '../ir/kernel.ts'
import { axisListsOf, rewriteKernel, storesOf, walkKernel, withAxes } from './kernel-parts.ts'

export function finishAxes(kernel: Kernel): Kernel {
  return rename(merge(split(dropUnits(kernel))))
}

/** The index of an axis of one element is 0 already. */
const dropUnits = (kernel: Kernel): Kernel =>
  withAxes(kernel, (axes) =>
    axes.length === 1 && isSingle(kernel, axes[0]!) ? axes : axes.filter(({ extent }) => extent !== one),
  )

/** Axes that a form has exactly one of. */
const isSingle = (kernel: Kernel, axis: Axis): boolean =>
  (kernel.kind === 'scatter' && axis === kernel.entries) || (kernel.kind === 'running' && axis === kernel.row)

function split(kernel: Kernel): Kernel {
  let current = kernel
  // Each round makes extents smaller, so the rounds end; the bound is against a fault of the algebra.
  for (let round = 0; round < 64; round++) {
    const cut = findCut(current)
    if (!cut) return current
    const { axis, by, count } = cut
    const [high, low] = [
      { name: axis.name, extent: count },
      { name: axis.name, extent: by },
    ]
    const both = sumIndex([
      { factor: by, index: axisIndex(high) },
      { factor: one, index: axisIndex(low) },
    ])
    current = rewriteKernel(
      current,
      {
        axis: (a) => (a === axis ? both : undefined),
        bound: (axes) => axes.flatMap((a) => (a === axis ? [high, low] : [a])),
      },
      (axes) => axes.flatMap((a) => (a === axis ? [high, low] : [a])),
    )
  }
  return current
}

/** An axis that some index divides by a divisor of its extent. */
function findCut(kernel: Kernel): { readonly axis: Axis; readonly by: Dim; readonly count: Dim } | undefined {
  const splittable = new Set(axisListsOf(kernel).flat())
  let found: { axis: Axis; by: Dim; count: Dim } | undefined
  walkKernel(kernel, {
    scalar: (s) => {
      if (s.kind === 'reduce' && !s.combine.startsWith('arg')) for (const axis of s.axes) splittable.add(axis)
    },
    index: (index) => {
      if (found || (index.kind !== 'quotient' && index.kind !== 'remainder')) return
      for (const axis of axesOfIndex(index.index)) {
        if (!splittable.has(axis)) continue
        const by = cutOf(index.index, index.by, axis)
        const count = by && exactQuotient(axis.extent, by)
        if (by && count && by !== one && count !== one) found = { axis, by, count }
      }
    },
  })
  return found
}

/** The size that the low part of an axis must have for `(f·axis + …)` to be divided without a rest: `by / |f|`. */
function cutOf(index: Index, by: Dim, axis: Axis): Dim | undefined {
  if (index.kind === 'axis') return by
  if (index.kind !== 'sum') return undefined
  const term = index.terms.find((t) => t.index.kind === 'axis' && t.index.axis === axis)
  const size = term && exactQuotient(by, term.factor)
  return size && (isNonNegative(size) ? size : scale(size, -1))
}

function merge(kernel: Kernel): Kernel {
  let current = kernel
  for (let runs = runsOf(current); runs.length > 0; runs = runsOf(current)) current = withRunsAsOne(current, runs)
  return current
}

/** Axes next to each other that always appear as one position. */
function runsOf(kernel: Kernel): readonly (readonly Axis[])[] {
  const lists = axisListsOf(kernel)
  if (lists.every((list) => list.length < 2)) return []
  const uses = usesOf(kernel)
  const runs: Axis[][] = []
  for (const list of lists) {
    let run: Axis[] = []
    for (const axis of list) {
      const last = run.at(-1)
      if (last && appearAsOne(uses, last, axis)) run.push(axis)
      else run = [axis]
      if (run.length === 2) runs.push(run)
    }
  }
  return runs
}

/** Where axes appear: in sums, or as an index, a dividend or a position by themselves. */
interface Uses {
  readonly sums: readonly Extract<Index, { kind: 'sum' }>[]
  readonly bare: ReadonlySet<Axis>
}
function usesOf(kernel: Kernel): Uses {
  const sums: Extract<Index, { kind: 'sum' }>[] = []
  const bare = new Set<Axis>()
  const alone = (index: Index) => {
    if (index.kind === 'axis') bare.add(index.axis)
  }
  for (const { index } of storesOf(kernel)) alone(index)
  walkKernel(kernel, {
    scalar: (s) => {
      if (s.kind === 'load' || s.kind === 'position') alone(s.index)
      if (s.kind === 'guarded') for (const guard of s.guards) alone(guard.index)
    },
    index: (index) => {
      if (index.kind === 'sum') sums.push(index)
      else if (index.kind === 'quotient' || index.kind === 'remainder') alone(index.index)
    },
  })
  return { sums, bare }
}

/** Whether every sum with one of the axes has both, as `f·(low.extent·high + low)`, and neither appears alone. */
function appearAsOne({ sums, bare }: Uses, high: Axis, low: Axis): boolean {
  if (bare.has(high) || bare.has(low)) return false
  for (const { terms } of sums) {
    let f: Dim | undefined
    let g: Dim | undefined
    for (const { factor, index } of terms)
      if (index.kind === 'axis') {
        if (index.axis === high) f = factor
        else if (index.axis === low) g = factor
      }
    if (f === undefined && g === undefined) continue
    if (f === undefined || g === undefined || f !== multiply(g, low.extent)) return false
  }
  return true
}

/** In each sum the last axis of a run has the factor of the whole, and the others' terms go: they count as 0. */
function withRunsAsOne(kernel: Kernel, runs: readonly (readonly Axis[])[]): Kernel {
  const parts = new Map<Axis, Index>()
  const wholes = new Map<Axis, Axis>()
  for (const run of runs) {
    const whole: Axis = { name: run[0]!.name, extent: product(run.map(({ extent }) => extent)) }
    wholes.set(run[0]!, whole)
    for (const axis of run) parts.set(axis, zeroIndex)
    parts.set(run.at(-1)!, axisIndex(whole))
  }
  return rewriteKernel(kernel, { axis: (axis) => parts.get(axis) }, (axes) =>
    axes.flatMap((axis) => wholes.get(axis) ?? (parts.has(axis) ? [] : axis)),
  )
}

const letters: Readonly<Record<Kernel['kind'], readonly string[]>> = {
  map: ['i'],
  row: ['o', 'r'],
  contract: ['b', 'm', 'n', 'k'],
  scatter: ['b', 'a'],
  running: ['o'],
  attention: ['o', 'r', 'c'],
}

/** Names by role and order, so that equal kernels print alike. */
function rename(kernel: Kernel): Kernel {
  const renamed = new Map<Axis, Axis>()
  axisListsOf(kernel).forEach((list, role) => {
    list.forEach((axis, at) => {
      renamed.set(axis, { name: `${letters[kernel.kind][role]!}${at}`, extent: axis.extent })
    })
  })
  if (kernel.kind === 'scatter') renamed.set(kernel.entries, { name: 'e', extent: kernel.entries.extent })
  if (kernel.kind === 'running') renamed.set(kernel.row, { name: 'r', extent: kernel.row.extent })
  for (const axis of renamed.values()) axisIndex(axis)
  let loops = 0
  const rename = (axis: Axis): Axis => {
    const known = renamed.get(axis) ?? { name: `w${loops++}`, extent: axis.extent }
    renamed.set(axis, known)
    return known
  }
  // Loops inside lanes are named where they are bound.
  walkKernel(kernel, { scalar: (s) => s.kind === 'reduce' && s.axes.forEach(rename) })
  return rewriteKernel(kernel, { axis: (axis) => axisIndex(rename(axis)), bound: (axes) => axes.map(rename) }, (axes) =>
    axes.map(rename),
  )
}
