/** A schedule that the defaults would not choose for a kernel so small: every variant must give the same results. */

import type { ContractSchedule, MatrixSchedule, RowSchedule, Schedule } from '../../compiler/7-emit/wgsl/schedule.ts'
import type { Kernel } from '../../compiler/ir/kernel.ts'
import { countTensors } from '../../compiler/ir/kernel-slots.ts'

export function anySchedule(kernel: Kernel, seed: number, subgroup: number): Schedule | undefined {
  const guards = (['branch', 'select', 'free'] as const)[seed % 3]!
  const rows: RowSchedule[] = [
    { kind: 'row', by: 'lane', lanes: 8, steps: 3, guards },
    { kind: 'row', by: 'workgroup', lanes: 16, guards },
    { kind: 'row', by: 'parts', lanes: 8, parts: 3, steps: 1, guards },
  ]
  const plain: ContractSchedule = {
    kind: 'contract',
    by: 'registers',
    rows: 2,
    columns: 2,
    lanes: 8,
    rowLanes: 1,
    block: 0,
    subgroup: 0,
    panels: false,
    vector: 1,
    unroll: 1,
    stores: seed % 2 === 0 ? 'text' : 'loop',
    split: 1,
    guards,
  }
  const matrices: MatrixSchedule = {
    kind: 'contract',
    by: 'matrix',
    configuration: { component: 'f32', M: 8, N: 4, K: 4 },
    rows: 1,
    columns: 1,
    rowGroups: 2,
    columnGroups: 1,
    subgroup,
    block: 2,
    split: 1,
    guards,
  }
  const contracts: (ContractSchedule | MatrixSchedule)[] = [
    plain,
    { ...plain, by: 'subgroup', rows: subgroup, lanes: subgroup, subgroup },
    { ...plain, by: 'subgroup', rows: 5, columns: 1, vector: 4, lanes: subgroup, subgroup },
    { ...plain, by: 'subgroup', rows: 8, columns: 1, vector: 4, unroll: 2, lanes: subgroup, subgroup, panels: true },
    { ...plain, vector: 4, unroll: 4 },
    { ...plain, rows: 3, columns: 1, vector: 4, unroll: 3 },
    { ...plain, by: 'workgroup', lanes: 4, rowLanes: 4, block: 4 },
    matrices,
    ...(kernel.kind === 'contract' && kernel.depth.length > 0
      ? [
          { ...plain, split: 2 },
          { ...plain, vector: 4 as const, unroll: 4, split: 2 },
          { ...plain, by: 'workgroup' as const, lanes: 4, rowLanes: 4, block: 4, split: 3 },
          { ...matrices, rows: 2, subgroup: subgroup / 2, split: 2 },
        ]
      : []),
  ]
  switch (kernel.kind) {
    case 'map':
      return { kind: 'map', lanes: 8, steps: 1 + (seed % 5), guards }
    case 'row': {
      const fits = countTensors(kernel.slots) <= 8
      return rows[seed % (fits ? 3 : 2)]
    }
    case 'contract':
      return contracts[seed % contracts.length]
    case 'scatter':
    case 'running':
      return { kind: kernel.kind, lanes: 16, steps: 1 + (seed % 3), guards }
    case 'attention':
      if (seed % 3 === 0 && kernel.columns.every((a) => a.extent.constant !== undefined))
        return { kind: 'attention', by: 'workgroup', lanes: 8, guards }
      return {
        kind: 'attention',
        by: 'lane',
        lanes: 8,
        steps: 1 + (seed % 2),
        width: 1 + (seed % 4),
        unrolled: seed % 4 < 2,
        guards,
      }
    default:
      return kernel satisfies never
  }
}
