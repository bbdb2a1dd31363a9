/**
 * A kernel and its default schedule → other schedules worth a try on an adapter, nearest first. All of them are legal for
 * the adapter's limits and give the default's result within rounding; which is fastest only the adapter knows.
 */

import type { Kernel } from '../../ir/kernel.ts'
import { countTensors } from '../../ir/kernel-slots.ts'
import type { ContractSchedule, Limits, MatrixSchedule, RowSchedule, Schedule, Target } from './schedule.ts'

export function candidates(kernel: Kernel, chosen: Schedule, limits: Limits, target: Target): Schedule[] {
  // Drivers in software compile large tiles for seconds (bench/NOTES.md), and the tuner's time is short.
  const largest = target === 'cpu-class' ? 32 : 128
  const all = variations(kernel, chosen, limits).filter(
    (s) => lanesOf(s) <= limits.workgroupInvocations && (s.kind !== 'contract' || s.rows * s.columns <= largest),
  )
  const seen = new Set([JSON.stringify(chosen)])
  return all.filter((schedule) => {
    const key = JSON.stringify(schedule)
    return !seen.has(key) && seen.add(key)
  })
}

/** Schedules by matrices are a list of their own (matrix-candidates.ts). */
type Plain = Exclude<Schedule, MatrixSchedule>

function variations(kernel: Kernel, chosen: Schedule, limits: Limits): Plain[] {
  switch (chosen.kind) {
    case 'map':
    case 'scatter':
    case 'running':
      return spreads.map((spread) => ({ ...chosen, ...spread }))
    case 'attention':
      return chosen.by === 'lane'
        ? spreads.map((spread) => ({ ...chosen, ...spread }))
        : [32, 64, 128].map((lanes) => ({ ...chosen, lanes }))
    case 'row':
      return rows(kernel, chosen, limits)
    case 'contract':
      return chosen.by === 'matrix' ? [] : contractions(kernel, chosen, limits)
    case 'scan':
      // What a recurrence's kernel holds in workgroup memory is worked out for one schedule.
      return []
    default:
      return chosen satisfies never
  }
}

/** Few lanes with many elements each suit processors, many with few a GPU. */
const spreads = [
  { lanes: 64, steps: 1 },
  { lanes: 64, steps: 4 },
  { lanes: 256, steps: 1 },
  { lanes: 8, steps: 16 },
  { lanes: 8, steps: 64 },
  { lanes: 16, steps: 16 },
  { lanes: 32, steps: 8 },
]

function rows({ slots }: Kernel, { guards }: RowSchedule, { storageBuffers }: Limits): RowSchedule[] {
  // Parts bind two scratch tensors beside what they read.
  const splits = countTensors(slots) + 2 <= storageBuffers
  return [
    ...spreads.map((spread): RowSchedule => ({ kind: 'row', by: 'lane', guards, ...spread })),
    ...[8, 32, 64, 128, 256].map((lanes): RowSchedule => ({ kind: 'row', by: 'workgroup', guards, lanes })),
    ...(splits
      ? [
          { lanes: 8, parts: 16, steps: 64 },
          { lanes: 64, parts: 64, steps: 1 },
        ].map((part): RowSchedule => ({ kind: 'row', by: 'parts', guards, ...part }))
      : []),
  ]
}

/** Other tiles of the same form first, then the other forms, then the depth in parts. */
function contractions(kernel: Kernel, chosen: ContractSchedule, limits: Limits): ContractSchedule[] {
  const tiles = (by: ContractSchedule, sizes: readonly (readonly [rows: number, columns: number])[]) =>
    sizes.map(([rows, columns]): ContractSchedule => ({ ...by, rows, columns }))
  const register = { ...chosen, by: 'registers', rowLanes: 1, block: 0, subgroup: 0, panels: false } as const
  const staged = { ...register, by: 'workgroup', lanes: 16, rowLanes: 16, block: 16 } as const
  const { subgroup } = limits
  const shared =
    subgroup === undefined
      ? []
      : [{ ...chosen, by: 'subgroup', lanes: subgroup, subgroup, rowLanes: 1, block: 0 } as const]
  const free = limits.storageBuffers - countTensors(kernel.slots)
  const splits = kernel.kind === 'contract' && kernel.depth.length > 0 && free > (chosen.panels ? 1 : 0)
  return [
    ...shared.flatMap((by) =>
      tiles(by, [
        [16, 1],
        [16, 2],
        [16, 4],
        [8, 2],
        [8, 4],
      ]),
    ),
    // With the left operand laid out in panels, or without.
    ...shared.flatMap((by) =>
      free > (chosen.split > 1 ? 1 : 0)
        ? tiles({ ...by, unroll: 2, panels: !chosen.panels }, [
            [16, 1],
            [16, 2],
          ])
        : [],
    ),
    ...tiles({ ...register, lanes: chosen.by === 'workgroup' ? 64 : chosen.lanes }, [
      [4, 1],
      [4, 2],
      [8, 2],
      [8, 4],
      [4, 4],
      [1, 1],
    ]),
    // Tiles of the workgroup's memory: 16 × 16 lanes, so many results each.
    ...(limits.workgroupInvocations >= 256
      ? tiles(staged, [
          [2, 2],
          [4, 2],
          [4, 4],
          [8, 4],
        ])
      : []),
    // The innermost axes one by one, or in vectors; what does not fit the extents is printed without.
    ...([1, 4] as const).flatMap((vector) =>
      [1, 2, 4].map((unroll): ContractSchedule => ({ ...chosen, vector, unroll })),
    ),
    ...(splits ? [1, 2, 4, 8].map((split): ContractSchedule => ({ ...chosen, split })) : []),
  ]
}

function lanesOf(schedule: Plain): number {
  return schedule.kind === 'contract' && schedule.by === 'workgroup'
    ? schedule.lanes * schedule.rowLanes
    : schedule.lanes
}
