/** Which parameters learn, and at which rate: `freeze` patterns and the optimizer's overrides → runs of the arena. */
import type { UpdateGroup } from '../lowered.ts'
import { matchesPattern } from '../path-pattern.ts'
import type { ModelGraph, Program, TrainDescription } from '../program.ts'

export interface Grouping {
  readonly groups: readonly UpdateGroup[]
  readonly isFrozen: (path: string) => boolean
}

/** Group 0 has the optimizer's own rate, group k the rate of override k; the first pattern that matches decides. */
export function groupParameters(model: ModelGraph, train: TrainDescription, program: Program): Grouping {
  const isFrozen = (path: string) => train.freeze.some((pattern) => matchesPattern(pattern, path))
  const moments = program.optimizer(train.optimizer).moments.map(({ name, initial }) => ({ name, initial }))
  const members = new Map<number, string[]>()
  for (const { path } of model.parameters) {
    if (isFrozen(path)) continue
    const index = train.optimizer.overrides.findIndex((o) => matchesPattern(o.pattern, path)) + 1
    const list = members.get(index)
    if (list) list.push(path)
    else members.set(index, [path])
  }
  const groups = [...members]
    .sort(([a], [b]) => a - b)
    .map(([index, parameters]): UpdateGroup => ({ index, parameters, moments }))
  return { groups, isFrozen }
}

/** Whether all layers of each stack learn alike, so that one tensor can hold the parameters of all. */
export function learnsAlike(model: ModelGraph, train: TrainDescription): boolean {
  const rate = (path: string): number =>
    train.freeze.some((pattern) => matchesPattern(pattern, path))
      ? -1
      : train.optimizer.overrides.findIndex((o) => matchesPattern(o.pattern, path)) + 1
  const known = new Map<string, number>()
  return model.parameters.every(({ path, part }) => {
    if (!part) return true
    const first = known.get(part.of) ?? rate(path)
    known.set(part.of, first)
    return part.index === 0 || first === rate(path)
  })
}
