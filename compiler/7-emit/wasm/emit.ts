/** Kernel → WebAssembly functions: `map out[i] = f(x[i])` → code, what to bind, and into how many groups the work falls. */
import type { Kernel } from '../../ir/kernel.ts'
import type { EmittedKernel } from '../../lowered.ts'
import type { Sizes } from '../wgsl/default-schedule.ts'
import { emitAttention } from './attention.ts'
import { emitContract } from './contract.ts'
import { emitMap } from './map.ts'
import { emitRow } from './row.ts'
import { emitRunning } from './running.ts'
import { emitScatter } from './scatter.ts'

/** `sizes` are values of free dims that are known already: they decide schedules, but the code holds for any. */
export function emitWasm(kernel: Kernel, sizes: Sizes): EmittedKernel {
  switch (kernel.kind) {
    case 'map':
      return emitMap(kernel)
    case 'row':
      return emitRow(kernel)
    case 'contract':
      return emitContract(kernel, sizes)
    case 'scatter':
      return emitScatter(kernel)
    case 'running':
      return emitRunning(kernel)
    case 'attention':
      return emitAttention(kernel)
    default:
      return kernel satisfies never
  }
}
