/** Recurrences in one dispatch: a workgroup for each batch row runs every turn, its lanes share each phase. */

import type { Storage } from '../../../runtime/abi.ts'
import { type Dim, multiply, one } from '../../ir/dim.ts'
import type { Scalar, ScanKernel } from '../../ir/kernel.ts'
import type { EmittedKernel } from '../../lowered.ts'
import { bind, flatSize, groupNumber, guardLoads, inside, opaque, rootContext, unflatten } from './context.ts'
import type { Target } from './schedule.ts'
import { Shader } from './shader.ts'
import { countStores, writeStores } from './stores.ts'

export function emitScan(kernel: ScanKernel, storages: readonly Storage[], lanes: number): EmittedKernel {
  const shader = new Shader(kernel.slots, storages)
  for (const { stores } of kernel.phases) countStores(shader, stores)
  const root = rootContext(shader, 'branch')
  const row = groupNumber(root)
  const lane = shader.builtin('lane')
  const turns = shader.size(kernel.time.extent)
  // The number of the workgroup is the same for all its lanes, which WGSL's analysis of barriers cannot see: rows beyond
  // the end run along and touch nothing.
  const live = shader.fresh('live')
  shader.body.line(`let ${live} = ${row} < ${shader.size(kernel.batch.extent)};`)
  const step = shader.fresh('s')
  shader.body.nest(`for (var ${step} = 0u; ${step} < ${opaque(shader, turns)}; ${step}++)`, (turn) => {
    const t = shader.fresh('turn')
    turn.line(`let ${t} = ${kernel.reverse ? `${turns} - 1u - ${step}` : step};`)
    const here = bind(
      root,
      [
        [kernel.batch, row],
        [kernel.time, t],
      ],
      turn,
    )
    for (const { axes, stores } of kernel.phases) {
      const e = shader.fresh('e')
      turn.nest(`for (var ${e} = ${lane}; ${live} && ${e} < ${flatSize(here, axes)}; ${e} += ${lanes}u)`, (block) => {
        // What a phase before has written must be read after it: no load leaves this loop.
        const context = guardLoads(inside(here, block), block)
        writeStores(bind(context, unflatten(context, axes, e)), stores)
      })
      turn.line('storageBarrier();')
    }
  })
  const stage = shader.finish({
    name: kernel.name,
    comment: `scan: a workgroup a batch row, all turns, ${kernel.phases.length} phases`,
    workgroup: [lanes, 1, 1],
    workgroups: [kernel.batch.extent, one, one],
  })
  return { stages: [stage], scratch: [] }
}

/** Lanes that share a phase. */
export const scanLanes = (target: Target): number => (target === 'gpu' ? 128 : 32)

/**
 * On the processor a dispatch costs little and a lane's serial sum much: there only small cells run in one kernel, up to
 * so many terms of a row's sums in a turn (an LSTM of 64 has 16,384).
 */
const mostTerms = 20_000

/** Whether a recurrence is run by one kernel on this class of adapter. */
export const prefersWholeScans =
  (target: Target) =>
  (kernel: ScanKernel): boolean => {
    if (target === 'gpu') return true
    const terms = kernel.phases.map(({ axes, stores }) => multiply(...axes.map((a) => a.extent), deepest(stores)))
    return terms.every((n) => n.constant !== undefined && n.constant <= mostTerms)
  }

/** The longest serial sum in some stores. */
function deepest(stores: ScanKernel['phases'][number]['stores']): Dim {
  let most = one
  const visit = (scalar: Scalar): void => {
    switch (scalar.kind) {
      case 'reduce': {
        const length = multiply(...scalar.axes.map((a) => a.extent))
        if (length.constant === undefined || (most.constant !== undefined && length.constant > most.constant))
          most = length
        visit(scalar.value)
        return
      }
      case 'apply':
        scalar.arguments.forEach(visit)
        return
      case 'guarded':
        visit(scalar.value)
        visit(scalar.otherwise)
        return
      case 'number':
      case 'load':
      case 'position':
      case 'stage':
      case 'accumulator':
        return
      default:
        scalar satisfies never
    }
  }
  for (const { value } of stores) visit(value)
  return most
}
