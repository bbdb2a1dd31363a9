/** The number of a step → the fields of the step block: the seed, the step, and each group's learning rate. */
import type { StepField } from './abi.ts'
import type { StepValues } from './executor.ts'
import type { Schedule } from './schedule.ts'

export function stepValues(
  fields: readonly StepField[],
  seed: number,
  step: number,
  rates: readonly Schedule[],
): StepValues {
  const values: Record<string, number> = {}
  for (const { name } of fields) {
    const rate = /^rate(?:\.(\d+))?$/.exec(name)
    if (name === 'seed') values[name] = seed
    // The float `step` of the optimizer's formulas, and the second word of the key of random streams.
    else if (name === 'step' || name === 'counter') values[name] = step
    else if (rate !== null) values[name] = rateOf(rates, Number(rate[1] ?? 0), step)
    else throw new Error(`the step block has a field ${name} that the trainer does not know`)
  }
  return values
}

function rateOf(rates: readonly Schedule[], group: number, step: number): number {
  const rate = rates[group]
  if (rate === undefined)
    throw new Error(`the program has an update group ${group}, and the settings give ${rates.length} rates`)
  return rate(step)
}
