/**
 * The schedule of a recurrence where none is given, and for which recurrences one kernel is the wrong form.
 *
 * In software a lane runs rows of its own: a barrier costs there more than a lane's share of the work. On a GPU a
 * workgroup has few rows, so that many multiprocessors take part. Figures: bench/NOTES.md.
 */
import { type Dim, multiply, one } from '../../ir/dim.ts'
import type { Scalar, ScanKernel, ScanPhase } from '../../ir/kernel.ts'
import type { ScanStop } from '../../ir/scan-stop.ts'
import { countLoads, estimate, type Sizes } from './default-schedule.ts'
import { childrenOf } from './identity.ts'
import { rowWork } from './scan.ts'
import type { Limits, ScanSchedule, Target } from './schedule.ts'

export function scanSchedule(kernel: ScanKernel, target: Target, limits: Limits, sizes: Sizes): ScanSchedule {
  const rows = estimate(kernel.batch.extent, sizes)
  if (target === 'cpu-class') {
    const subgroup = limits.subgroup ?? 0
    const lanes = subgroup || 8
    // Rows of a lane share what is read; but there must be a workgroup for every core.
    const each = rows >= 4 * lanes ? 2 : 1
    return {
      kind: 'scan',
      by: 'lane',
      guards: 'branch',
      rows: each,
      lanes,
      columns: subgroup > 0 ? 8 : 16,
      subgroup,
      work: cpuWork,
    }
  }
  const each = Math.max(1, Math.min(4, Math.floor(rows / enoughGroups)))
  const lanes = Math.min(256, limits.workgroupInvocations)
  const widest = Math.max(
    ...kernel.phases.map((phase) => (phase.kind === 'contract' ? estimate(columnsOf(phase), sizes) : 1)),
  )
  return {
    kind: 'scan',
    by: 'workgroup',
    guards: 'branch',
    rows: each,
    lanes: widest <= 64 ? Math.min(64, lanes) : lanes,
    columns: Math.max(1, Math.min(4, Math.ceil(widest / lanes))),
    // What trees over lanes need is left free.
    memory: limits.workgroupBytes - 4096,
    work: gpuWork,
  }
}

const columnsOf = (phase: Extract<ScanPhase, { kind: 'contract' }>): Dim =>
  phase.columns.map((axis) => axis.extent).reduce((a, b) => multiply(a, b), one)

/** Workgroups that keep a GPU busy. */
const enoughGroups = 64

/** Products of one dispatch: a fraction of a second where an integrated GPU, or two cores, do a few thousand million a second. */
const gpuWork = 1 << 30
const cpuWork = 1 << 30

/** Products of one row's turn: above, dispatches cost little beside them (an LSTM of 1024 has four million). */
const mostTerms = 6_000_000

/** Accesses to memory in one text, as for all kernels. */
const mostAccesses = 96

/** Why a recurrence should rather run as a loop of kernels; `undefined` where one kernel is right. */
export function declinesScan(kernel: ScanKernel, target: Target, sizes: Sizes = new Map()): ScanStop | undefined {
  const terms = estimate(rowWork(kernel), sizes)
  if (terms > mostTerms) return { kind: 'work', terms, most: mostTerms }
  if (kernel.phases.some((phase) => phase.kind === 'contract' && readsByTurn(phase.right, kernel)))
    return { kind: 'weights' }
  const count = accessesOf(kernel)
  if (target === 'cpu-class' && count > mostAccesses) return { kind: 'accesses', count, most: mostAccesses }
  return undefined
}

/** Whether an operand that all rows share is another one in each turn. */
function readsByTurn(scalar: Scalar, { batch, time }: ScanKernel): boolean {
  let byTurn = false
  let byRow = false
  const seen = new Set<object>()
  const visit = (item: ReturnType<typeof childrenOf>[number]): void => {
    if (seen.has(item)) return
    seen.add(item)
    if (item.kind === 'axis' && item.axis === time) byTurn = true
    if (item.kind === 'axis' && item.axis === batch) byRow = true
    for (const child of childrenOf(item)) visit(child)
  }
  visit(scalar)
  return byTurn && !byRow
}

function accessesOf(kernel: ScanKernel): number {
  let count = 0
  for (const phase of [...kernel.before, ...kernel.phases]) {
    const stores = phase.kind === 'row' ? [...phase.stores, ...phase.results] : phase.stores
    for (const { value } of stores) count += 1 + countLoads(value)
    if (phase.kind === 'row') for (const { value } of phase.stages) count += countLoads(value)
    // A tile's columns are read side by side.
    if (phase.kind === 'contract') count += 2 * countLoads(phase.left) + 8 * countLoads(phase.right)
  }
  return count
}
