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
    else if (rate !== null) values[name] = rates[Number(rate[1] ?? 0)]!(step)
    else throw new Error(`unknown field ${name} of a step`)
  }
  return values
}
