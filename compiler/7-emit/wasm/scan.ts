/**
 * Recurrences in one dispatch: a group for each batch row runs all turns, in each the phases in order. What a phase
 * writes, only the same group reads again, so groups need not wait for each other.
 */
import type { Axis, ScanKernel, Store } from '../../ir/kernel.ts'
import type { EmittedKernel } from '../../lowered.ts'
import { get, Local, number, size } from './code.ts'
import { bind, type Context, guardLoads, inside, loops, named, rootContext } from './context.ts'
import { KernelFunction } from './function.ts'
import { op } from './instructions.ts'
import { bestLanes } from './map.ts'
import { alongLanes } from './reduce.ts'
import { countStores, writeStores } from './stores.ts'

export function emitScan(kernel: ScanKernel): EmittedKernel {
  const fn = new KernelFunction(kernel.slots)
  for (const { stores } of kernel.phases) countStores(fn, stores)
  fn.forEachGroup((block, row) => {
    const root = bind(inside(rootContext(fn), block), [[kernel.batch, get(row)]])
    const step = new Local('i32')
    block.set(step, number(0))
    block.loop(step, size(kernel.time.extent), number(1), (turn) => {
      const here = inside(root, turn)
      const last = op('i32.sub', size(kernel.time.extent), number(1))
      const t = kernel.reverse ? named(here, op('i32.sub', last, get(step))) : get(step)
      const at = bind(here, [[kernel.time, t]])
      for (const { axes, stores } of kernel.phases) runPhase(at, axes, stores)
    })
  })
  return { stages: [fn.finish(kernel.name, kernel.batch.extent)], scratch: [] }
}

function runPhase(context: Context, axes: readonly Axis[], stores: readonly Store[]): void {
  const along = bestLanes(context.fn, axes, [], stores)
  // What a phase before has written must be read after it: no load leaves this block.
  context.block.nest((block) => {
    const phase = guardLoads(context, block)
    if (!along) {
      loops(phase, axes, (inner) => writeStores(guardLoads(inner, inner.block), stores))
      return
    }
    loops(
      phase,
      axes.filter((a) => a !== along),
      (inner) => {
        const fill = (at: Context) => writeStores(at, stores)
        alongLanes(inner, along, number(0), size(along.extent), fill, fill)
      },
    )
  })
}
