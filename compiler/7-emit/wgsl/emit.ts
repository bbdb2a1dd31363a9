/** Kernel → WGSL: `map out[i] = f(x[i])` → one or more entry points as text, with what to bind and how much to dispatch. */
import type { Storage } from '../../../runtime/abi.ts'
import type { Node } from '../../ir/graph.ts'
import type { Kernel } from '../../ir/kernel.ts'
import type { EmittedKernel } from '../../lowered.ts'
import { emitAttention } from './attention.ts'
import { emitContract } from './contract.ts'
import { emitMatrixContract } from './contract-matrix.ts'
import { defaultSchedule, type Sizes } from './default-schedule.ts'
import { emitMap } from './map.ts'
import { orient } from './orient.ts'
import { emitRow } from './row.ts'
import { emitRunning } from './running.ts'
import { emitScatter } from './scatter.ts'
import { guaranteedLimits, type Limits, type Schedule, type Target } from './schedule.ts'

export interface EmitOptions {
  /** How a slot's tensor lies in memory. */
  readonly storageOf: (node: Node, slot: number) => Storage
  readonly target: Target
  readonly limits?: Limits
  /** Values of free dims that are known already: they decide schedules, but the text holds for any. */
  readonly sizes?: Sizes
  /** In place of the default one; of the kernel's kind. */
  readonly schedule?: Schedule
}

export function emitKernel(fused: Kernel, options: EmitOptions): EmittedKernel {
  // A schedule that was given is for the kernel as it is.
  const kernel = fused.kind === 'contract' && !options.schedule ? orient(fused, options.sizes ?? new Map()) : fused
  const storages = kernel.slots.map(({ node }, slot) => options.storageOf(node, slot))
  const schedule =
    options.schedule ?? defaultSchedule(kernel, options.target, options.limits ?? guaranteedLimits, options.sizes)
  switch (kernel.kind) {
    case 'map':
      if (schedule.kind === 'map') return emitMap(kernel, storages, schedule)
      break
    case 'row':
      if (schedule.kind === 'row') return emitRow(kernel, storages, schedule)
      break
    case 'contract':
      if (schedule.kind === 'contract')
        return schedule.by === 'matrix'
          ? emitMatrixContract(kernel, storages, schedule)
          : emitContract(kernel, storages, schedule)
      break
    case 'scatter':
      if (schedule.kind === 'scatter') return emitScatter(kernel, storages, schedule)
      break
    case 'running':
      if (schedule.kind === 'running') return emitRunning(kernel, storages, schedule)
      break
    case 'attention':
      if (schedule.kind === 'attention') return emitAttention(kernel, storages, schedule)
      break
    default:
      return kernel satisfies never
  }
  throw new Error(`a ${schedule.kind} schedule for a ${kernel.kind} kernel`)
}

/**
 * Source lines (`softmax.dlm:14`) as WGSL comments, to be shown above a text. They are no part of it, so that equal
 * kernels of different lines share a pipeline. Of a path only harmless characters are shown: a line break or bracket in
 * a file name must not end a comment.
 */
export function sourceComment(lines: Iterable<string>): string {
  return [...new Set(lines)]
    .map((line) => `// from ${line.replace(/[^A-Za-z0-9_./:[\] -]/g, '?').slice(0, 160)}\n`)
    .join('')
}
