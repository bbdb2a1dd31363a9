/** A row phase of a scan inside one lane: its stages one after another, each a loop over the row, then the stores. */
import type { ScanPhase } from '../../ir/kernel.ts'
import { bind, type Context, flatLoop } from './context.ts'
import { accumulate, declareAccumulator, finished, levelsOf } from './reduction.ts'
import { writeStores } from './stores.ts'

export function writeRow(outer: Context, phase: Extract<ScanPhase, { kind: 'row' }>): void {
  let context = outer
  for (const level of levelsOf(phase.stages)) {
    const accumulators = level.map((i) => {
      const { combine, value } = phase.stages[i]!
      return declareAccumulator(context, combine, value.dtype)
    })
    flatLoop(context, phase.row, (inner, flat) => {
      for (const [at, i] of level.entries()) accumulate(inner, accumulators[at]!, phase.stages[i]!.value, flat)
    })
    context = bind(
      context,
      level.map((i, at) => [i, finished(accumulators[at]!)] as const),
    )
  }
  if (phase.stores.length > 0) flatLoop(context, phase.row, (inner) => writeStores(inner, phase.stores))
  writeStores(context, phase.results)
}
